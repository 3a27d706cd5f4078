r"""What is known of a system of bodies: equations of vectors, sums over pairs, and named gaps.

.. math:: \frac{d^2 x_i}{dt^2} = \frac{1}{m_i} \sum_{j \ne i} f(x_j - x_i, m_i, m_j)

is `position_tt: sum(force(position_j - position_i, mass_i, mass_j)) / mass_i`. What the sum does
may be unknown too: `position_tt: update(sum(message(position_j - position_i)), mass_i)`. A state is
a vector over the axes for every body; a name ends in `_i` for the body itself, which receives, and
in `_j` for the other one, which sends. All formulas are elementwise, so that the same formula
serves every axis; what mixes axes (`norm`, `dot`) or bodies (`sum`) stands in them as a
placeholder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from residuum.errors import UserError
from residuum.expressions.expression import Expression
from residuum.problem.hidden_term import Call, HiddenTerm
from residuum.problem.names import derivative
from residuum.problem.problem import Equation, Parameter

RECEIVER, SENDER = "_i", "_j"


@dataclass(frozen=True, slots=True)
class PairSum:
    """A sum of `term` over all other bodies; it stands in formulas as `placeholder`."""

    placeholder: str
    term: Expression


@dataclass(frozen=True, slots=True)
class VectorCall:
    """The length of a vector (`norm`) or the product of two (`dot`), as `placeholder`."""

    placeholder: str
    kind: Literal["norm", "dot"]
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class BodyProblem:
    """A system of bodies in which hidden terms stand for the unknown.

    Built and checked by `problem.body_equations.read_body_problem`. `scalars` are the numbers that
    each body carries, such as its mass. All names and values are in the user's units.
    """

    states: tuple[str, ...]
    scalars: tuple[str, ...]
    equations: tuple[Equation, ...]
    sums: tuple[PairSum, ...] = ()
    vector_calls: tuple[VectorCall, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    inputs: tuple[str, ...] = ()
    hidden_terms: tuple[HiddenTerm, ...] = ()
    calls: tuple[Call, ...] = ()

    @cached_property
    def components(self) -> tuple[str, ...]:
        """Each state followed by its derivatives below the order of its equation."""
        return tuple(
            derivative(equation.state, order)
            for equation in self.equations
            for order in range(equation.order)
        )

    @cached_property
    def estimated(self) -> tuple[str, ...]:
        """Names of the parameters without a given value."""
        return tuple(p.name for p in self.parameters if p.estimated)

    @cached_property
    def known(self) -> Mapping[str, float]:
        """Values of the parameters that have one."""
        return {p.name: p.value for p in self.parameters if p.value is not None}

    def equation(self, state: str) -> Equation:
        """Return the equation of a state; raises KeyError for another name."""
        return {equation.state: equation for equation in self.equations}[state]

    def hidden_term(self, name: str) -> HiddenTerm:
        """Return a hidden term by its name; raises KeyError for another name."""
        return {term.name: term for term in self.hidden_terms}[name]

    def call(self, placeholder: str) -> Call:
        """Return a call by its placeholder; raises KeyError for another name."""
        return {call.placeholder: call for call in self.calls}[placeholder]

    @cached_property
    def pair_calls(self) -> tuple[Call, ...]:
        """The calls that stand inside a sum, so have a value for every pair of bodies."""
        opened = arguments_of(self.calls, self.vector_calls)
        inside = reached((row.term for row in self.sums), opened)
        return tuple(call for call in self.calls if call.placeholder in inside)

    @cached_property
    def nested(self) -> Mapping[str, tuple[str, ...]]:
        """The hidden terms that the arguments of a hidden term hold, where they hold some."""
        term_of = {call.placeholder: call.term for call in self.calls}
        found: dict[str, dict[str, None]] = {}
        for call in self.calls:
            for name in reached(call.arguments, self.opened):
                if name in term_of:
                    found.setdefault(call.term, {})[term_of[name]] = None
        return {term: tuple(inner) for term, inner in found.items()}

    @cached_property
    def opened(self) -> Mapping[str, tuple[Expression, ...]]:
        """The arguments of everything that is called and the terms of sums, by placeholder."""
        terms = {row.placeholder: (row.term,) for row in self.sums}
        return terms | arguments_of(self.calls, self.vector_calls)

    @cached_property
    def sent(self) -> tuple[str, ...]:
        """The components and scalars of other bodies that sums ask for."""
        opened = arguments_of(self.calls, self.vector_calls)
        names = set(reached((row.term for row in self.sums), opened))
        return tuple(n for n in (*self.components, *self.scalars) if n + SENDER in names)

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """The components that right-hand sides ask for, and all states."""
        names = set(reached((equation.rhs for equation in self.equations), self.opened))
        asked = {n[: -len(RECEIVER)] for n in names if n.endswith((RECEIVER, SENDER))}
        return tuple(n for n in self.components if n in asked or n in self.states)

    @cached_property
    def divisors(self) -> tuple[str, ...]:
        """The scalars that an equation divides by, which may not be zero."""
        formulas = [*(e.rhs for e in self.equations), *(row.term for row in self.sums)]
        below = [p.operands[1] for f in formulas for p in f.walk() if p.head == "/"]
        names = {name for part in below for name in part.variables}
        return tuple(s for s in self.scalars if names & {s + RECEIVER, s + SENDER})


def refuse_nested(problem: BodyProblem, where: str = "equations") -> None:
    """Raise UserError where a hidden term takes another's values.

    It is called where only trajectories are known, or the surrogate is one of trajectories.
    """
    for outer, inner in problem.nested.items():
        raise UserError(
            f"hidden term {outer!r} of the hidden term {inner[0]!r}",
            where=where,
            expected="the graph surrogate and measured accelerations for an unknown update",
            hint="give accelerations, states: {position_tt: [...]}, or write the update as known",
        )


def arguments_of(
    calls: Iterable[Call], vector_calls: Iterable[VectorCall]
) -> dict[str, tuple[Expression, ...]]:
    """Return the arguments of everything that is called, by placeholder."""
    found = {call.placeholder: call.arguments for call in calls}
    return found | {call.placeholder: call.arguments for call in vector_calls}


def reached(
    formulas: Iterable[Expression], opened: Mapping[str, tuple[Expression, ...]]
) -> tuple[str, ...]:
    """Return all names in formulas and in the arguments `opened` of what is called in them."""
    pending, found = list(formulas), dict[str, None]()
    while pending:
        for name in pending.pop().variables:
            if name not in found:
                found[name] = None
                pending += opened.get(name, ())
    return tuple(found)
