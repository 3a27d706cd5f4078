"""The constant that messages take over from an unknown update."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.expressions.parser import parse
from residuum.laws.gauge import pinned

X = {"s": np.linspace(0.5, 3, 9), "m": np.linspace(2, 1, 9)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.02*s/m", "s/m"),
        ("-0.9*s", "-1*s"),
        ("0.5*s**2/m", "s**2/m"),
        ("2*s/(1.5 + s)", "2.0*s/(1 + s)"),
        ("1.1*s + 0.2*s**3", "s + 0.2*s**3"),
        ("s/m", "s/m"),
        ("s/(m + 0.3)", "s/(m + 0.3)"),
        ("0.3*m", "0.3*m"),
        ("0.7*s + 0.1", "s + 0.1"),
        ("0", "0.0"),
    ],
)
def test_one_constant_is_taken_over_where_a_change_of_scale_can_be_undone(text, expected):
    assert pinned(parse(text), "s", X).infix() == expected
