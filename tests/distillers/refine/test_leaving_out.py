"""The error on a value left out, without leaving any out, is that of leaving each out in turn."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from residuum.distillers.refine.fitting import Task, fit
from residuum.distillers.refine.leaving_out import left_out
from residuum.distillers.regression import Table
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse

ROWS = 24


def table(truth: str, noise: float = 0.1) -> Table:
    rng = np.random.default_rng(3)
    x = rng.uniform(0.5, 3.0, ROWS)
    return Table.of(
        ("x",), x[:, None], evaluate(parse(truth), {"x": x}) * (1 + noise * rng.normal(size=ROWS))
    )


def in_turn(text: str, task: Task, residual) -> float:
    """Return the mean square of what each row leaves of a fit to the others."""
    whole, errors = task.table, []
    for row in range(ROWS):
        rest = np.arange(ROWS) != row
        part = replace(whole, X=whole.X[rest], y=whole.y[rest], experiment=whole.experiment[rest])
        if whole.precision is not None:
            part = replace(part, precision=whole.precision[rest])
        found = fit(parse(text), replace(task, table=part)).expression
        value = float(np.broadcast_to(evaluate(found, {"x": whole.X[row]}), 1)[0])
        errors.append(residual(value, float(whole.y[row])))
    return float(np.mean(np.square(errors)))


@pytest.mark.parametrize("text", ["1.1*x + 0.3", "0.7*x**2 + 1.5*x - 0.2", "2.5"])
def test_exact_for_linear_constants(text):
    task = Task(table("1.7*x + 0.4"))
    expected = in_turn(text, task, lambda f, y: f - y)
    assert left_out(fit(parse(text), task), task) == pytest.approx(expected, rel=1e-6)


def test_relative_residuals():
    task = Task(table("1.7*x + 0.4"), loss="relative")
    expected = in_turn("1.1*x + 0.3", task, lambda f, y: f / y - 1)
    assert left_out(fit(parse("1.1*x + 0.3"), task), task) == pytest.approx(expected, rel=1e-6)


def test_logarithmic_residuals():
    task = Task(table("1.7*x**1.5"), loss="logarithmic")
    expected = in_turn("1.1*x**1.2", task, lambda f, y: math.log(f / y))
    assert left_out(fit(parse("1.1*x**1.2"), task), task) == pytest.approx(expected, rel=1e-5)


def test_close_for_others():
    task = Task(table("1.7*exp(0.8*x)", noise=0.05))
    expected = in_turn("1.1*exp(0.6*x)", task, lambda f, y: f - y)
    assert left_out(fit(parse("1.1*exp(0.6*x)"), task), task) == pytest.approx(expected, rel=0.1)


def test_a_covariance_counts_as_weights_do():
    plain = table("1.7*x + 0.4")
    sd = np.linspace(0.5, 2.0, ROWS)
    whitening = np.diag(1 / sd)
    white = replace(plain, whitening=whitening, target=whitening @ plain.y)
    weighted = replace(plain, precision=1 / sd**2)
    one, other = (left_out(fit(parse("1.1*x + 0.3"), Task(t)), Task(t)) for t in (white, weighted))
    assert one == pytest.approx(other, rel=1e-6)


def test_a_constant_that_one_value_determines_tells_nothing():
    x = np.append(np.linspace(0.1, 1.0, 9), 1e4)
    y = np.append(2.0 * x[:9] + 0.01 * np.cos(40 * x[:9]), 3e4)
    task = Task(Table.of(("x",), x[:, None], y))
    high, low = (left_out(fit(parse(text), task), task) for text in ("1.9*x + 1e-4*x**3", "1.9*x"))
    assert high == math.inf
    assert low < math.inf


def test_constants_of_any_size():
    small = replace(table("1.7*exp(0.8*x)"), X=table("x").X * 1e-18)
    task = Task(small)
    plain = Task(table("1.7*exp(0.8*x)"))
    with_small, with_plain = (
        left_out(fit(parse(text), t), t)
        for text, t in (("1.1*exp(6e17*x)", task), ("1.1*exp(0.6*x)", plain))
    )
    assert with_small == pytest.approx(with_plain, rel=0.2)


def test_unknown_where_residuals_are_not_squared():
    task = Task(table("1.7*x + 0.4"), loss="huber")
    assert math.isnan(left_out(fit(parse("1.1*x + 0.3"), task), task))
