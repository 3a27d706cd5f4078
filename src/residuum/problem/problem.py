"""What is known of a system: equations with parameters, and named gaps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from residuum.errors import UserError
from residuum.expressions.calculus import ZERO, differentiate
from residuum.expressions.expression import Expression
from residuum.problem.hidden_term import Call, HiddenTerm
from residuum.problem.names import derivative


@dataclass(frozen=True, slots=True)
class Equation:
    r"""One equation :math:`d^{order} state / dt^{order} = rhs`; `text` is what the user wrote.

    `rhs` holds components, `t`, inputs, parameters and the placeholders of hidden calls.
    """

    state: str
    order: int
    rhs: Expression
    text: str

    @property
    def left(self) -> str:
        """The left-hand side as written, such as `theta_tt`."""
        return derivative(self.state, self.order)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A scalar of the known physics: given by its `value`, or estimated within `bounds`."""

    name: str
    value: float | None = None
    bounds: tuple[float, float] | None = None
    unit: str | None = None

    @property
    def estimated(self) -> bool:
        """Whether the parameter has no given value."""
        return self.value is None

    def check(self, where: str) -> None:
        """Raise UserError, located at `where`, unless value and bounds are finite and agree."""
        low, high = self.bounds if self.bounds is not None else (-math.inf, math.inf)
        if self.bounds is not None and not (math.isfinite(low) and math.isfinite(high)):
            raise UserError(
                "bounds are not finite", where=f"{where}.bounds", found=f"[{low}, {high}]"
            )
        if not low < high:
            raise UserError(
                "bounds are not in order",
                where=f"{where}.bounds",
                expected="[lower, upper] with lower < upper",
                found=f"[{low}, {high}]",
            )
        if self.value is not None and not math.isfinite(self.value):
            raise UserError("value is not finite", where=f"{where}.value", found=f"{self.value}")
        if self.value is not None and not low <= self.value <= high:
            raise UserError(
                "value is outside its bounds",
                where=f"{where}.value",
                expected=f"between {low} and {high}",
                found=f"{self.value}",
            )


@dataclass(frozen=True)
class Problem:
    """A system of ordinary differential equations in which hidden terms stand for the unknown.

    Built and checked by `problem.equations.read_problem`. All names, values and formulas are in
    the user's units.
    """

    states: tuple[str, ...]
    equations: tuple[Equation, ...]
    parameters: tuple[Parameter, ...] = ()
    inputs: tuple[str, ...] = ()
    hidden_terms: tuple[HiddenTerm, ...] = ()
    calls: tuple[Call, ...] = ()

    @cached_property
    def components(self) -> tuple[str, ...]:
        """The first-order state vector: each state followed by its derivatives below the order."""
        return tuple(
            derivative(equation.state, order)
            for equation in self.equations
            for order in range(equation.order)
        )

    @cached_property
    def component_index(self) -> Mapping[str, int]:
        """Place of each component in the first-order state vector."""
        return {name: index for index, name in enumerate(self.components)}

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

    @cached_property
    def partials(self) -> Mapping[str, Mapping[str, Expression]]:
        """Derivatives `partials[state][name]` of right-hand sides, where they are not zero."""
        return {equation.state: _gradient(equation.rhs) for equation in self.equations}

    @cached_property
    def argument_partials(self) -> Mapping[str, tuple[Mapping[str, Expression], ...]]:
        """Derivatives of each argument of each call, by placeholder."""
        return {
            call.placeholder: tuple(_gradient(argument) for argument in call.arguments)
            for call in self.calls
        }

    def complete(self, formulas: Mapping[str, Expression]) -> dict[str, Expression]:
        """Return the right-hand sides with each hidden term's formula put in its place.

        `formulas[term]` is written in the formal arguments of the term. Raises ValueError when a
        term has no formula or a formula holds another name.
        """
        put: dict[str, Expression] = {}
        for call in self.calls:
            names = self.hidden_term(call.term).arguments
            formula = _checked_formula(call.term, names, formulas)
            # Calls that stand in another's arguments come before it.
            arguments = [argument.substitute(put) for argument in call.arguments]
            actual = dict(zip(names, arguments, strict=True))
            put[call.placeholder] = formula.substitute(actual)
        return {equation.state: equation.rhs.substitute(put) for equation in self.equations}

    def first_order(self, right: Mapping[str, Expression]) -> tuple[Expression, ...]:
        """Return the time derivative of every component, given the right-hand side of each state.

        `theta_tt = f` becomes `(theta)' = theta_t`, `(theta_t)' = f`.
        """
        return tuple(
            right[equation.state]
            if order == equation.order
            else Expression.variable(derivative(equation.state, order))
            for equation in self.equations
            for order in range(1, equation.order + 1)
        )


def _gradient(expression: Expression) -> dict[str, Expression]:
    pairs = ((name, differentiate(expression, name)) for name in expression.variables)
    return {name: partial for name, partial in pairs if partial != ZERO}


def _checked_formula(
    term: str, names: tuple[str, ...], formulas: Mapping[str, Expression]
) -> Expression:
    if term not in formulas:
        raise ValueError(f"expected a formula for hidden term {term!r}, found none")
    # A name with @ stands for an unknown constant of the formula (laws.system).
    foreign = {v for v in formulas[term].variables if "@" not in v} - set(names)
    if foreign:
        raise ValueError(
            f"formula of {term!r}: expected only {', '.join(names)}; found {sorted(foreign)}"
        )
    return formulas[term]
