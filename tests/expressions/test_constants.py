"""Digits that an interval supports."""

from __future__ import annotations

import math

import pytest

from residuum.expressions.constants import display, rounded, supported_digits
from residuum.expressions.parser import parse


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [
        (0.54023, (0.5121, 0.5689), "0.540"),
        (0.54023, (0.4, 0.7), "0.54"),
        (0.0278123, (0.0277, 0.0279), "0.02781"),
        (-1e-7, (-2e-7, 1e-8), "-1.0e-07"),
        (1234.5, (1200.0, 1270.0), "1234"),
        (0.5, (-10.0, 10.0), "0.5"),
        (2.0, (-math.inf, 3.0), "2.0"),
    ],
)
def test_display(value: float, interval: tuple[float, float], text: str) -> None:
    assert display(value, interval) == text


def test_an_empty_interval_supports_all_digits() -> None:
    assert supported_digits(1 / 3, (1 / 3, 1 / 3)) == 15


def test_rounded_formulas_keep_their_structure() -> None:
    assert rounded(parse("0.0278123*x**2 - 1234.5"), 3) == parse("0.0278*x**2 - 1230.0")
