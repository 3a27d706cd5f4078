r"""Whether the units of a problem fit together, and which units that leaves for the rest.

A unit is a point: the logarithm of its size and its exponents of the base dimensions. Products
add points and powers scale them, so every sum, every function and every equation gives one linear
equation between the known points and the unknown ones (parameters and hidden terms without a
declared unit). The system is solved as it grows; the first equation it cannot meet is the mistake.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import TypeVar

import numpy as np

from residuum.errors import UserError, unknown_name
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import CONSTANT, Expression, is_integer
from residuum.expressions.primitives import PRIMITIVES
from residuum.problem.body_problem import BodyProblem
from residuum.problem.names import derivative
from residuum.problem.problem import Equation, Parameter, Problem
from residuum.problem.unit_names import UnitNames
from residuum.problem.unit_space import TOLERANCE, Form, Linear, Space, Unit

AnyProblem = TypeVar("AnyProblem", bound=Problem | BodyProblem)


def check_units(
    problem: Problem | BodyProblem, units: Mapping[str, str], *, where: str = ""
) -> None:
    """Raise UserError where declared units do not parse or do not fit the equations.

    `units` gives those of states, components, inputs, scalars of bodies and `t`; parameters carry
    their own. What has none is a wildcard, and so is a bare number. Vectors have the unit of each
    of their axes, sums that of what they add.
    """
    _Analysis(problem, units, where)


def coherent(problem: AnyProblem, units: Mapping[str, str], *, where: str = "") -> AnyProblem:
    """Return the problem with the parameters that declare a unit in the unit the equations want.

    A rate of 0.1 1/day becomes 36.525 yr-1 where time is in years: values and bounds are
    converted. Raises UserError as `check_units` does.
    """
    analysis = _Analysis(problem, units, where)
    return replace(problem, parameters=tuple(map(analysis.convert, problem.parameters)))


def inferred_units(
    problem: Problem | BodyProblem, units: Mapping[str, str], *, where: str = ""
) -> dict[str, str | None]:
    """Return the unit of each parameter and hidden term in which the equations hold, or None.

    Those of scalars of bodies are among them. Raises UserError as `check_units` does.
    """
    analysis = _Analysis(problem, units, where)
    names = [p.name for p in problem.parameters] + [term.name for term in problem.hidden_terms]
    found = {name: analysis.text({name: 1.0}) for name in names}
    return found | {name: analysis.of_name(name) for name in UnitNames.of(problem).scalars}


@dataclass(frozen=True, slots=True)
class TermUnits:
    """Units of a hidden term's arguments and of its value as texts, None where open."""

    arguments: tuple[str | None, ...]
    value: str | None


def units_of_terms(
    problem: Problem | BodyProblem, units: Mapping[str, str]
) -> dict[str, TermUnits]:
    """Return the units of every hidden term in which the equations hold.

    Raises UserError as `check_units` does.
    """
    analysis = _Analysis(problem, units, "")
    return {term.name: analysis.of_term(term.name) for term in problem.hidden_terms}


