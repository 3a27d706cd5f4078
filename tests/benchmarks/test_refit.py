"""The opponent of the refit integrates the right sensitivities and finds residuum's optimum."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.refit import CANDIDATES, TIGHT, _slope, fit_ours, fit_scipy, task_of


def test_sensitivities_are_derivatives_of_the_slope():
    task = task_of("two terms each", 0)
    constants, p = np.array([0.9, 0.1, 0.8, -0.2]), 6
    v = np.random.default_rng(0).uniform(0.5, 1.5, 2 + 2 * p)

    def rate(u, c):
        return _slope(0.0, np.concatenate([u, v[2:]]), c, task.exponents, 1.3, 1.8)[:2]

    # along direction (S[:, k], e_k) the slope changes by row k of the sensitivity's slope
    found = _slope(0.0, v, constants, task.exponents, 1.3, 1.8)[2:].reshape(2, p)
    h = 1e-6
    for k in range(p):
        du = v[2:].reshape(2, p)[:, k]
        dc = h * np.eye(4)[k] if k < 4 else np.zeros(4)
        change = rate(v[:2] + h * du, constants + dc) - rate(v[:2] - h * du, constants - dc)
        assert change / (2 * h) == pytest.approx(found[:, k], rel=1e-6, abs=1e-8)


# In the second, constants whose true value is zero are a thousandth of the others.
@pytest.mark.parametrize(("candidate", "bound"), list(zip(CANDIDATES, (1e-6, 1e-5), strict=True)))
def test_same_optimum(candidate, bound):
    task = task_of(candidate, 0)
    ours, exact = fit_ours(task), fit_scipy(task, "DOP853", *TIGHT)
    assert np.max(np.abs(ours - exact) / np.abs(exact)) < bound
