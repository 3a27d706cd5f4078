"""Systems with a known hidden term, measured with noise, for the tests of surrogates."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from residuum.data.observations import Experiment, Noise, Observations
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter, Problem

LOTKA_START = (0.44249296, 4.6280594)


def lotka_problem(*, alpha: float | None = 1.3, rate: float = 1.0) -> Problem:
    """Lotka-Volterra with both interaction terms hidden; `rate` is the unit of rates."""
    return read_problem(
        {
            "x_t": "alpha*x - predation(x, y)",
            "y_t": "growth(x, y) - delta*y",
        },
        states=("x", "y"),
        parameters={
            "alpha": Parameter("alpha", None if alpha is None else alpha * rate),
            "delta": Parameter("delta", 1.8 * rate),
        },
    )


def lotka_path(stop: float, n: int, start=LOTKA_START) -> tuple[np.ndarray, np.ndarray]:
    """Times `[n]` and states `[n, 2]` of the true system."""
    t = np.linspace(0, stop, n)
    right = lambda _, z: [1.3 * z[0] - 0.9 * z[0] * z[1], 0.8 * z[0] * z[1] - 1.8 * z[1]]  # noqa: E731
    path = solve_ivp(right, (0, stop), start, t_eval=t, rtol=1e-11, atol=1e-12, method="DOP853")
    return t, path.y.T


def lotka_data(
    *, stop=5.0, n=30, noise=0.01, seed=0, kind="gaussian", starts=(LOTKA_START,), missing=0
) -> Observations:
    """Noisy experiments; the noise is a share of each state's spread."""
    rng = np.random.default_rng(seed)
    experiments = []
    for index, start in enumerate(starts):
        t, z = lotka_path(stop, n + index, start)
        y = z + noise * z.std(0) * rng.standard_normal(z.shape)
        if kind == "lognormal":
            y = z * np.exp(noise * rng.standard_normal(z.shape))
        for column in range(2):
            y[rng.choice(np.arange(1, len(t) - 1), missing, replace=False), column] = np.nan
        experiments.append(Experiment(f"run_{index}", t, {"x": y[:, 0], "y": y[:, 1]}))
    return Observations.of(experiments, noise=Noise(kind))


def pendulum_problem() -> Problem:
    """A damped pendulum with damping and restoring torque hidden."""
    return read_problem(
        {"theta_tt": "-damping(theta_t) - restoring(theta)"}, states=("theta",), parameters={}
    )


def pendulum_data(*, seed=0, n=50, noise=0.01, velocity=False) -> Observations:
    """Two experiments at irregular times."""
    rng = np.random.default_rng(seed)
    experiments = []
    for index, angle in enumerate((2.4, 1.0)):
        t = np.sort(np.r_[0.0, rng.uniform(0, 8, n - 2), 8.0])
        right = lambda _, z: [z[1], -0.3 * z[1] - 4 * np.sin(z[0])]  # noqa: E731
        z = solve_ivp(right, (0, 8), [angle, 0.0], t_eval=t, rtol=1e-10, atol=1e-12).y
        y = z + noise * z.std(1, keepdims=True) * rng.standard_normal(z.shape)
        states = {"theta": y[0], **({"theta_t": y[1]} if velocity else {})}
        experiments.append(Experiment(f"run_{index}", t, states))
    return Observations.of(experiments)


def six_problem() -> Problem:
    """Growth declared with six arguments of which the first two matter."""
    return read_problem(
        {"x_t": "1.3*x - 0.9*x*y", "y_t": "growth(x, y, p, q, r, s) - 1.8*y"},
        states=("x", "y"),
        inputs=("p", "q", "r", "s"),
        parameters={},
    )


def six_data(seed: int, *, experiments=4, n=25) -> Observations:
    """A hundred points, 1 % noise, four inputs that are smooth and random."""
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(experiments):
        t, z = lotka_path(5.0, n, rng.uniform(0.5, 3, 2))
        y = z + 0.01 * np.abs(z).mean(0) * rng.standard_normal(z.shape)
        inputs = {name: _smooth(rng, t) for name in "pqrs"}
        rows.append(Experiment(f"run_{index}", t, {"x": y[:, 0], "y": y[:, 1]}, inputs))
    return Observations.of(rows, noise=Noise("relative"))


def _smooth(rng: np.random.Generator, t: np.ndarray) -> np.ndarray:
    return sum(
        rng.standard_normal() * np.sin(0.9 * (k + 1) * t + rng.uniform(0, 6.3)) / (k + 1)
        for k in range(4)
    )


def relative_error(found: np.ndarray, truth: np.ndarray) -> float:
    """Root mean square error over the root mean square of the truth."""
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))
