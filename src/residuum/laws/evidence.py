r"""What a law costs to write down with its data: the criterion by which one law is chosen.

.. math:: D = -2\log L + k \log n + 2\gamma \sum_h s_h,

with `k` constants, `n` observed values and the code length :math:`s_h` (nats) of each hidden
term's structure: the logarithm of the number of structures of its size (extended BIC, Chen and
Chen 2008, doi:10.1093/biomet/asn034). Parsimony belongs to the law, not to each term: a form that
already stands in another hidden term costs nothing, and one that differs pays log 2 to say so.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from residuum.distillers.front import Candidate
from residuum.expressions.calculus import terms
from residuum.expressions.expression import CONSTANT, Expression
from residuum.laws.shape import coefficients, skeleton
from residuum.problem.hidden_term import Call
from residuum.problem.problem import Problem

Form = frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Criterion:
    """Weights of the description length; see the module."""

    gamma: float
    shared_forms: bool

    def structure(self, forms: Sequence[Form], nats: Sequence[float]) -> float:
        """Return the code length of the structures of all hidden terms, weighted."""
        if not self.shared_forms:
            return 2.0 * self.gamma * sum(nats)
        total, seen = 0.0, list[Form]()
        for form, cost in zip(forms, nats, strict=True):
            if form not in seen or not form:
                total += cost + (math.log(2.0) if seen else 0.0)
            seen.append(form)
        return 2.0 * self.gamma * total

    def description_length(
        self,
        deviance: float,
        constants: int,
        count: int,
        forms: Sequence[Form],
        nats: Sequence[float],
    ) -> float:
        """Return D of the module for `constants` fitted numbers and `count` observed values."""
        return deviance + constants * math.log(count) + self.structure(forms, nats)


class Forms:
    """The form of formulas in a problem: their terms, constants removed, in the law's variables.

    Two hidden terms share a form when these sets are equal: `0.9*x*y` in one equation and
    `-0.8*x*y` in another. A term that is called more than once, or with what other hidden terms
    are worth, keeps its formal arguments.
    """

    def __init__(self, problem: Problem) -> None:
        self._actual: dict[str, dict[str, Expression]] = {}
        self._known: dict[tuple[str, tuple[str, ...]], Form] = {}
        for term in problem.hidden_terms:
            calls = [call for call in problem.calls if call.term == term.name]
            once = calls[0].arguments if len(calls) == 1 and not _nested(calls[0]) else ()
            self._actual[term.name] = dict(zip(term.arguments, once, strict=False))

    def of(self, term: str, expression: Expression) -> Form:
        """Return the form of one hidden term's formula; it does not depend on its constants."""
        key = (term, expression.tokens)
        if key not in self._known:
            actual = expression.substitute(self._actual[term])
            self._known[key] = _numbered(_parts(actual))
        return self._known[key]

    def of_law(self, law: Mapping[str, Candidate]) -> tuple[Form, ...]:
        """Return the forms of a combination of candidates, in its order."""
        return tuple(self.of(term, candidate.expression) for term, candidate in law.items())


def _nested(call: Call) -> bool:
    return any("@" in name for argument in call.arguments for name in argument.variables)


def _parts(expression: Expression) -> Iterator[tuple[str, ...]]:
    """Yield the skeleton of each term; one with constants inside tells a free coefficient.

    Zero is no term, and the coefficient of a library term is always free.
    """
    free = coefficients(expression)
    for place, (value, part) in zip(free, terms(expression), strict=True):
        if value or expression.constants:
            own = part.constants and place is not None
            yield (*skeleton(part), CONSTANT) if own else skeleton(part)


def _numbered(parts: Iterable[tuple[str, ...]]) -> Form:
    """Return the parts as a set that tells one exponential from a sum of two."""
    return frozenset(
        (*part, *(f"again {k}" for k in range(1, n)))
        for part, count in Counter(parts).items()
        for n in range(1, count + 1)
    )


def weights(lengths: Sequence[float]) -> list[float]:
    r"""Return posterior weights :math:`\propto \exp(-D/2)` of laws, summing to one."""
    finite = [d for d in lengths if math.isfinite(d)]
    if not finite:
        return [0.0] * len(lengths)
    best = min(finite)
    raw = [math.exp(-0.5 * (d - best)) if math.isfinite(d) else 0.0 for d in lengths]
    total = sum(raw)
    return [value / total for value in raw]
