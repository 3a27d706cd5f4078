"""A system as LaTeX, its numbers rounded for the eye."""

from __future__ import annotations

from residuum.expressions.expression import Expression
from residuum.expressions.typeset import latex
from residuum.laws.export.system import System


def to_latex(system: System) -> str:
    """Return an `aligned` block of the results, and one of the parameters' values."""
    rows = [
        rf"{latex(Expression.variable(name))} &= {latex(side)}"
        for name, side in system.results.items()
        if side != Expression.variable(name)
    ]
    rows += [
        rf"{latex(Expression.variable(name))} &= {latex(Expression.number(value))}"
        for name, value in system.parameters.items()
    ]
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}\n"
