"""What can be checked of a data section before any data are read or simulated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from residuum.data.settings import DataSettings, SimulateSettings
from residuum.errors import UserError, unknown_name
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter, Problem

TIME = "t"


def check_simulation(spec: SimulateSettings, where: str = "") -> Problem:
    """Return the complete problem of a specification; raises UserError on any mistake in it."""
    at = f"{where}." if where else ""
    parameters = {name: Parameter(name, float(v)) for name, v in spec.parameters.items()}
    problem = read_problem(spec.equations, parameters=parameters, where=where)
    if problem.hidden_terms:
        term = problem.hidden_terms[0].name
        raise UserError(
            f"hidden term {term!r} in a simulation",
            where=f"{at}equations",
            expected="complete equations",
            hint=f"write out what {term} is; `equations` of the dataset hides it",
        )
    for index, initial in enumerate(spec.experiments):
        place = f"{at}initial" + ("" if isinstance(spec.initial, Mapping) else f"[{index}]")
        _check_components(initial, problem, place)
        missing = [name for name in problem.components if name not in initial]
        if missing:
            raise UserError(
                f"no initial value of {missing[0]!r}",
                where=place,
                expected=f"values of {', '.join(problem.components)}",
            )
    _check_components(spec.observe, problem, f"{at}observe")
    if isinstance(spec.noise.size, Mapping):
        _check_sizes(spec.noise.size, spec.observe or problem.states, f"{at}noise.size")
    return problem


def _check_components(names: Iterable[str], problem: Problem, where: str) -> None:
    for name in names:
        if name not in problem.components:
            raise unknown_name(name, problem.components, what="state", where=where)


def _check_sizes(sizes: Mapping[str, float], observed: Sequence[str], where: str) -> None:
    for name in sizes:
        if name not in observed:
            raise unknown_name(name, observed, what="state", where=where)
    for name in observed:
        if name not in sizes:
            raise UserError(f"no noise size for {name!r}", where=where, expected="one per state")


def units_of(data: DataSettings, names: Sequence[str], where: str = "") -> dict[str, str]:
    """Return the units of `t` and of named states and inputs; UserError for another name.

    Time is given by its column or by `t`.
    """
    found = {}
    for key, unit in data.units.items():
        name = TIME if key == data.time and key not in names else key
        if name not in (TIME, *names):
            at = f"{where}.units" if where else "units"
            raise unknown_name(key, [data.time, *names], what="name", where=at)
        found[name] = unit if isinstance(unit, str) else f"{unit:.17g}"
    return found
