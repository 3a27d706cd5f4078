"""Units of a problem: what does not fit is refused, what follows is inferred and converted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from residuum.errors import UserError
from residuum.problem.dimensions import coherent, inferred_units
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter, Problem


def problem(
    equations: dict[str, str], units: dict[str, str], parameters: dict[str, str | None]
) -> Problem:
    given = {name: Parameter(name, unit=unit) for name, unit in parameters.items()}
    return read_problem(equations, parameters=given, units=units, where="datasets.d")


LYNX_HARE = {
    "hare_t": "alpha*hare - predation(hare, lynx)",
    "lynx_t": "growth(hare, lynx) - gamma*lynx",
}
THOUSANDS = {"t": "yr", "hare": "1000", "lynx": "1000"}
PENDULUM = {"theta_tt": "-damping(theta_t) - g/l*sin(theta)"}


def test_infers_parameters_and_hidden_terms() -> None:
    known = problem(LYNX_HARE, THOUSANDS, {"alpha": None, "gamma": None})
    assert inferred_units(known, THOUSANDS) == {
        "alpha": "yr-1",
        "gamma": "yr-1",
        "predation": "1000 yr-1",
        "growth": "1000 yr-1",
    }


@pytest.mark.parametrize(
    ("text", "units", "expected"),
    [
        ("r*x*(1 - x/K)", {"t": "day", "x": "kg m-2"}, {"r": "d-1", "K": "kg m-2"}),
        ("r*sqrt(x) + K", {"t": "s", "x": "m"}, {"r": "m0.5 s-1", "K": "m s-1"}),
        ("r*exp(-x/K)", {"t": "s", "x": "m"}, {"r": "m s-1", "K": "m"}),
        ("2.5*x*K + r", {"t": "s", "x": "N m-1 kg-1"}, {"r": "s-3", "K": "s-1"}),
        ("r*x + K", {"x": "m"}, {"r": None, "K": None}),
    ],
)
def test_infers(text: str, units: dict[str, str], expected: dict[str, str | None]) -> None:
    found = inferred_units(problem({"x_t": text}, units, {"r": None, "K": None}), units)
    assert found.keys() == expected.keys()
    for name, unit in expected.items():
        assert (found[name] and set(found[name].split())) == (unit and set(unit.split()))


def test_parameters_are_converted_to_the_unit_of_the_equations() -> None:
    given = {
        "alpha": Parameter("alpha", bounds=(0.0, 1.0), unit="1/day"),
        "gamma": Parameter("gamma", 0.1, unit="1/day"),
    }
    converted = coherent(read_problem(LYNX_HARE, parameters=given, units=THOUSANDS), THOUSANDS)
    assert converted.parameters == (
        Parameter("alpha", bounds=(0.0, 365.25), unit="yr-1"),
        Parameter("gamma", 36.525, unit="yr-1"),
    )


def test_a_parameter_in_the_right_unit_is_left_as_it_is() -> None:
    units = {"theta": "rad", "t": "s"}
    parameters = {"g": Parameter("g", 9.81, unit="m/s^2"), "l": Parameter("l", 0.3, unit="m")}
    known = read_problem(PENDULUM, parameters=parameters, units=units)
    assert coherent(known, units) == known


def test_a_bare_number_may_carry_a_unit_but_need_not() -> None:
    units = {"t": "yr", "x": "kg"}
    problem({"x_t": "2.5*x"}, units, {})
    rate = Parameter("k", 1.0, unit="1/day")
    known = read_problem({"x_t": "2.5*k*x"}, parameters={"k": rate}, units=units)
    assert coherent(known, units).known == {"k": 365.25}


def test_without_units_nothing_is_checked() -> None:
    known = problem({"x_t": "x + k"}, {}, {"k": None})
    assert inferred_units(known, {}) == {"k": None}


MISFITS = {
    "equation": ({"x_t": "x"}, {"x": "kg", "t": "yr"}, {}, r"x_t: .*'kg yr-1' and 'kg'"),
    "sum": (
        {"x_t": "k*(x - y)", "y_t": "f(x)"},
        {"x": "kg", "y": "m"},
        {"k": None},
        r"equations\.x_t: units do not fit; expected one unit for 'x' and 'y'; found 'kg' and 'm'",
    ),
    "function": (
        PENDULUM,
        {"theta": "degree", "t": "s"},
        {"g": None, "l": None},
        r"of sin\(theta\)",
    ),
    "power": ({"x_t": "k**x"}, {"x": "m"}, {"k": None}, r"operand of k\*\*x"),
    "declared parameter": (
        {"x_t": "k*x"},
        {"x": "m", "t": "s"},
        {"k": "m"},
        r"found 'm s-1' and 'm2'",
    ),
    "measured velocity": (
        PENDULUM,
        {"theta": "rad", "theta_t": "rad/min", "t": "s"},
        {"g": None, "l": None},
        r"d\.data\.units\.theta_t: .*'theta per time'",
    ),
    "arguments of two calls": (
        {"x_t": "f(x)", "y_t": "k*f(y)"},
        {"x": "kg", "y": "m"},
        {"k": None},
        r"argument x of f",
    ),
    "inside an argument": ({"x_t": "f(x - t)"}, {"x": "kg", "t": "s"}, {}, r"'x' and 't'"),
    "unit of a parameter": ({"x_t": "k*x"}, {}, {"k": "foo"}, r"parameters\.k\.unit: 'foo' is not"),
    "unit of a state": ({"x_t": "x"}, {"x": "foo"}, {}, r"data\.units\.x: 'foo' is not a unit"),
    "unknown name": ({"hare_t": "1"}, {"hrae": "m"}, {}, r"units\.hrae: .*did you mean 'hare'"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_each_misfit_is_one_message(name: str) -> None:
    equations, units, parameters, message = MISFITS[name]
    with pytest.raises(UserError, match=message):
        problem(equations, units, parameters)


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(["s", "day", "yr"]), st.sampled_from(["1", "1000", "kg", "g m-2"]))
def test_conversion_to_other_units_and_back_is_exact(time: str, amount: str) -> None:
    first, second = {"t": "yr", "x": amount}, {"t": time, "x": amount}
    given = {"k": Parameter("k", 0.7, (0.0, 2.0), "1/yr")}
    known = read_problem({"x_t": "-k*x"}, parameters=given, units=first)
    back = coherent(coherent(known, second), first)
    assert back.known["k"] == pytest.approx(0.7, rel=1e-12)
    assert back.parameters[0].bounds == pytest.approx((0.0, 2.0), rel=1e-12)
