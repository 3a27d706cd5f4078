"""Derivatives in closed form, and formulas as sums of terms."""

from __future__ import annotations

import pytest

from residuum.expressions.calculus import differentiate, terms
from residuum.expressions.parser import parse


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("y", "0"),
        ("x", "1"),
        ("a*x", "a"),
        ("x**1", "1"),
        ("sin(x)", "cos(x)"),
        ("exp(a)", "0"),
        ("a*exp(x)", "a*exp(x)"),
    ],
)
def test_simple_derivatives_stay_simple(text: str, slope: str) -> None:
    assert differentiate(parse(text), "x").infix() == slope


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2*x - 3*y*z", [(2, "x"), (-3, "y*z")]),
        ("-(x - 2*y)", [(-1, "x"), (2, "y")]),
        ("sin(y)/3.0", [(1 / 3, "sin(y)")]),
        ("x/(2*y)", [(0.5, "x/y")]),
        ("1/(4*y)", [(0.25, "1/y")]),
        ("x*2.0*y/8.0", [(0.25, "x*y")]),
        ("-x*-3.0", [(3, "x")]),
        ("5", [(5, "1")]),
        ("sqrt(4)*x", [(2, "x")]),
        ("x/0.0", [(1, "x/0.0")]),
        ("3*(x + y)", [(3, "x + y")]),
        ("log(-1.0)*x", [(1, "log(-1.0)*x")]),
    ],
)
def test_terms(text: str, expected: list[tuple[float, str]]) -> None:
    assert [(c, e.infix()) for c, e in terms(parse(text))] == expected
