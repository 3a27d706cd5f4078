"""What a distiller returns: formulas for one hidden term, by complexity and loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from residuum.expressions.expression import Expression


def subset_nats(size: int, count: int) -> float:
    r"""Return :math:`\log \sum_{j \le k} \binom{m}{j}`, the code length of `k` of `m` terms.

    The number of sums with at most as many terms; that of sums with exactly as many would call
    the whole library as simple as nothing.
    """
    return math.log(sum(math.comb(size, j) for j in range(count + 1)))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One formula for one hidden term, in its formal arguments and the user's units.

    `loss` is the mean squared residual in units of the posterior spread (dimensionless);
    `structure_nats` is the code length of the structure; for a sum of library terms it is
    `subset_nats`.
    """

    term: str
    expression: Expression
    loss: float
    structure_nats: float
    origin: str
    status: str = "ok"
    frequency: float | None = None

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
