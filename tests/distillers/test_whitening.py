"""Whitening against closed forms of generalised least squares and of Gaussian posteriors."""

from __future__ import annotations

import numpy as np
import pytest
from distiller_truths import smooth_covariance, trajectory

from residuum.distillers.whitening import whiten, whiten_likelihood


def test_no_covariance_is_least_squares_with_estimated_noise() -> None:
    rng = np.random.default_rng(1)
    _, X = trajectory(200)
    columns = np.column_stack([np.ones(200), X])
    values = columns @ [1.0, 2.0, -3.0] + 0.1 * rng.standard_normal(200)
    whitening = whiten(np.zeros((200, 200)), values, columns)
    sd = 1.0 / np.linalg.norm(whitening.rows, axis=1)
    np.testing.assert_allclose(sd, sd[0])
    assert sd[0] == pytest.approx(0.1, rel=0.2)
    assert whitening.informative == 200


def test_white_discrepancy_is_added_to_the_covariance() -> None:
    rng = np.random.default_rng(2)
    t, X = trajectory(150)
    covariance = smooth_covariance(t, 0.05, 1.0)
    columns = np.column_stack([np.ones(150), X])
    noise = rng.multivariate_normal(np.zeros(150), covariance, method="eigh")
    values = columns @ [1.0, 2.0, -3.0] + noise + 0.2 * rng.standard_normal(150)
    whitening = whiten(covariance, values, columns)
    found = np.linalg.inv(whitening.rows.T @ whitening.rows) - covariance
    assert np.sqrt(np.diag(found).mean()) == pytest.approx(0.2, rel=0.2)
    np.testing.assert_allclose(found, found[0, 0] * np.eye(150), atol=1e-8)


def test_an_undetermined_direction_weighs_nothing() -> None:
    t, X = trajectory(60)
    direction = X[:, 0]
    covariance = smooth_covariance(t, 0.05, 0.5) + 1e-4 * np.eye(60)
    values = X[:, 0] * X[:, 1]
    columns = np.column_stack([X, values])
    huge = covariance + 1e6 * np.outer(direction, direction)
    whitening = whiten(huge, values, columns)
    shifted = whitening.rows @ (values + 50.0 * direction) - whitening.target
    assert np.linalg.norm(shifted) < 1.0
    assert np.linalg.norm(whitening.rows @ X[:, 1]) > 10.0


def linear_posterior(
    n: int, prior_sd: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return posterior, its mean, prior, its mean, and the data's own precision and estimate."""
    rng = np.random.default_rng(3)
    t, X = trajectory(n)
    prior = smooth_covariance(t, prior_sd, 1.0) + 0.05 * np.eye(n)
    mean = np.sin(t)
    sd = 0.3
    observed = X[:, 0] * X[:, 1] + sd * rng.standard_normal(n)
    gain = prior @ np.linalg.inv(prior + sd**2 * np.eye(n))
    posterior = prior - gain @ prior
    values = mean + gain @ (observed - mean)
    return posterior, values, prior, mean, np.eye(n) / sd**2, observed


def test_dividing_the_prior_out_leaves_the_likelihood() -> None:
    posterior, values, prior, mean, precision, observed = linear_posterior(40, 2.0)
    whitening = whiten_likelihood(posterior, values, prior, mean)
    assert whitening is not None
    rows = whitening.rows
    np.testing.assert_allclose(rows.T @ rows, precision, atol=2e-3 * precision.max())
    direction = np.random.default_rng(4).standard_normal((40, 5))
    whitened = rows @ direction
    np.testing.assert_allclose(
        whitened.T @ whitening.target, direction.T @ precision @ observed, rtol=1e-2, atol=1.0
    )


def test_what_the_prior_alone_says_weighs_nothing() -> None:
    t, _ = trajectory(30)
    prior = smooth_covariance(t, 1.0, 1.0) + 0.1 * np.eye(30)
    assert whiten_likelihood(prior, np.sin(t), prior, np.zeros(30)) is None


@pytest.mark.parametrize("matrix", [[[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.5], [0.0, 1.0]]])
def test_not_a_covariance(matrix: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="positive semidefinite"):
        whiten(np.array(matrix), np.ones(2), np.ones((2, 1)))
