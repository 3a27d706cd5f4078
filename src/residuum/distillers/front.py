"""What a distiller returns: formulas for one hidden term, by complexity and loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from residuum.expressions.calculus import ONE, terms
from residuum.expressions.expression import CONSTANT, Expression, is_integer
from residuum.expressions.simplification import skeleton


def subset_nats(size: int, count: int) -> float:
    r"""Return :math:`\log \sum_{j \le k} \binom{m}{j}`, the code length of `k` of `m` terms.

    The number of sums with at most as many terms; that of sums with exactly as many would call
    the whole library as simple as nothing.
    """
    return math.log(sum(math.comb(size, j) for j in range(count + 1)))


def formula_nats(expression: Expression) -> float:
    r"""Return the code length of the structure of a formula that comes from no library.

    .. math:: \sum_j (t_j \log s - p_j \log 2) - \log k!

    for a weighted sum of `k` terms, where term `j` has :math:`t_j` tokens, of :math:`s` different
    ones in the formula (Bartlett, Desmond and Ferreira 2023, arXiv:2211.11461), and
    :math:`p_j` sums and products whose two operands could be exchanged. An integer power `n` is
    one token, and one above 2 costs :math:`2 \log(|n|/2)` besides, as with a prior falling as
    :math:`1/n^2`, or a high power of a sum would pass for an exponential; any other whole number
    `n` costs :math:`\log 2|n|`. As in `subset_nats` the weights are constants, not structure,
    and the order of terms is not told; a constant term is one token. One monomial costs 1 to 6
    nats, as does the choice of one from a library of 3 to 400.
    """
    weighted = terms(Expression(*_structure(expression)))
    parts = [part for _, part in weighted if part != ONE]
    symbols = {symbol for part in parts for symbol in _symbols(part)} | {CONSTANT}
    tokens = sum(len(_symbols(part)) for part in parts)
    tokens += len(weighted) - len(parts) if parts else 0
    length = tokens * math.log(len(symbols))
    length += sum(_named_numbers(part) for part in parts)
    length += sum(_named_weight(weight, offset=part == ONE) for weight, part in weighted)
    exchanges = sum(_exchanges(part) for part in parts)
    return max(0.0, length - exchanges * math.log(2.0) - math.lgamma(len(parts) + 1))


def _structure(expression: Expression) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return tokens without the order and size of constants, and constants that are not round."""
    tokens = skeleton(expression)
    return tokens, (math.e,) * tokens.count(CONSTANT)


def _symbols(part: Expression) -> list[str]:
    """Return the tokens; an integer power is one symbol."""
    tokens = list(part.tokens)
    for exponent in _whole_powers(part):
        tokens.remove("**")
        tokens.remove(exponent)
        tokens.append(f"**{exponent}")
    return tokens


def _whole_powers(part: Expression) -> list[str]:
    return [e.tokens[-1] for e in part.walk() if e.head == "**" and is_integer(e.tokens[-1])]


def _named_numbers(part: Expression) -> float:
    """Return what the whole numbers of a product cost, beyond a token each."""
    powers = _whole_powers(part)
    others = [token for token in part.tokens if is_integer(token)]
    for exponent in powers:
        others.remove(exponent)
    high = sum(2.0 * math.log(max(abs(int(exponent)) / 2, 1.0)) for exponent in powers)
    return high + sum(math.log(2.0 * max(abs(int(token)), 1)) for token in others)


def _named_weight(weight: float, *, offset: bool) -> float:
    """Return what a weight costs that is a whole number and so is not fitted; one is the rule."""
    size = abs(weight)
    if not size.is_integer() or (size == 1 and not offset):
        return 0.0
    return math.log(2.0 * max(size, 1.0))


def _exchanges(part: Expression) -> int:
    pairs = [e.operands for e in part.walk() if e.head in ("+", "*")]
    return sum(left.tokens != right.tokens for left, right in pairs)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One formula for one hidden term, in its formal arguments and the user's units.

    `loss` is the mean squared residual in units of the posterior spread (dimensionless);
    `structure_nats` is the code length of the structure: `subset_nats` for a sum of library
    terms, `formula_nats` for any other formula. `local` holds the value in each experiment of
    names in the formula that stand for constants of their own there.
    """

    term: str
    expression: Expression
    loss: float
    structure_nats: float
    origin: str
    status: str = "ok"
    frequency: float | None = None
    local: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def complexity(self) -> int:
        """Complexity of the formula by the primitive table."""
        return self.expression.complexity

    def to_json(self) -> dict[str, Any]:
        """Return the row of `front.json`."""
        return {
            "expression": self.expression.infix(),
            "numeric": self.expression.infix(),
            "tokens": list(self.expression.tokens),
            "constants": list(self.expression.constants),
            "complexity": self.complexity,
            "loss": self.loss,
            "structure_nats": self.structure_nats,
            "status": self.status,
            "origin": self.origin,
            "frequency": self.frequency,
            **({"local": {k: list(v) for k, v in self.local.items()}} if self.local else {}),
        }

    @classmethod
    def from_json(cls, term: str, row: Mapping[str, Any]) -> Candidate:
        """Return the candidate that `to_json` wrote."""
        return cls(
            term=term,
            expression=Expression.from_json(row),
            # Files hold null for NaN, the loss of a candidate that failed.
            loss=float("nan") if row["loss"] is None else float(row["loss"]),
            structure_nats=float(row["structure_nats"]),
            origin=str(row["origin"]),
            status=str(row["status"]),
            frequency=None if row.get("frequency") is None else float(row["frequency"]),
            local={
                name: tuple(float(x) for x in values)
                for name, values in row.get("local", {}).items()
            },
        )


@dataclass(frozen=True, slots=True)
class Front:
    """The candidates for one hidden term, best loss first within each complexity.

    `library_size` is the number of terms a linear candidate was chosen from (0 if none).
    `notes` are sentences for the reader, such as which terms these samples cannot tell apart.
    """

    term: str
    candidates: tuple[Candidate, ...]
    library_size: int = 0
    notes: tuple[str, ...] = ()

    @property
    def nondominated(self) -> tuple[Candidate, ...]:
        """Candidates that no other beats in both complexity and loss, simplest first."""
        best, kept = float("inf"), []
        for candidate in sorted(self.candidates, key=lambda c: (c.complexity, c.loss)):
            if candidate.status == "ok" and candidate.loss < best:
                best = candidate.loss
                kept.append(candidate)
        return tuple(kept)

    def to_json(self) -> dict[str, Any]:
        """Return the hidden term's part of `front.json`."""
        return {
            "library_size": self.library_size,
            "notes": list(self.notes),
            "candidates": [candidate.to_json() for candidate in self.candidates],
        }

    @classmethod
    def from_json(cls, term: str, value: Mapping[str, Any]) -> Front:
        """Return the front that `to_json` wrote."""
        return cls(
            term=term,
            candidates=tuple(Candidate.from_json(term, row) for row in value["candidates"]),
            library_size=int(value.get("library_size", 0)),
            notes=tuple(str(note) for note in value.get("notes", ())),
        )
