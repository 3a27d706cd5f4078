r"""Which constant of an unknown update do its messages take over?

With messages :math:`c M` the update :math:`U(S/c)` makes the same law, so one of the constants in
two such formulas is a matter of choice. A formula of the update whose constants can undo a change
of scale,

.. math:: s \frac{\partial U}{\partial s} = \sum_k v_k \frac{\partial U}{\partial c_k},

has one of them set to one (minus one where it is negative): the messages' own constants take its
place, and what is left is determined by the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from residuum.distillers.front import Candidate, Front
from residuum.expressions.calculus import ONE, differentiate
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import CONSTANT, Expression
from residuum.hidden.samples import Extraction
from residuum.laws.system import constant_names, with_named_constants
from residuum.problem.body_problem import BodyProblem

UNDONE = 1e-8  # relative error below which constants undo a change of scale
MATTERS = 0.05  # share of the change that a constant must carry to be the one

Law = Mapping[str, Candidate]


def told(extraction: Extraction) -> list[str]:
    """Return in words what of the law is a matter of choice."""
    return [
        f"Of {update} and {row['messages'].replace(' ', ', ')} only what they make together can be "
        f"known. Free: {row['free']}. Chosen: {row['fixed']}"
        for update, row in extraction.structure.gauge.items()
    ]


@dataclass(frozen=True, slots=True)
class Pins:
    """For each unknown update the measure that its messages scale, and arguments `X[name][n]`."""

    lengths: Mapping[str, str]
    X: Mapping[str, Mapping[str, np.ndarray]]

    @classmethod
    def of(cls, problem: BodyProblem, extraction: Extraction) -> Pins:
        """Return the pins of a problem whose samples are told in a gauge."""
        lengths = {}
        for name in extraction.structure.gauge:
            term = problem.hidden_term(name)
            lengths[name] = term.measures[term.vectors.index(True)]
        samples = {name: extraction.samples[name] for name in lengths}
        return cls(
            lengths,
            {n: dict(zip(s.arguments, s.X.T, strict=True)) for n, s in samples.items()},
        )

    def fronts(self, fronts: Sequence[Mapping[str, Front]]) -> list[dict[str, Front]]:
        """Return fronts in which the formulas of updates are pinned."""
        return [{name: self._front(name, front) for name, front in row.items()} for row in fronts]

    def law(self, law: Law) -> dict[str, Candidate]:
        """Return a combination of candidates with those of updates pinned."""
        return {name: self._candidate(name, candidate) for name, candidate in law.items()}

    def _front(self, name: str, front: Front) -> Front:
        if name not in self.lengths:
            return front
        rows = tuple(self._candidate(name, candidate) for candidate in front.candidates)
        return replace(front, candidates=rows)

    def _candidate(self, name: str, candidate: Candidate) -> Candidate:
        if name not in self.lengths:
            return candidate
        formula = pinned(candidate.expression, self.lengths[name], self.X[name])
        return replace(candidate, expression=formula)


def pinned(formula: Expression, length: str, X: Mapping[str, np.ndarray]) -> Expression:
    """Return a formula without the constant that a change of scale of `length` takes over.

    It comes back as it is where no constant can be taken over.

    >>> from residuum.expressions.parser import parse
    >>> X = {"s": np.array([1.0, 2.0, 3.0]), "m": np.array([1.0, 3.0, 2.0])}
    >>> pinned(parse("1.02*s/m"), "s", X).infix()
    's/m'
    """
    place = _taken_over(formula, length, X)
    if place is None:
        return formula
    sign = "1" if formula.constants[place] > 0 else "-1"
    count, tokens = -1, []
    for token in formula.tokens:
        count += token == CONSTANT
        tokens.append(sign if token == CONSTANT and count == place else token)
    constants = (*formula.constants[:place], *formula.constants[place + 1 :])
    return _without_ones(Expression(tuple(tokens), constants))


def _taken_over(formula: Expression, length: str, X: Mapping[str, np.ndarray]) -> int | None:
    """Return the constant that is to undo a change of scale, None where they cannot."""
    names = constant_names("", formula)
    if not names or length not in formula.variables:
        return None
    opened = with_named_constants("", formula)
    values = {**X, **dict(zip(names, formula.constants, strict=True))}
    shape = X[length].shape

    def slope(name: str) -> np.ndarray:
        return np.broadcast_to(evaluate(differentiate(opened, name), values), shape)

    with np.errstate(all="ignore"):
        change = X[length] * slope(length)
        parts = np.stack([slope(name) for name in names], axis=1)
    size = np.linalg.norm(parts, axis=0)
    if not (np.isfinite(parts).all() and np.isfinite(change).all()) or not (size > 0).all():
        return None
    v = np.linalg.lstsq(parts / size, change, rcond=None)[0]
    total = float(np.linalg.norm(change))
    if np.linalg.norm(parts / size @ v - change) > UNDONE * total:
        return None
    found = [k for k in range(len(names)) if formula.constants[k] and abs(v[k]) > MATTERS * total]
    # In the gauge of the samples it is near one already.
    return min(found, key=lambda k: abs(math.log(abs(formula.constants[k]))), default=None)


def _without_ones(formula: Expression) -> Expression:
    """Return a formula without factors and divisors that are one."""

    def leaf(token: str, constant: float | None) -> Expression:
        return Expression((token,), () if constant is None else (constant,))

    def node(operator: str, *parts: Expression) -> Expression:
        if operator == "*" and ONE in parts:
            return parts[0] if parts[1] == ONE else parts[1]
        if operator == "/" and parts[1] == ONE:
            return parts[0]
        return Expression.apply(operator, *parts)

    fold: Callable[..., Expression] = formula.fold
    return fold(leaf, node)
