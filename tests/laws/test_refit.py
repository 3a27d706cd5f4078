"""Refits against the truth, scipy's optimum and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from laws_truths import LV_START, LV_TRUTH, lotka_volterra, measured, solution
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares

from residuum.data.observations import Noise
from residuum.expressions.parser import parse
from residuum.hidden.samples import Trajectory
from residuum.laws.refit import EXACT, SCREEN, refit, restart
from residuum.laws.starts import smoothed, starting_trajectories
from residuum.laws.system import fit_data
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter

T = np.linspace(0, 3, 31)
VALUES = {"alpha": 1.3, "delta": 1.8}


def noisy_lv(problem, noise: float, seed: int = 0, kind: str = "relative"):
    path = solution(problem, LV_TRUTH, {k: VALUES[k] for k in problem.estimated}, LV_START, T)
    rng = np.random.default_rng(seed)
    path = path + noise * path.mean(axis=0) * rng.standard_normal(path.shape)
    return measured(problem, [(T, path)], noise=Noise(kind))


def data_of(problem, observations):
    starts = starting_trajectories(problem, observations, {})
    return fit_data(problem, observations.experiments, starts, observations.noise)


def test_clean_data_give_back_the_truth() -> None:
    problem = lotka_volterra(alpha=None)
    data = data_of(problem, noisy_lv(problem, 0.0))
    start = {"predation": parse("0.5*(prey*predator)"), "growth": parse("1.1*(prey*predator)")}
    fit = refit(problem, data, start, {"alpha": 0.9}, precision=EXACT)
    assert fit.status == "ok"
    np.testing.assert_allclose(list(fit.values.values()), [1.3, 0.9, 0.8], rtol=1e-6)


def test_the_optimum_is_the_one_scipy_finds_with_sensitivities() -> None:
    problem = lotka_volterra()
    observations = noisy_lv(problem, 0.02)
    data = data_of(problem, observations)
    fit = refit(problem, data, LV_TRUTH, {}, precision=EXACT)
    y = np.stack([observations.experiments[0].states[s] for s in problem.states], axis=1)
    weight = 1 / np.abs(y).mean(axis=0)

    def both(theta: np.ndarray) -> np.ndarray:
        b, g = theta[:2]

        def rhs(_: float, v: np.ndarray) -> np.ndarray:
            x, z, s = v[0], v[1], v[2:].reshape(2, 4)
            f = [1.3 * x - b * x * z, g * x * z - 1.8 * z]
            j = np.array([[1.3 - b * z, -b * x], [g * z, g * x - 1.8]])
            p = np.array([[-x * z, 0, 0, 0], [0, x * z, 0, 0]])
            return np.concatenate([f, (j @ s + p).ravel()])

        s0 = np.concatenate([np.zeros((2, 2)), np.eye(2)], axis=1)
        start = np.concatenate([theta[2:], s0.ravel()])
        return solve_ivp(rhs, (0, 3), start, t_eval=T, rtol=1e-11, atol=1e-12, method="DOP853").y.T

    found = least_squares(
        lambda q: ((both(q)[:, :2] - y) * weight).ravel(),
        [0.9, 0.8, *LV_START],
        jac=lambda q: (both(q)[:, 2:].reshape(-1, 2, 4) * weight[:, None]).reshape(-1, 4),
        xtol=1e-15, ftol=1e-15, gtol=1e-15,
    )  # fmt: skip
    np.testing.assert_allclose(fit.theta, found.x[:2], rtol=1e-6)
    np.testing.assert_allclose(fit.path[0], found.x[2:], rtol=1e-6)
    information = found.jac.T @ found.jac / fit.noise[0] ** 2
    np.testing.assert_allclose(
        fit.standard_errors, np.sqrt(np.diag(np.linalg.inv(information)))[:2], rtol=1e-4
    )


@pytest.mark.parametrize("start", [(0.1, 0.1), (3.0, 3.0), (-1.0, 2.0)])
def test_poor_starting_constants_reach_the_same_optimum(start: tuple[float, float]) -> None:
    problem = lotka_volterra()
    data = data_of(problem, noisy_lv(problem, 0.02))
    best = refit(problem, data, LV_TRUTH, {}, precision=EXACT)
    pairs = zip(LV_TRUTH.items(), start, strict=True)
    formulas = {term: e.with_constants([c]) for (term, e), c in pairs}
    fit = refit(problem, data, formulas, {})
    np.testing.assert_allclose(fit.theta, best.theta, rtol=1e-3)


def test_lognormal_decay_is_linear_regression_of_logarithms() -> None:
    problem = read_problem({"x_t": "-decay(x)"}, states=("x",), parameters={})
    rng = np.random.default_rng(1)
    t = np.sort(rng.uniform(0, 4, 25))
    logs = 1.0 - 0.7 * t + 0.2 * rng.standard_normal(25)
    observations = measured(problem, [(t, np.exp(logs)[:, None])], noise=Noise("lognormal"))
    fit = refit(
        problem, data_of(problem, observations), {"decay": parse("1.0*x")}, {}, precision=EXACT
    )
    slope, intercept = np.polyfit(t, logs, 1)
    assert fit.theta[0] == pytest.approx(-slope, rel=1e-7)
    assert fit.path[0, 0] == pytest.approx(np.exp(intercept + slope * t[0]), rel=1e-7)
    assert fit.noise[0] == pytest.approx(np.std(logs - slope * t - intercept), rel=1e-6)


def test_experiments_share_constants_and_missing_samples_count_for_nothing() -> None:
    problem = lotka_volterra()
    paths = []
    for k, start in enumerate([LV_START, (1.0, 1.0), (2.0, 0.5)]):
        t = np.linspace(0, 2.0 + k, 15 + 5 * k)
        paths.append((t, solution(problem, LV_TRUTH, {}, start, t)))
    for _, path in paths:
        path[3::4, 0] = np.nan
        path[::5, 1] = np.nan
    observations = measured(problem, paths)
    data = data_of(problem, observations)
    assert data.count == sum(int(np.isfinite(p).sum()) for _, p in paths)
    start = {"predation": parse("0.5*(prey*predator)"), "growth": parse("0.5*(prey*predator)")}
    fit = refit(problem, data, start, {}, precision=EXACT)
    np.testing.assert_allclose(fit.theta, [0.9, 0.8], rtol=1e-6)
    assert fit.information.shape == (2, 2)


def test_second_order_states_need_no_measured_velocity() -> None:
    problem = read_problem(
        {"theta_tt": "-damping(theta_t) - restoring(theta)"}, states=("theta",), parameters={}
    )
    truth = {"damping": parse("0.3*theta_t"), "restoring": parse("4.0*sin(theta)")}
    t = np.sort(np.random.default_rng(2).uniform(0, 6, 60))
    t[0] = 0.0
    path = solution(problem, truth, {}, (2.2, 0.0), t)
    data = data_of(problem, measured(problem, [(t, path)]))
    start = {"damping": parse("0.1*theta_t"), "restoring": parse("3.0*sin(theta)")}
    fit = refit(problem, data, start, {}, precision=EXACT)
    np.testing.assert_allclose(fit.theta, [0.3, 4.0], rtol=1e-6)
    np.testing.assert_allclose(fit.path[:, 1], path[:, 1], atol=1e-5)


def test_bounds_hold_and_held_constants_stay() -> None:
    parameters = {"alpha": Parameter("alpha", None, (0.0, 1.1)), "delta": Parameter("delta", 1.8)}
    problem = read_problem(
        {"prey_t": "alpha*prey - predation(prey, predator)",
         "predator_t": "growth(prey, predator) - delta*predator"},
        states=("prey", "predator"), parameters=parameters,
    )  # fmt: skip
    truth = lotka_volterra()
    observations = noisy_lv(truth, 0.01)
    data = data_of(problem, observations)
    fit = refit(problem, data, LV_TRUTH, {"alpha": 0.8})
    assert fit.values["alpha"] == pytest.approx(1.1, rel=1e-12)
    held = refit(problem, data, LV_TRUTH, {"alpha": 0.8}, held={"growth_c@0": 0.75})
    assert held.values["growth_c@0"] == 0.75
    assert held.deviance > fit.deviance


def test_a_given_noise_level_is_used() -> None:
    problem = lotka_volterra()
    path = solution(problem, LV_TRUTH, {}, LV_START, T)
    observations = measured(problem, [(T, path)], noise=Noise("gaussian", 0.05))
    fit = refit(problem, data_of(problem, observations), LV_TRUTH, {})
    size = np.sqrt((path**2).mean(axis=0))
    np.testing.assert_allclose(fit.noise * size, 0.05, rtol=1e-9)


def test_a_law_without_a_trajectory_is_a_status() -> None:
    problem = read_problem({"x_t": "growth(x)"}, states=("x",), parameters={})
    t = np.linspace(0, 5, 11)
    observations = measured(problem, [(t, np.exp(-t)[:, None])])
    fit = refit(problem, data_of(problem, observations), {"growth": parse("log(-1.0*x - 1.0)")}, {})
    assert fit.status != "ok"
    assert fit.deviance == np.inf


def test_a_redundant_constant_has_an_infinite_standard_error() -> None:
    problem = lotka_volterra(alpha=None)
    data = data_of(problem, noisy_lv(problem, 0.01))
    hidden = {"predation": parse("0.5*prey + 0.9*(prey*predator)"), "growth": LV_TRUTH["growth"]}
    fit = refit(problem, data, hidden, {"alpha": 1.3}, precision=SCREEN)
    errors = dict(zip(fit.unknowns, fit.standard_errors, strict=True))
    assert errors["alpha"] == np.inf
    assert errors["predation_c@0"] == np.inf
    assert errors["growth_c@0"] < 0.1


def test_a_fit_restarts_where_it_ended() -> None:
    problem = lotka_volterra()
    data = data_of(problem, noisy_lv(problem, 0.02))
    fit = refit(problem, data, LV_TRUTH, {}, precision=EXACT)
    again = refit(problem, restart(data, fit), fit.hidden, {}, precision=EXACT)
    np.testing.assert_allclose(again.theta, fit.theta, rtol=1e-9)


def test_smoothed_starts_have_the_derivatives_of_the_data() -> None:
    problem = read_problem({"theta_tt": "-f(theta)"}, states=("theta",), parameters={})
    t = np.linspace(0, 6, 61)
    observations = measured(problem, [(t, np.stack([np.sin(t), np.cos(t)], axis=1))])
    trajectory = smoothed(problem, observations.experiments[0], observations.noise)
    np.testing.assert_allclose(trajectory.components["theta_t"][5:-5], np.cos(t)[5:-5], atol=0.02)
    learned = {"experiment_000": Trajectory(t[:30], {"theta": t[:30] * 0, "theta_t": t[:30] * 0})}
    joined = starting_trajectories(problem, observations, learned)["experiment_000"]
    assert np.all(np.diff(joined.t) > 0)
    assert np.all(joined.components["theta"][:30] == 0)
