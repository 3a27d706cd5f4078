"""Merging keeps the value and finds the smaller of trivially equal formulas."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.metrics.size import merged, size

FORMULAS = {
    "2*x": 3,
    "2*(3*x)": 3,
    "x*x*x": 3,
    "x - 0": 1,
    "1*x": 1,
    "x*y/(4*3.14*y**3)": 7,
    "log(x) + log(y)": 4,
    "log(x) - log(y) + 3": 6,
    "1/(2 + 4*x)": 5,
    "2*(3*x + 4)": 5,
    "4*x - x**2 - x*y/(1 + x)": 11,
    "x*(4 - x - y/(1 + x))": 11,
    "sqrt(x)*sqrt(y)": 4,
    "exp(x)*exp(y)": 4,
    "exp(x)/exp(y)": 4,
    "exp(x + 3)*2": 4,
    "exp(-x**2/2)/sqrt(6.28)": 8,
    "sin(x + 1.5707963267948966)": 2,
    "x**0.5": 2,
    "sqrt(x**2)": 4,
    "abs(-x)": 2,
    "2*x + 2*y": 5,
    "max(x, 2)*3": 5,
    "sin(1)*x": 3,
    "x**y*x": 5,
    "3": 1,
    "x - x": 1,
    "(x + y)**1.5/2": 7,
    "-x*y - 2": 5,
}


@pytest.mark.parametrize(("text", "count"), FORMULAS.items())
def test_size(text, count):
    assert size(parse(text)) == count


@pytest.mark.parametrize("text", FORMULAS)
def test_the_value_stays(text):
    expression = parse(text)
    rng = np.random.default_rng(0)
    values = {"x": rng.uniform(0.2, 2.0, 50), "y": rng.uniform(0.2, 2.0, 50)}
    before, after = evaluate(expression, values), evaluate(merged(expression), values)
    np.testing.assert_allclose(after + 0 * values["x"], before + 0 * values["x"], rtol=1e-12)


@pytest.mark.parametrize("text", ["1e300*1e300*x", "1e-300*1e-300*x", "1/0*x", "x/(1 - 1)"])
def test_numbers_out_of_range_leave_a_formula_as_it_is(text):
    expression = parse(text)
    assert merged(expression) == expression


def test_merging_twice_changes_nothing():
    for text in FORMULAS:
        once = merged(parse(text))
        assert size(once) == len(once.tokens), text
