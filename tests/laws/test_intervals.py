"""Profile-likelihood intervals against the closed form they have in linear regression."""

from __future__ import annotations

import numpy as np
import pytest
from laws_truths import LV_START, LV_TRUTH, lotka_volterra, measured, solution
from scipy.stats import t as student

from residuum.data.observations import Noise
from residuum.expressions.parser import parse
from residuum.laws.intervals import profile_interval
from residuum.laws.refit import EXACT, refit
from residuum.laws.starts import starting_trajectories
from residuum.laws.system import build_system, fit_data
from residuum.problem.equations import read_problem


def interval(problem, observations, hidden, name: str, log: frozenset = frozenset()):
    starts = starting_trajectories(problem, observations, {})
    data = fit_data(problem, observations.experiments, starts, observations.noise)
    fit = refit(problem, data, hidden, {}, precision=EXACT)
    system = build_system(problem, fit.hidden, logarithmic=log)
    return fit, profile_interval(system, data, fit, name, confidence=0.95)


@pytest.mark.parametrize("n", [6, 30])
def test_lognormal_decay_has_the_interval_of_linear_regression(n: int) -> None:
    problem = read_problem({"x_t": "-decay(x)"}, states=("x",), parameters={})
    rng = np.random.default_rng(3)
    t = np.linspace(0, 4, n)
    logs = 1.0 - 0.7 * t + 0.2 * rng.standard_normal(n)
    observations = measured(problem, [(t, np.exp(logs)[:, None])], noise=Noise("lognormal"))
    _, (low, high) = interval(
        problem, observations, {"decay": parse("1.0*x")}, "decay_c@0", frozenset({"x"})
    )
    slope, intercept = np.polyfit(t, logs, 1)
    s = np.sqrt(np.sum((logs - slope * t - intercept) ** 2) / (n - 2))
    half = student.ppf(0.975, n - 2) * s / np.sqrt(np.sum((t - t.mean()) ** 2))
    assert (low, high) == pytest.approx((-slope - half, -slope + half), rel=2e-3)


def test_a_known_noise_level_gives_the_normal_interval() -> None:
    problem = read_problem({"x_t": "-decay(x)"}, states=("x",), parameters={})
    t = np.linspace(0, 4, 20)
    rng = np.random.default_rng(4)
    logs = -0.7 * t + 0.1 * rng.standard_normal(20)
    observations = measured(problem, [(t, np.exp(logs)[:, None])], noise=Noise("lognormal", 0.1))
    _, (low, high) = interval(
        problem, observations, {"decay": parse("1.0*x")}, "decay_c@0", frozenset({"x"})
    )
    half = 1.959964 * 0.1 / np.sqrt(np.sum((t - t.mean()) ** 2))
    assert high - low == pytest.approx(2 * half, rel=2e-3)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    problem = lotka_volterra()
    t = np.linspace(0, 3, 31)
    clean = solution(problem, LV_TRUTH, {}, LV_START, t)
    hits = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        noisy = clean + 0.05 * clean.mean(axis=0) * rng.standard_normal(clean.shape)
        observations = measured(problem, [(t, noisy)], noise=Noise("relative"))
        for name, truth in (("predation_c@0", 0.9), ("growth_c@0", 0.8)):
            _, (low, high) = interval(problem, observations, LV_TRUTH, name)
            hits += low <= truth <= high
    # 80 intervals at 95 %: fewer than 69 hits has a probability below 1 in 1,000.
    assert hits >= 69


def test_a_constant_that_the_data_do_not_determine_has_no_ends() -> None:
    problem = read_problem({"x_t": "-decay(x)"}, states=("x",), parameters={})
    t = np.linspace(0, 4, 20)
    observations = measured(problem, [(t, np.exp(-t)[:, None] + 0.01 * np.sin(9 * t)[:, None])])
    hidden = {"decay": parse("0.5*x + 0.5*x")}
    _, (low, high) = interval(problem, observations, hidden, "decay_c@0")
    assert (low, high) == (-np.inf, np.inf)
