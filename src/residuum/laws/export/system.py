"""What is exported: named values as formulas of named arguments and parameters."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from residuum.errors import UserError
from residuum.expressions.expression import Expression
from residuum.laws.law import Law
from residuum.problem.names import NAME, derivative, split_suffix

# A dataset may be called anything in Python, and in a file that was changed.
UNSAFE = re.compile(r"[^A-Za-z0-9_. -]")


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
            "a law of bodies is a system of vectors",
            where=law.dataset,
            hint="use laws.export.body_system.system_of_bodies",
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
    return System(
        title_of(law, components),
        ("t", *components, *inputs),
        results,
        values_of(law),
        tuple(components),
    )


def title_of(law: Law, components: Sequence[str]) -> str:
    """Return what a law is, in one line that may stand in a comment of any language.

    Raises UserError where a file of results was changed to hold what is no name.
    """
    for name in components:
        if not NAME.match(name):
            raise UserError("not the name of a state", where=law.dataset, found=ascii(name))
    dataset = UNSAFE.sub("_", law.dataset)[:64]
    return f"law of {dataset}: time derivatives of {', '.join(components)}"


def values_of(law: Law) -> dict[str, float]:
    """Return the values of parameters; raises UserError where one is no name or no number."""
    for name, row in law.parameters.items():
        number = isinstance(row.value, int | float) and math.isfinite(row.value)
        if not (NAME.match(name) and number):
            raise UserError(
                "not a parameter with a value",
                where=law.dataset,
                found=f"{name!a}: {row.value!a}",
            )
    return {name: float(row.value) for name, row in law.parameters.items()}


def formula_system(value: str, variables: tuple[str, ...], expression: Expression) -> System:
    """Return one formula as a system."""
    return System(f"formula of {value}", variables, {value: expression}, {})
