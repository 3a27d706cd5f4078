"""What is exported: named values as formulas of named arguments and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from residuum.errors import UserError
from residuum.expressions.expression import Expression
from residuum.laws.law import Law
from residuum.problem.names import derivative, split_suffix


@dataclass(frozen=True, slots=True)
class System:
    """A function from `arguments` to `results`, in order, with `parameters` that have values.

    `title` says what it is, in one line. The results of a law are the time derivatives of its
    components, `rates`, in order; its arguments are t, the components and, last, its inputs.
    """

    title: str
    arguments: tuple[str, ...]
    results: Mapping[str, Expression]
    parameters: Mapping[str, float]
    rates: tuple[str, ...] = ()


def system_of(law: Law) -> System:
    """Return a law as a system of the first order: `theta_tt = f` becomes two results.

    Raises UserError for a law of bodies, whose equations are written for any number of them.
    """
    if law.bodies is not None:
        raise UserError(
            "laws of bodies are not exported as a system of equations yet",
            where=law.dataset,
            hint="law.tex and law.json beside the report hold the equations",
        )
    components: list[str] = []
    results: dict[str, Expression] = {}
    for left, side in law.equations.items():
        state, axes = split_suffix(left) or (left, "")
        names = [derivative(state, order) for order in range(len(axes) + 1)]
        components += names[:-1]
        for higher in names[1:-1]:
            results[higher] = Expression.variable(higher)
        results[left] = side
    used = dict.fromkeys(name for side in results.values() for name in side.variables)
    own = {"t", *components, *law.parameters}
    inputs = [name for name in used if name not in own]
    values = {name: row.value for name, row in law.parameters.items()}
    return System(
        f"law of {law.dataset}: time derivatives of {', '.join(components)}",
        ("t", *components, *inputs),
        results,
        values,
        tuple(components),
    )


def formula_system(value: str, variables: tuple[str, ...], expression: Expression) -> System:
    """Return one formula as a system."""
    return System(f"formula of {value}", variables, {value: expression}, {})
