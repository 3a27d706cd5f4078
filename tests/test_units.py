"""Units: CF and plain spellings, pure numbers, conversion, and what is refused."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residuum import units
from residuum.errors import UserError


@pytest.mark.parametrize(
    ("text", "size", "powers"),
    [
        ("yr", 365.25 * 86400, {"[time]": 1}),
        ("year", 365.25 * 86400, {"[time]": 1}),
        ("1/day", 1 / 86400, {"[time]": -1}),
        ("m s-1", 1.0, {"[length]": 1, "[time]": -1}),
        ("m/s^2", 1.0, {"[length]": 1, "[time]": -2}),
        ("km**2", 1e6, {"[length]": 2}),
        ("1000", 1000.0, {}),
        (1000, 1000.0, {}),
        ("1e3/yr", 1e3 / (365.25 * 86400), {"[time]": -1}),
        ("1", 1.0, {}),
        ("rad", 1.0, {}),
        ("degree", math.pi / 180, {}),
        ("%", 0.01, {}),
    ],
)
def test_reads(text: str, size: float, powers: dict[str, float]) -> None:
    quantity = units.parse_unit(text)
    assert units.base_size(quantity) == pytest.approx(size, rel=1e-14)
    assert units.dimensions(quantity) == powers


NOT_UNITS = (
    *("", "foo", "0", "-3", "nan", "1e400", "m+3", "m/0", "1/0", "m**", "m)(", "m^^2", "m;s"),
    *("9**9**9", "(9**99)**99", "9**(9**99)", "9**(1*9**99)", "10^400", "s9**9**9", "9" * 70),
    *("__import__('os')", "lambda x", "m\ns"),
)


@pytest.mark.parametrize("text", NOT_UNITS)
def test_refuses(text: str) -> None:
    with pytest.raises(UserError, match=r"d\.units\.x: .* is not a unit"):
        units.parse_unit(text, "d.units.x")


@pytest.mark.parametrize("text", ["degC", "celsius", "°C", "degC/day", "W/(m2 degF)"])
def test_refuses_units_with_an_offset(text: str) -> None:
    with pytest.raises(UserError, match=r"has an offset.*delta_degC"):
        units.parse_unit(text)


def test_suggests_the_nearest_common_unit() -> None:
    with pytest.raises(UserError, match="did you mean 'year'"):
        units.parse_unit("yaer")


def test_conversion() -> None:
    assert units.conversion_factor("day", "yr") == pytest.approx(1 / 365.25, rel=1e-14)
    assert units.conversion_factor(1000, "1") == 1000
    with pytest.raises(UserError, match="units do not fit; expected a unit compatible with 'm'"):
        units.conversion_factor("s", "m")


NAMES = ("yr", "day", "s", "m", "km", "kg", "mol")


@given(
    st.sampled_from([1.0, 0.001, 1000.0, 2.5]),
    st.dictionaries(st.sampled_from(NAMES), st.integers(-3, 3), max_size=3),
)
def test_written_units_read_back(size: float, powers: dict[str, int]) -> None:
    text = units.write_unit(size, powers)
    product = " ".join([repr(size), *(f"{name}^{power}" for name, power in powers.items())])
    assert units.conversion_factor(text, product) == pytest.approx(1.0, rel=1e-11)


def test_the_registry_is_not_built_by_an_import() -> None:
    code = "import sys, residuum.units; print('pint' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert answer.stdout.strip() == b"False"
