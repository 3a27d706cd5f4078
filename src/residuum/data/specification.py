"""What can be checked of a data section before any data are read or simulated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from residuum.data.settings import DataSettings, SimulateSettings
from residuum.errors import UserError, unknown_name
from residuum.problem.equations import read_problem
from residuum.problem.hidden_term import HiddenTerm
from residuum.problem.problem import Parameter, Problem

TIME = "t"


def check_simulation(spec: SimulateSettings, where: str = "") -> Problem:
    """Return the complete problem of a specification; raises UserError on any mistake in it."""
    at = f"{where}." if where else ""
    parameters = {name: Parameter(name, float(v)) for name, v in spec.parameters.items()}
    problem = read_problem(spec.equations, parameters=parameters, where=where)
    check_complete(problem.hidden_terms, f"{at}equations")
    for index, initial in enumerate(spec.experiments):
        place = f"{at}initial" + ("" if isinstance(spec.initial, Mapping) else f"[{index}]")
        check_initial(initial, problem.components, place)
    check_observed(spec, problem.components, problem.states, at)
    return problem


def check_complete(hidden_terms: Sequence[HiddenTerm], where: str) -> None:
    """Raise UserError for the first hidden term of equations that are to be complete."""
    if hidden_terms:
        term = hidden_terms[0].name
        raise UserError(
            f"hidden term {term!r} in a simulation",
            where=where,
            expected="complete equations",
            hint=f"write out what {term} is; `equations` of the dataset hides it",
        )


def check_initial(
    names: Iterable[str], components: Sequence[str], where: str, other: Sequence[str] = ()
) -> None:
    """Raise UserError unless every component has an initial value, and nothing but `other` too."""
    given = list(names)
    _check_known(given, [*components, *other], where)
    missing = [name for name in components if name not in given]
    if missing:
        raise UserError(
            f"no initial value of {missing[0]!r}",
            where=where,
            expected=f"values of {', '.join(components)}",
        )


def check_observed(
    spec: SimulateSettings, valid: Sequence[str], states: Sequence[str], at: str
) -> None:
    """Raise UserError for what cannot be observed, and for noise of what is not."""
    _check_known(spec.observe, valid, f"{at}observe")
    if isinstance(spec.noise.size, Mapping):
        _check_sizes(spec.noise.size, spec.observe or states, f"{at}noise.size")


def _check_known(names: Iterable[str], valid: Sequence[str], where: str) -> None:
    for name in names:
        if name not in valid:
            raise unknown_name(name, valid, what="state", where=where)


def _check_sizes(sizes: Mapping[str, float], observed: Sequence[str], where: str) -> None:
    _check_known(sizes, observed, where)
    for name in observed:
        if name not in sizes:
            raise UserError(f"no noise size for {name!r}", where=where, expected="one per state")


def units_of(data: DataSettings, names: Sequence[str], where: str = "") -> dict[str, str]:
    """Return the units of `t` and of named states, inputs and scalars; UserError for another name.

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
