"""What can be checked of a simulation of bodies before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from residuum.data.settings import FEWEST_POINTS, Initial, SimulateSettings
from residuum.data.specification import check_complete, check_initial, check_observed
from residuum.errors import UserError
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_problem import BodyProblem
from residuum.problem.declarations import components_of, left_sides
from residuum.problem.problem import Parameter


def check_body_simulation(spec: SimulateSettings, where: str = "") -> BodyProblem:
    """Return the complete problem of simulated bodies; raises UserError on any mistake in it."""
    at = f"{where}." if where else ""
    components = components_of(dict(left_sides(spec.equations, None, f"{at}equations").values()))
    scalars = _scalars(spec, components)
    problem = read_body_problem(
        spec.equations,
        scalars=scalars,
        parameters={name: Parameter(name, float(v)) for name, v in spec.parameters.items()},
        where=where,
    )
    check_complete(problem.hidden_terms, f"{at}equations")
    if spec.bodies is not None:
        check_initial(spec.bodies.states, components, f"{at}bodies.states")
    for index, initial in enumerate(spec.experiments):
        place = f"{at}initial" + ("" if isinstance(spec.initial, Mapping) else f"[{index}]")
        _check_start(initial, components, scalars, place)
    highest = [equation.left for equation in problem.equations]
    check_observed(spec, [*components, *highest], problem.states, at)
    _check_kind(spec, highest, at)
    return problem


def _scalars(spec: SimulateSettings, components: list[str]) -> tuple[str, ...]:
    """Return the names of what bodies carry: all that is given and is no component."""
    if spec.bodies is not None:
        return tuple(spec.bodies.scalars)
    return tuple(name for name in spec.experiments[0] if name not in components)


def _check_start(
    initial: Mapping[str, Initial], components: list[str], scalars: tuple[str, ...], where: str
) -> None:
    check_initial(initial, components, where, other=scalars)
    missing = [name for name in scalars if name not in initial]
    if missing:
        raise UserError(
            f"no value of scalar {missing[0]!r}",
            where=where,
            expected=f"{', '.join(scalars)} in every experiment",
        )
    start_arrays(initial, components, where)


def start_arrays(
    initial: Mapping[str, Initial], components: list[str], where: str = ""
) -> dict[str, np.ndarray]:
    """Return the initial vectors `[b, d]` of each component and the scalars `[b]` of bodies.

    A number stands for all bodies and axes alike. Raises UserError where the shapes do not fit.
    """
    reference = _array(initial[components[0]], f"{where}.{components[0]}")
    if reference.ndim != 2 or not reference.size:
        raise UserError(
            "not a vector for each body",
            where=f"{where}.{components[0]}",
            expected="a list of vectors such as [[0, 1], [2, 0]]",
        )
    arrays = {name: _array(start, f"{where}.{name}") for name, start in initial.items()}
    for name, values in arrays.items():
        shape = reference.shape if name in components else reference.shape[:1]
        if values.shape not in ((), shape):
            raise UserError(
                "wrong shape",
                where=f"{where}.{name}",
                expected=f"{shape}, as {components[0]} has",
                found=str(values.shape),
            )
        arrays[name] = np.broadcast_to(values, shape).astype(float)
    return arrays


def _array(start: Any, where: str) -> np.ndarray:
    try:
        return np.asarray(start, dtype=float)
    except ValueError:
        raise UserError(
            "vectors of different length", where=where, expected="as many axes for every body"
        ) from None


def _check_kind(spec: SimulateSettings, highest: list[str], at: str) -> None:
    if spec.noise.kind == "lognormal":
        raise UserError(
            "lognormal noise of vectors", where=f"{at}noise.kind", expected="gaussian or relative"
        )
    lacking = [name for name in highest if name not in spec.observe]
    if spec.points < FEWEST_POINTS and lacking:
        raise UserError(
            "one time only",
            where=f"{at}times",
            expected=f"at least {FEWEST_POINTS} times, or {lacking[0]} under observe",
        )
