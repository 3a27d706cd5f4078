"""Laws fitted to measured rates: the truth, its intervals, and what cannot be evaluated."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from residuum.expressions.parser import parse
from residuum.laws.rates import Rates, fit_rates
from residuum.laws.refit import EXACT
from residuum.laws.system import FitData, build_system
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter

PROBLEM = read_problem(
    {"x_tt": "-k*x_t - restoring(x)"}, parameters={"k": Parameter("k", bounds=(0, 5))}
)


def data_of(seed: int, rows: int = 200, noise: float = 0.0) -> FitData:
    rng = np.random.default_rng(seed)
    x, v = rng.uniform(-2, 2, rows), rng.normal(size=rows)
    a = -0.3 * v - 4 * np.sin(1.5 * x) + noise * rng.normal(size=rows)
    size = float(np.sqrt(np.mean(a**2)))
    return FitData(
        names=(),
        t=np.zeros(rows),
        starts=np.zeros(1, dtype=np.int64),
        inputs=np.zeros((rows, 0)),
        observed=np.stack([np.zeros(rows), a], axis=1),
        weights=np.stack([np.zeros(rows), np.full(rows, 1 / size)], axis=1),
        groups=np.arange(2),
        known=np.zeros(2),
        spread=np.ones(2),
        logarithmic=np.zeros(2, dtype=bool),
        nodes=np.stack([x, v], axis=1),
    )


def test_exact_rates_give_the_truth() -> None:
    hidden = {"restoring": parse("3.0*sin(1.3*x)")}
    system = build_system(PROBLEM, hidden, parameters={"k": 1.0})
    found = fit_rates(system, data_of(0), hidden, precision=EXACT)
    assert found.ok
    assert found.values["k"] == pytest.approx(0.3, rel=1e-9)
    np.testing.assert_allclose(found.hidden["restoring"].constants, (4.0, 1.5), rtol=1e-9)
    assert data_of(0).initial_values == 0


def test_what_is_held_stays_and_bounds_hold() -> None:
    hidden = {"restoring": parse("3.0*sin(1.3*x)")}
    system = build_system(PROBLEM, hidden, parameters={"k": 1.0})
    found = fit_rates(system, data_of(0), hidden, precision=EXACT, held={"k": 0.5})
    assert found.values["k"] == 0.5
    narrow = read_problem(
        {"x_tt": "-k*x_t - restoring(x)"}, parameters={"k": Parameter("k", bounds=(0.4, 5))}
    )
    found = fit_rates(build_system(narrow, hidden), data_of(0), hidden, precision=EXACT)
    assert found.values["k"] == 0.4


def test_intervals_cover_and_errors_are_the_noise() -> None:
    inside = 0
    hidden = {"restoring": parse("3.9*sin(1.52*x)")}
    for seed in range(30):
        full, unseen = data_of(seed, noise=0.2), data_of(seed + 100, noise=0.2)
        trial = Rates(PROBLEM, full, full, unseen)
        fit = trial.refit_many((PROBLEM, full, [hidden], {"k": 0.2}, EXACT))[0]
        assert trial.fit_error(fit) == pytest.approx(trial.holdout_error(fit), rel=0.4)
        low, high = trial.intervals(fit, 0.95)["restoring_c@1"]
        inside += low < 1.5 < high
    assert inside >= 25


def test_a_law_that_is_not_finite_is_a_status() -> None:
    hidden = {"restoring": parse("log(0.1*x)")}
    system = build_system(PROBLEM, hidden)
    found = fit_rates(system, data_of(0), hidden)
    assert not found.ok
    assert found.deviance == math.inf


def test_a_jump_is_put_where_the_rates_have_it():
    problem = read_problem({"x_tt": "push(x)"})
    data = data_of(0)
    x = data.nodes[:, 0]
    a = np.where(x > 0.5, 2.0 * (x + 1.0), 0.0)
    data = replace(data, observed=np.stack([np.zeros(len(x)), a], axis=1))
    hidden = {"push": parse("(x + 1.2)*(0.9 + sign(x - 0.9))")}
    found = fit_rates(build_system(problem, hidden), data, hidden)
    assert found.status == "ok"
    assert found.theta[:2] == pytest.approx([1.0, 1.0], abs=1e-6)
    assert x[x < 0.5].max() < found.theta[2] < x[x > 0.5].min()
