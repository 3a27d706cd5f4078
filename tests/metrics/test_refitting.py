"""Constants are found again from starts some way off, also where values span decades."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.distillers.regression import Table
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.metrics.refitting import refit


def table_of(truth, low, high, n=150):
    rng = np.random.default_rng(0)
    names = tuple(low)
    X = np.stack([np.exp(rng.uniform(np.log(low[k]), np.log(high[k]), n)) for k in names], axis=1)
    y = evaluate(parse(truth), dict(zip(names, X.T, strict=True)))
    return Table.of(names, X, y)


@pytest.mark.parametrize(
    ("truth", "start", "low", "high"),
    [
        ("2.5*x/(1 + 0.5*x)", "2*x/(1 + 0.7*x)", {"x": 0.1}, {"x": 10.0}),
        ("3*x**1.5", "2*x**1.3", {"x": 1e-3}, {"x": 1e3}),
        ("2*sin(3*x + 0.5) - 1", "1.8*sin(3.1*x + 0.4) - 0.8", {"x": 0.5}, {"x": 5.0}),
        (  # Planck's law: most values are many decades below the largest, some underflow
            "1.47e-50*x**3/(exp(4.8e-11*x/y) - 1)",
            "1.4e-50*x**3/(exp(5e-11*x/y) - 1)",
            {"x": 1e9, "y": 100.0},
            {"x": 1e16, "y": 6000.0},
        ),
    ],
)
def test_the_truth_is_found_again(truth, start, low, high):
    table = table_of(truth, low, high)
    fitted, left = refit(parse(start), table, rng=np.random.default_rng(1))
    assert left < 1e-20
    assert fitted.tokens == parse(start).tokens


def test_a_formula_without_constants_stays():
    table = table_of("x", {"x": 1.0}, {"x": 2.0})
    fitted, left = refit(parse("x"), table, rng=np.random.default_rng(1))
    assert fitted == parse("x")
    assert left == 0.0


def test_an_optimum_of_data_with_errors_is_that_of_linear_regression():
    rng = np.random.default_rng(3)
    x = rng.uniform(-1.0, 1.0, 60)
    y = 2 * x - 1 + 0.1 * rng.standard_normal(60)
    fitted, _ = refit(parse("x + 0.5"), Table.of(("x",), x[:, None], y), rng=rng)
    assert fitted.constants == pytest.approx((np.mean(y - x),), rel=1e-9)
