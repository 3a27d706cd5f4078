"""Families of formulas: whether other constants of one give another function."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.expressions.parser import parse
from residuum.laws.families import box_points, holds

POINTS = box_points(("x",), np.array([[0.1, 8.0]]))


@pytest.mark.parametrize(
    "family", ["0.5*exp(0.9*(x - 1.1)**6)", "(x - 0.5)**12*exp(3.1*x)*1e140", "exp(700*x - 5000.1)"]
)
@pytest.mark.parametrize("function", ["x", "sin(x)", "2.5*x - 2.5"])
def test_a_family_that_runs_away_does_not_hold_a_function(family, function):
    assert not holds(parse(family), parse(function), POINTS)


def test_a_family_holds_what_its_constants_can_give():
    assert holds(parse("0.3*x + 0.1*x**2"), parse("2.5*x"), POINTS)
    assert not holds(parse("0.3*x"), parse("0.5*x**2"), POINTS)
