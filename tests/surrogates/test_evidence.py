"""Evidence against the exact marginal likelihood of linear models."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from residuum.surrogates.evidence import Group, Groups, log_evidence, plain_group
from residuum.surrogates.normal_equations import Unknowns, assemble, factorise

N, P, K = 40, 6, 3


def regression(seed, *, kappa, sigma, n=N):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, P))
    weights = rng.standard_normal(P) / math.sqrt(kappa)
    return torch.tensor(X), torch.tensor(X @ weights + sigma * rng.standard_normal(n))


def factors(rows, residuals, physics, precision):
    """Posterior and prior factors of data rows and physics rows, all unknowns being the state's."""
    nothing = torch.zeros(1, 0, dtype=torch.float64)
    diagonal = Unknowns(precision[None], nothing)
    whole = torch.cat([rows, physics])[None, None]
    r = torch.cat([residuals, torch.zeros(len(physics), dtype=torch.float64)])[None, None]
    rest = torch.cat([0 * rows, physics])[None, None]
    return (
        factorise(assemble(rest, r, P), diagonal),
        factorise(assemble(whole, r, P), diagonal),
    )


def test_log_evidence_is_exact_for_a_linear_model_with_physics_as_prior():
    X, y = regression(1, kappa=2.0, sigma=0.3)
    physics = 3 * torch.tensor(np.random.default_rng(2).standard_normal((K, P)))
    precision = torch.full((P,), 2.0, dtype=torch.float64)
    rows, target = X / 0.3, y / 0.3
    prior, posterior = factors(rows, -target, physics, precision)
    H = rows.mT @ rows + physics.mT @ physics + torch.diag(precision)
    theta = torch.linalg.solve(H, rows.mT @ target)
    cost = 0.5 * (
        (rows @ theta - target).square().sum()
        + (physics @ theta).square().sum()
        + (precision * theta.square()).sum()
    )
    found = log_evidence(
        cost[None], prior, posterior, torch.tensor([float(N)]), torch.tensor([[0.3]])
    )
    spread = np.linalg.inv((physics.mT @ physics + torch.diag(precision)).numpy())
    covariance = X.numpy() @ spread @ X.numpy().T + 0.09 * np.eye(N)
    expected = multivariate_normal.logpdf(y.numpy(), cov=covariance)
    assert float(found[0]) == pytest.approx(expected, rel=1e-6)


def test_updates_climb_to_the_maximum_of_the_evidence():
    X, y = regression(3, kappa=4.0, sigma=0.2, n=200)
    groups = Groups.of([plain_group("all", P)])
    kappa = groups.initial.expand(1, -1)
    for _ in range(60):
        precision = groups.precision(kappa)[0]
        prior, posterior = factors(X / 0.2, -y / 0.2, torch.zeros(0, P).double(), precision)
        H = X.mT @ X / 0.04 + torch.diag(precision)
        theta = torch.linalg.solve(H, X.mT @ y / 0.04)
        kappa = groups.update(
            kappa,
            theta[None, None],
            prior.inverse_diagonal().state,
            posterior.inverse_diagonal().state,
        )

    def marginal(value):
        covariance = X.numpy() @ X.numpy().T / value + 0.04 * np.eye(200)
        return multivariate_normal.logpdf(y.numpy(), cov=covariance)

    best = float(kappa[0, 0])
    assert marginal(best) > max(marginal(1.02 * best), marginal(best / 1.02))


def test_limits_and_fixed_groups_hold():
    groups = Groups.of(
        [
            plain_group("fixed", 2, initial=0.5, lower=0.5, upper=0.5),
            Group("rough", torch.tensor([1.0, 4.0], dtype=torch.float64), 1.0, 1e-3, 10.0),
        ]
    )
    theta = torch.full((1, 1, 4), 1e-9, dtype=torch.float64)
    one = torch.ones(1, 1, 4, dtype=torch.float64)
    kappa = groups.initial.expand(1, -1)
    for _ in range(20):
        kappa = groups.update(kappa, theta, one, 0.5 * one)
    torch.testing.assert_close(kappa, torch.tensor([[0.5, 10.0]], dtype=torch.float64))
    torch.testing.assert_close(
        groups.precision(kappa), torch.tensor([[0.5, 0.5, 10.0, 40.0]], dtype=torch.float64)
    )


def test_the_l1_prior_has_the_slope_of_a_norm():
    groups = Groups.of([plain_group("latent", 4, l1=2.0, upper=1e8)])
    theta = torch.tensor([[[0.3, 0.0, 0.4, 0.0]]], dtype=torch.float64)
    kappa = groups.update(groups.initial.expand(1, -1), theta, theta, theta)
    # The gradient of kappa*|theta|^2/2 has the size of the rate 2*sqrt(4), whatever |theta|.
    assert float(kappa[0, 0]) * 0.5 == pytest.approx(4.0)
