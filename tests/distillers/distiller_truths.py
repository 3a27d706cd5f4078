"""Hidden samples with a known truth and a known covariance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from residuum.hidden.samples import HiddenSamples

Truth = Callable[[np.ndarray], np.ndarray]


def smooth_covariance(t: np.ndarray, sd: float, length: float) -> np.ndarray:
    """Return a squared-exponential covariance `[n, n]`."""
    return sd**2 * np.exp(-0.5 * ((t[:, None] - t[None]) / length) ** 2)


def trajectory(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return times `[n]` and two oscillating positive arguments `[n, 2]`."""
    t = np.linspace(0.0, 10.0, n)
    return t, np.stack([2.0 + np.sin(t), 1.5 + np.cos(1.3 * t)], axis=1)


def draw_samples(
    truth: Truth, *, seed: int = 0, n: int = 80, sd: float = 0.05, nugget: float = 0.02
) -> HiddenSamples:
    """Return the truth plus one draw of correlated noise whose covariance is given."""
    t, X = trajectory(n)
    covariance = smooth_covariance(t, sd, 0.5) + nugget**2 * np.eye(n)
    noise = np.random.default_rng(seed).multivariate_normal(np.zeros(n), covariance)
    return HiddenSamples(
        term="f",
        arguments=("x", "y"),
        X=X,
        values=truth(X) + noise,
        covariance=covariance,
        t=t,
        experiment=np.zeros(n, dtype=int),
        alive=(True, True),
    )
