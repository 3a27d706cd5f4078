"""Which hidden terms stand in the argument of another, so that only their composition shows?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from residuum.expressions.calculus import ZERO, differentiate
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.problem.body_problem import BodyProblem, reached


class Linearised(Protocol):
    """What is asked of a surrogate here."""

    @property
    def alive(self) -> Mapping[str, tuple[bool, ...]]: ...
    @property
    def forms(self) -> Mapping[str, str]: ...
    @property
    def maps(self) -> Mapping[str, tuple[np.ndarray, float]]: ...
    def linearised(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...


@dataclass(frozen=True, slots=True)
class Chain:
    """A vector term `outer` whose direction, the measure `along`, is a sum of `inner` terms.

    `shared` are the measures of the outer term that every inner one knows too, at the places
    `places[inner]`: of them the freedom between the two may be a function.
    """

    outer: str
    inner: tuple[str, ...]
    measures: tuple[str, ...]
    along: int
    shared: tuple[int, ...] = ()
    places: Mapping[str, tuple[int, ...]] | None = None

    def shared_of(self, term: str) -> tuple[int, ...]:
        """Return where a term has the shared measures."""
        if term == self.outer or self.places is None:
            return self.shared
        return self.places[term]


def chains(problem: BodyProblem, surrogate: Linearised) -> list[Chain]:
    """Return the chains of a problem in which the size of the inner terms is free.

    It is where the outer term takes a vector that is linear in the inner terms and nothing else,
    and these stand nowhere else.
    """
    found = []
    for outer, inner in problem.nested.items():
        term = problem.hidden_term(outer)
        if not term.vector:
            continue
        along = term.vectors.index(True)
        arguments = [c.arguments[along] for c in problem.calls if c.term == outer]
        alone = all(_homogeneous(problem, a) for a in arguments)
        if not alone or _elsewhere(problem, outer, inner, along):
            continue
        shared, places = _shared(problem, surrogate, outer, inner)
        found.append(Chain(outer, inner, term.measures, along, shared, places))
    return found


def _elsewhere(problem: BodyProblem, outer: str, inner: Sequence[str], along: int) -> bool:
    """Tell whether an inner term is called outside the outer one's direction."""
    opened = dict(problem.opened)
    for call in problem.calls:
        if call.term == outer:
            opened[call.placeholder] = tuple(a for k, a in enumerate(call.arguments) if k != along)
    held = reached((equation.rhs for equation in problem.equations), opened)
    return any(call.placeholder in held for call in problem.calls if call.term in inner)


def _homogeneous(problem: BodyProblem, argument: Expression) -> bool:
    """Tell whether a formula is linear in hidden terms, and zero without them."""
    hidden = {call.placeholder for call in problem.calls}
    sums = {row.placeholder: row.term for row in problem.sums}
    names = [n for n in argument.variables if n in sums and _holds(problem, sums[n], hidden)]
    inside = [sums[n] for n in names]
    own = [n for formula in inside for n in formula.variables if n in hidden]
    return _linear(argument, names) and all(_linear(formula, own) for formula in inside)


def _holds(problem: BodyProblem, formula: Expression, hidden: set[str]) -> bool:
    return bool(hidden & set(reached([formula], problem.opened)))


def _linear(formula: Expression, names: Iterable[str]) -> bool:
    """Tell whether a formula is linear in some names and zero where all of them are."""
    names = list(names)
    partials = [differentiate(formula, name) for name in names]
    if not names or any(differentiate(p, n) != ZERO for p in partials for n in names):
        return False
    rest = formula.substitute(dict.fromkeys(names, ZERO))
    values = {name: np.array(1.0 + 0.37 * k) for k, name in enumerate(rest.variables)}
    return bool(np.asarray(evaluate(rest, values)) == 0.0)


def _shared(
    problem: BodyProblem, surrogate: Linearised, outer: str, inner: Sequence[str]
) -> tuple[tuple[int, ...], dict[str, tuple[int, ...]]]:
    """Return the outer term's arguments that all inner ones know, and where these have them."""
    first = {c.term: c.arguments for c in reversed(problem.calls)}
    shared: list[int] = []
    places: dict[str, list[int]] = {name: [] for name in inner}
    # Equal and opposite messages have no freedom that knows only one of the two bodies.
    free = not any(surrogate.forms.get(name, "").endswith("mutual") for name in inner)
    for k, argument in enumerate(first[outer]):
        known = [first[name].index(argument) if argument in first[name] else -1 for name in inner]
        seen = surrogate.alive[outer][k] and all(
            place >= 0 and surrogate.alive[name][place]
            for name, place in zip(inner, known, strict=True)
        )
        if free and seen:
            shared.append(k)
            for name, place in zip(inner, known, strict=True):
                places[name].append(place)
    return tuple(shared), {name: tuple(rows) for name, rows in places.items()}
