"""Forecasts against closed forms, and against each other."""

from __future__ import annotations

import numpy as np
import pytest
from laws_truths import LV_START, LV_TRUTH, lotka_volterra

from residuum.data.observations import Experiment
from residuum.expressions.parser import parse
from residuum.laws.forecast import (
    agreement,
    completed,
    nrmse,
    roll_out,
    roll_out_torch,
    valid_time,
)
from residuum.problem.equations import read_problem

T = np.linspace(0, 4, 81)


def test_both_integrators_follow_an_oscillator_with_an_input() -> None:
    problem = read_problem({"x_tt": "-f(x) + u"}, states=("x",), inputs=("u",), parameters={})
    experiment = Experiment("e", T, {"x": np.zeros(81)}, {"u": 2 * T}, np.zeros(81, bool))
    sides = completed(problem, {"f": parse("1.0*x")}, {})
    exact = np.stack([np.cos(T) - 2 * np.sin(T) + 2 * T, -np.sin(T) - 2 * np.cos(T) + 2], axis=1)
    start = np.array([1.0, 0.0])
    np.testing.assert_allclose(roll_out(problem, sides, experiment, start, T), exact, atol=1e-7)
    np.testing.assert_allclose(
        roll_out_torch(problem, sides, experiment, start, T), exact, atol=1e-6
    )


def test_the_integrators_agree_on_lotka_volterra() -> None:
    problem = lotka_volterra()
    experiment = Experiment("e", T, {}, {}, np.zeros(81, bool))
    sides = completed(problem, LV_TRUTH, {})
    a = roll_out(problem, sides, experiment, np.array(LV_START), T)
    b = roll_out_torch(problem, sides, experiment, np.array(LV_START), T)
    assert agreement(a, b) < 1e-6


def test_a_solution_that_ends_is_nan_after_its_end() -> None:
    problem = read_problem({"x_t": "f(x)"}, states=("x",), parameters={})
    experiment = Experiment("e", T, {}, {}, np.zeros(81, bool))
    sides = completed(problem, {"f": parse("1.0*x**2")}, {})
    path = roll_out(problem, sides, experiment, np.array([0.5]), T)
    np.testing.assert_allclose(path[T < 1.9, 0], 1 / (2 - T[T < 1.9]), rtol=1e-6)
    assert np.isnan(path[-1, 0])


def test_errors_and_valid_time_are_their_formulas() -> None:
    a, b = np.array([1.0, 2.0, np.nan]), np.array([1.5, 2.5, 7.0])
    assert nrmse(b, a, size=2.0) == pytest.approx(0.25)
    measured = np.sin(T)[:, None]
    wrong = measured + np.where(T > 2.0, 1.0, 0.0)[:, None]
    spread = np.array([1.0])
    assert valid_time(T, wrong, measured, spread) == pytest.approx(2.05)
    assert valid_time(T, wrong, measured, 3 * spread) is None