class _Analysis:
    """The units of one problem: what is declared, what the equations say, what follows."""

    def __init__(
        self, problem: Problem | BodyProblem, units: Mapping[str, str], where: str
    ) -> None:
        self.at = f"{where}." if where else ""
        self._names = UnitNames.of(problem)
        declared = self._declared(problem, units)
        self._space = Space(declared)
        self._sizes, self._dimensions = Linear(), Linear()
        self._literals = 0
        self._forms: dict[str, tuple[Form, ...]] = {}
        self._parameters = {p.name for p in problem.parameters}
        self._points = {name: self._space.point(unit) for name, unit in declared.items()}
        self._declare(problem)
        for equation in problem.equations:
            self._equation(equation, problem)
        for call in problem.calls:
            self._arguments(call.term, problem)
        self._settle()

    def text(self, row: Mapping[str, float]) -> str | None:
        """Return the text of a combination of units; None where it is not determined."""
        return self._text(Form(row, np.zeros(self._space.width)))

    def of_term(self, term: str) -> TermUnits:
        """Return the units of a hidden term."""
        return TermUnits(
            tuple(self._text(form) for form in self._forms[term]), self.text({term: 1.0})
        )

    def of_name(self, name: str) -> str | None:
        """Return the unit of a state, an input or a scalar of bodies."""
        return self._text(self._leaf(name))

    def convert(self, parameter: Parameter) -> Parameter:
        """Return the parameter in the unit that the equations want."""
        if parameter.unit is None:
            return parameter
        size = self._sizes.value({parameter.name: 1.0}, 1)
        if size is None:
            return parameter
        # Logarithms cost the last digits: 365.24999999999903 days a year.
        ratio = float(f"{math.exp(self._points[parameter.name][0] - size[0]):.13g}")
        if math.isclose(ratio, 1.0, rel_tol=TOLERANCE):
            return parameter
        bounds = parameter.bounds and (parameter.bounds[0] * ratio, parameter.bounds[1] * ratio)
        value = None if parameter.value is None else parameter.value * ratio
        return replace(parameter, value=value, bounds=bounds, unit=self.text({parameter.name: 1.0}))

    def _declared(
        self, problem: Problem | BodyProblem, units: Mapping[str, str]
    ) -> dict[str, Unit]:
        names = self._names.declared
        declared = {}
        for name, text in units.items():
            where = f"{self.at}data.units.{name}"
            if name not in names:
                raise unknown_name(name, names, what="name with a unit", where=where)
            declared[name] = Unit.read(text, where)
        for parameter in problem.parameters:
            if parameter.unit is not None:
                where = f"{self.at}parameters.{parameter.name}.unit"
                declared[parameter.name] = Unit.read(parameter.unit, where)
        return declared

    def _declare(self, problem: Problem | BodyProblem) -> None:
        for name in self._parameters & self._points.keys():
            # The size is left open: a rate in 1/day serves a system in years, converted.
            self._dimensions.add({name: 1.0}, self._points[name][1:])
        for equation in problem.equations:
            state, axis = self._leaf(equation.state), self._leaf("t")
            for order in range(1, equation.order + (equation.left in self._points)):
                name = derivative(equation.state, order)
                where = f"{self.at}data.units.{name}"
                self._equal(
                    (name, self._leaf(name)),
                    (f"{equation.state} per time", state.plus(axis, -order)),
                    where,
                )

    def _equation(self, equation: Equation, problem: Problem | BodyProblem) -> None:
        where = f"{self.at}equations.{equation.left}"
        for call in problem.calls:
            if call.placeholder in equation.rhs.variables:
                for argument in call.arguments:
                    self._unit(argument, where)
        left = self._leaf(equation.state).plus(self._leaf("t"), -equation.order)
        self._equal((equation.left, left), (equation.text, self._unit(equation.rhs, where)), where)

    def _arguments(self, term: str, problem: Problem | BodyProblem) -> None:
        first, *others = [call for call in problem.calls if call.term == term]
        where = f"{self.at}equations"
        self._forms[term] = tuple(self._unit(argument, where) for argument in first.arguments)
        for other in others:
            for a, b in zip(first.arguments, other.arguments, strict=True):
                self._equal(
                    (f"argument {_show(a)} of {term}", self._unit(a, where)),
                    (f"argument {_show(b)} of {term}", self._unit(b, where)),
                    where,
                )

    def _settle(self) -> None:
        """Let bare numbers be dimensionless, and declared sizes stand, where nothing objects."""
        zero = np.zeros(self._space.width)
        for row in [{f"{CONSTANT}{k}": 1.0} for k in range(self._literals)]:
            if self._sizes.admits(row, zero[:1]) and self._dimensions.admits(row, zero[1:]):
                self._sizes.add(row, zero[:1])
                self._dimensions.add(row, zero[1:])
        for name in sorted(self._parameters & self._points.keys()):
            if self._sizes.value({name: 1.0}, 1) is None:
                self._sizes.add({name: 1.0}, self._points[name][:1])

    def _leaf(self, name: str) -> Form:
        name, zero = self._names.of_bodies.get(name, name), np.zeros(self._space.width)
        if name in self._points and name not in self._parameters:
            return Form({}, self._points[name])
        return Form({name.partition("@")[0]: 1.0}, zero)

    def _unit(self, expression: Expression, where: str) -> Form:
        """Return the unit of a formula, noting on the way what must be equal in it."""

        def leaf(token: str, constant: float | None) -> tuple[Expression, Form]:
            if token == CONSTANT or is_integer(token):
                literal = f"{CONSTANT}{self._literals}"
                self._literals += 1
                known = (
                    Expression.number(constant) if constant is not None else Expression((token,))
                )
                return known, Form({literal: 1.0}, np.zeros(self._space.width))
            if token in self._names.products:
                parts = [self._unit(formula, where) for formula in self._names.products[token]]
                return Expression.variable(token), reduce(Form.plus, parts)
            return Expression.variable(token), self._leaf(token)

        def node(symbol: str, *parts: tuple[Expression, Form]) -> tuple[Expression, Form]:
            whole = Expression.apply(symbol, *(part[0] for part in parts))
            return whole, self._apply(symbol, whole, parts, where)

        return expression.fold(leaf, node)[1]

    def _apply(
        self,
        symbol: str,
        whole: Expression,
        parts: tuple[tuple[Expression, Form], ...],
        where: str,
    ) -> Form:
        rule, first, last = PRIMITIVES[symbol].units, parts[0][1], parts[-1][1]
        nothing = Form({}, np.zeros(self._space.width))
        if rule == "same":
            (a, unit_a), (b, unit_b) = parts
            self._equal((_show(a), unit_a), (_show(b), unit_b), where)
            return first
        if rule == "power" and not parts[1][0].variables:
            return first.times(float(evaluate(parts[1][0], {})))
        if rule in ("dimensionless", "power"):
            for part, form in parts:
                self._equal((_show(part), form), (f"operand of {_show(whole)}", nothing), where)
            return nothing
        simple = {
            "product": lambda: first.plus(last),
            "quotient": lambda: first.plus(last, -1.0),
            "keep": lambda: first,
            "root": lambda: first.times(0.5),
            "sign": lambda: nothing,
        }
        return simple[rule]()

    def _equal(self, a: tuple[str, Form], b: tuple[str, Form], where: str) -> None:
        difference = a[1].plus(b[1], -1.0)
        row, value = difference.unknown, -difference.known
        fits = self._sizes.admits(row, value[:1]) and self._dimensions.admits(row, value[1:])
        if not fits:
            left, right = (
                self._text(form) or self._text(self._as_declared(form)) or "another unit"
                for _, form in (a, b)
            )
            raise UserError(
                "units do not fit",
                where=where,
                expected=f"one unit for {a[0]!r} and {b[0]!r}",
                found=f"{left!r} and {right!r}",
            )
        self._sizes.add(row, value[:1])
        self._dimensions.add(row, value[1:])

    def _as_declared(self, form: Form) -> Form:
        known = form.known
        for name in form.unknown.keys() & self._points.keys():
            known = known + form.unknown[name] * self._points[name]
        return Form({k: v for k, v in form.unknown.items() if k not in self._points}, known)

    def _text(self, form: Form) -> str | None:
        size = self._sizes.value(form.unknown, 1)
        powers = self._dimensions.value(form.unknown, self._space.width - 1)
        if size is None or powers is None:
            return None
        return self._space.text(np.concatenate([size, powers]) + form.known)


def _show(expression: Expression) -> str:
    """Return a formula as text, hidden calls as `predation(...)`."""
    return re.sub(r"@[0-9]+", "(...)", expression.infix())
