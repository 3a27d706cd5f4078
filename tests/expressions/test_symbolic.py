"""To sympy and back, and that no question to it can last."""

from __future__ import annotations

import time

import numpy as np
import pytest
import sympy

from residuum.expressions.equivalence import equivalent
from residuum.expressions.parser import parse
from residuum.expressions.symbolic import agree, from_sympy, simplify, to_sympy


@pytest.mark.parametrize(
    "text",
    [
        "2.5*x**2 - y/3.7",
        "x**-2*y - sqrt(x)/y",
        "-x*exp(-y**2)",
        "max(x, y) - min(x, 0.3)*abs(y)",
        "x**y - 1.0/sqrt(x + y)",
        "tan(x)*atan(y) - asin(x/4.0)*sign(y)",
        "-0.1234567890123456*x",
        "-(x - y)/(x + y)",
        "sinh(x)**3/cosh(y)",
    ],
)
def test_there_and_back_is_the_same_function(text: str) -> None:
    expression = parse(text)
    back = from_sympy(to_sympy(expression))
    assert equivalent(back, expression, rng=np.random.default_rng(0), tolerance=1e-13)


def test_what_sympy_introduces_is_brought_into_the_language() -> None:
    x = sympy.Symbol("x")
    assert from_sympy(sympy.cot(x)) == parse("1.0/tan(x)")
    assert from_sympy(x / sympy.pi).infix() == "x/3.141592653589793"
    assert from_sympy(sympy.exp(x) / 2) == parse("exp(x)/2.0")


@pytest.mark.parametrize(
    "value", [sympy.I, sympy.zoo, sympy.nan, sympy.oo, sympy.gamma(sympy.Symbol("x"))]
)
def test_what_the_language_lacks_is_refused(value: sympy.Expr) -> None:
    with pytest.raises(ValueError, match="not"):
        from_sympy(value)


def test_simplify() -> None:
    assert simplify(parse("x*(1 + y) - x*y")) == parse("x")
    assert simplify(parse("(x**2 - 1)/(x - 1)")) == parse("x + 1")
    assert simplify(parse("x + y")) == parse("x + y")


def test_a_question_that_lasts_is_given_up() -> None:
    hard = parse("(x + y + sin(x*y) + 1.5)**64*(x - y + cos(x + y))**64 - x**y*tan(x/y)**64")
    start = time.monotonic()
    assert simplify(hard, seconds=0.3) == hard
    assert time.monotonic() - start < 30


def test_agreement_without_points_is_no_answer() -> None:
    assert agree(parse("log(x)"), parse("x"), [{"x": -1.0}], tolerance=1e-9) is None
