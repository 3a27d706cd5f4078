"""Units of systems of bodies: what follows from equations with sums, and what does not fit."""

from __future__ import annotations

import pytest

from residuum.errors import UserError
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_problem import BodyProblem
from residuum.problem.dimensions import TermUnits, coherent, inferred_units, units_of_terms
from residuum.problem.problem import Parameter

D, V = "(position_j - position_i)", "(position_t_j - position_t_i)"
FORCE = "(sum(force(position_j - position_i, mass_i, mass_j)) - drag*position_t_i)/mass_i"
SI = {"t": "s", "position": "m", "mass": "kg"}


def problem(
    text: str,
    units: dict[str, str],
    parameters: dict[str, str | None],
    inputs: tuple[str, ...] = (),
) -> BodyProblem:
    given = {name: Parameter(name, 2.0, unit=unit) for name, unit in parameters.items()}
    return read_body_problem(
        {"position_tt": text},
        scalars=("mass",),
        inputs=inputs,
        parameters=given,
        units=units,
        where="datasets.d",
    )


def test_a_force_has_its_unit() -> None:
    known = problem(FORCE, SI, {"drag": None})
    assert units_of_terms(known, SI) == {
        "force": TermUnits(("m", "kg", "kg"), "kg m s-2"),
    }
    assert inferred_units(known, SI) == {"drag": "kg s-1", "force": "kg m s-2", "mass": "kg"}


@pytest.mark.parametrize(
    ("text", "units", "expected"),
    [
        (f"k*sum({D}/norm({D})**3)/mass_i", SI, "kg m3 s-2"),
        (f"-k*norm(position_t_i)*position_t_i/mass_i + 0*sum({D})/k", SI, "kg m-1"),
        (f"k*sum(dot({D}, {V})*{D})", SI, "m-2 s-1"),
        (f"sum(mass_j*exp(-norm({D})/k)*{D})", {"t": "s", "position": "km"}, "km"),
        (f"k*sum({D})", {"t": "s", "position": "m", "position_tt": "m s-2"}, "s-2"),
        (f"k*sum({D})", {"position": "m"}, None),
        (f"sum({D}*push)*k", {**SI, "push": "N"}, "kg-1 m-1"),
    ],
)
def test_infers(text: str, units: dict[str, str], expected: str | None) -> None:
    inputs = ("push",) if "push" in text else ()
    assert inferred_units(problem(text, units, {"k": None}, inputs), units)["k"] == expected


def test_a_scalar_without_a_unit_gets_the_one_that_follows() -> None:
    units = {"t": "s", "position": "m", "position_t": "m s-1"}
    known = problem(
        "(sum(force(position_j - position_i)) - drag*position_t_i)/mass_i",
        units,
        {"drag": "kg s-1"},
    )
    assert inferred_units(known, units)["mass"] == "kg"


def test_parameters_are_converted() -> None:
    units = {"t": "h", "position": "km", "mass": "kg"}
    known = problem(FORCE, units, {"drag": "kg s-1"})
    assert coherent(known, units).known["drag"] == pytest.approx(7200.0)


MISFITS = {
    "a sum and a velocity": (
        f"sum(mass_j*{D}) + position_t_i", SI, {},
        r"d\.equations\.position_tt: units do not fit; expected one unit for 'sum\(\.\.\.\)' and "
        r"'position_t_i'; found 'kg m' and 'm s-1'",
    ),
    "a length under exp": (
        f"sum(exp(-norm({D}))*{D})", SI, {},
        r"equations\.position_tt: units do not fit; .*'operand of exp\(-norm\(\.\.\.\)\)'",
    ),
    "inside a sum": (
        f"sum((norm({D}) - mass_j)*{D})", SI, {}, r"one unit for 'norm\(\.\.\.\)' and 'mass_j'",
    ),
    "inside a length": (
        f"sum(norm({D} - {V})*{D})", SI, {}, r"one unit for 'position_j - position_i' and",
    ),
    "the whole": (
        f"k*sum({D})", SI, {"k": "s-1"}, r"position_tt: units do not .*found 'm s-2' and 'm s-1'",
    ),
    "a velocity in other units": (
        f"sum({D})", {**SI, "position_t": "km/h"}, {}, r"units\.position_t: .*'position per time'",
    ),
    "an acceleration in other units": (
        f"sum({D})", {**SI, "position_tt": "m/s"}, {}, r"units\.position_tt: .*'position per time'",
    ),
    "arguments of one term": (
        f"sum(f{D[:-1]}, mass_j)) + sum(f{D[:-1]}, norm(position_i)))", SI, {},
        r"'argument norm\(\.\.\.\) of f'",
    ),
    "no unit": (f"sum({D})", {"mass": "foo"}, {}, r"d\.data\.units\.mass: 'foo' is not a unit"),
    "unknown name": (f"sum({D})", {"mas": "kg"}, {}, r"units\.mas: .*did you mean 'mass'"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISFITS)
def test_misfits_are_one_message(name: str) -> None:
    text, units, parameters, message = MISFITS[name]
    with pytest.raises(UserError, match=message) as caught:
        problem(text, units, parameters)
    assert "\n" not in str(caught.value)


def test_without_units_nothing_is_checked() -> None:
    known = problem(FORCE, {}, {"drag": None})
    assert inferred_units(known, {}) == {"drag": None, "force": None, "mass": None}
