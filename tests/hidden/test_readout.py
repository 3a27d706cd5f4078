"""The covariance of samples, whatever the surrogate's unknowns are like."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from residuum.distillers.whitening import whiten
from residuum.hidden.readout import Readout


@dataclass
class Opposed:
    """Samples in which two unknowns that the data tie to each other nearly cancel."""

    J: np.ndarray
    posterior: np.ndarray
    latents: dict = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)
    alive: dict = field(default_factory=dict)

    def linearised(self, term, X):
        return X[:, 0], self.J, np.ones((len(X), 1))


def test_unknowns_that_nearly_cancel_leave_a_proper_covariance():
    rng = np.random.default_rng(0)
    n = 40
    a = rng.standard_normal(n)
    J = np.stack([a, -0.3 * a, rng.standard_normal(n)], axis=1)
    posterior = np.diag([1e-9, 1e-9, 1e-9])
    posterior[:2, :2] += 1e12 * np.outer([0.3, 1.0], [0.3, 1.0])
    with pytest.raises(ValueError, match="semidefinite"):
        whiten(J @ posterior @ J.T, J[:, 2], np.ones((n, 1)))
    X = J[:, 2:]
    values, covariance = Readout(Opposed(J, posterior), {}).hidden("force", X)
    assert np.array_equal(covariance, covariance.T)
    whiten(covariance, values, np.ones((n, 1)))


def test_it_is_that_of_the_unknowns():
    rng = np.random.default_rng(1)
    J, A = rng.standard_normal((30, 4)), rng.standard_normal((4, 4))
    posterior = A @ A.T
    _, covariance = Readout(Opposed(J, posterior), {}).hidden("force", J)
    np.testing.assert_allclose(covariance, J @ posterior @ J.T, rtol=1e-10, atol=1e-12)
