"""A system as LaTeX, its numbers rounded for the eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from residuum.expressions.expression import Expression
from residuum.expressions.typeset import latex, latex_of_bodies
from residuum.laws.export.body_system import BodySystem
from residuum.laws.export.system import System
from residuum.problem.body_completion import written
from residuum.problem.body_problem import RECEIVER
from residuum.problem.names import derivative
from residuum.problem.problem import Equation


def to_latex(system: System) -> str:
    """Return an `aligned` block of the results, and one of the parameters' values."""
    rows = [
        rf"{latex(Expression.variable(name))} &= {latex(side)}"
        for name, side in system.results.items()
        if side != Expression.variable(name)
    ]
    return _aligned(rows, system.parameters)


def bodies_to_latex(system: BodySystem) -> str:
    """Return the same of bodies: equations of vectors with sums, lengths and products."""
    texts = written(system.law)
    rows = [
        rf"{_left(equation)} &= {latex_of_bodies(texts[equation.left])}"
        for equation in system.law.equations
    ]
    return _aligned(rows, system.parameters)


def _left(equation: Equation) -> str:
    return latex(Expression.variable(derivative(equation.state + RECEIVER, equation.order)))


def _aligned(rows: Sequence[str], parameters: Mapping[str, float]) -> str:
    values = [
        rf"{latex(Expression.variable(name))} &= {latex(Expression.number(value))}"
        for name, value in parameters.items()
    ]
    return "\\begin{aligned}\n" + " \\\\\n".join([*rows, *values]) + "\n\\end{aligned}\n"
