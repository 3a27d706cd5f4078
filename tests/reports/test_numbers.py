"""Numbers for readers: enough digits, aligned with their interval, never invented."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residuum.reports.numbers import (
    count,
    duration,
    listing,
    power_of_ten,
    significant,
    tenths,
    with_interval,
)

TIMES_TEN = "\u00a0\u00d7\u00a010"


def read(text: str) -> float:
    plain = text.translate(
        str.maketrans(
            "\u2212\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079",
            "--0123456789",
        )
    )
    return float(plain.replace("\u00a0\u00d7\u00a010", "e"))


@given(st.floats(-1e300, 1e300), st.integers(1, 8))
def test_rounding_is_within_half_a_digit(value, digits):
    written = read(significant(value, digits))
    tiny = abs(value) < 1e-290
    assert tiny or abs(written - value) <= 0.5000001 * 10.0 ** (1 - digits) * abs(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.027214, "0.0272"),
        (9.996, "10.0"),
        (0, "0"),
        (-0.5, "\u22120.500"),
        (1.5e-7, "1.50\u00a0\u00d7\u00a010\u207b\u2077"),
        (None, "\u2013"),
        (math.nan, "\u2013"),
        (True, "\u2013"),
    ],
)
def test_significant(value, text):
    assert significant(value) == text


@pytest.mark.parametrize(
    ("value", "bounds", "texts"),
    [
        (0.54023, (0.5121, 0.5689), ("0.540", "0.512 to 0.569")),
        (9.8134, (9.7, 9.93), ("9.81", "9.70 to 9.93")),
        (-0.3, (-0.52, 0.1), ("\u22120.30", "\u22120.52 to 0.10")),
        (1234567.0, (1.1e6, 1.4e6),
         (f"1.23{TIMES_TEN}\u2076", f"1.10{TIMES_TEN}\u2076 to 1.40{TIMES_TEN}\u2076")),
        (0.8, None, ("0.8000", "\u2013")),
        (0.8, (None, 1.0), ("0.8000", "\u2013 to 1.000")),
        (2.0, (2.0, 2.0), ("2.000", "2.000 to 2.000")),
    ],
)  # fmt: skip
def test_value_and_interval_share_their_decimals(value, bounds, texts):
    assert with_interval(value, bounds) == texts


@given(st.floats(-1e9, 1e9), st.floats(1e-4, 1e4))
def test_an_interval_is_written_to_a_twentieth_of_its_half_width(value, relative):
    half = relative * (abs(value) + 1.0)
    _, written = with_interval(value, (value - half, value + half))
    low, high = (read(end) for end in written.split(" to "))
    assert abs(low - (value - half)) <= 0.0501 * half
    assert abs(high - (value + half)) <= 0.0501 * half


def test_ticks_of_a_logarithmic_axis():
    assert [power_of_ten(x) for x in (1e-6, 2e-6, 0.01, 1.0, 1e3, 1e4)] == [
        "10\u207b\u2076",
        f"2{TIMES_TEN}\u207b\u2076",
        "0.01",
        "1",
        "1000",
        "10\u2074",
    ]


def test_words():
    assert [count(k, "rival") for k in (0, 1, 2, 11)] == [
        "no rivals",
        "one rival",
        "two rivals",
        "11 rivals",
    ]
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert [duration(s) for s in (0.42, 9.99, 35, 125, 3780, None)] == [
        "0.42 s",
        "10 s",
        "35 s",
        "2 min 5 s",
        "1 h 3 min",
        "\u2013",
    ]
    assert [tenths(x) for x in (0.41, 58.0, -0.04, 1234.5)] == ["0.4", "58", "0", "1234"]
