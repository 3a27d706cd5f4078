"""The batched solver against dense linear algebra and known minima."""

import numpy as np
import pytest
import torch

from residuum.surrogates.levenberg import Bounds, minimise
from residuum.surrogates.normal_equations import Unknowns, assemble, factorise

B, E, R, P, Q = 2, 3, 9, 4, 3


@pytest.fixture
def linear():
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return draw(B, E, R, P + Q), draw(B, E, R), draw(B, P).square() + 0.1, draw(B, Q).square() + 0.1


def dense(J, state, shared, b):
    """The whole Jacobian and prior of one batch element, experiments first."""
    whole = torch.zeros(E * R, E * P + Q, dtype=torch.float64)
    for e in range(E):
        whole[e * R : (e + 1) * R, e * P : (e + 1) * P] = J[b, e, :, :P]
        whole[e * R : (e + 1) * R, E * P :] = J[b, e, :, P:]
    return whole, torch.cat([state[b].repeat(E), shared[b]])


def test_schur_solve_equals_dense_solve(linear):
    J, r, state, shared = linear
    normal = assemble(J, r, P)
    factor = factorise(normal, Unknowns(state, shared))
    step = factor.solve(normal.gradient)
    variance = factor.inverse_diagonal()
    leverage = factor.leverage(J[:, :, :2, :P])
    for b in range(B):
        whole, prior = dense(J, state, shared, b)
        H = whole.mT @ whole + torch.diag(prior)
        V = torch.linalg.inv(H)
        expected = V @ (whole.mT @ r[b].flatten())
        found = torch.cat([step.state[b].flatten(), step.shared[b]])
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(factor.log_determinant[b], torch.logdet(H))
        found = torch.cat([variance.state[b].flatten(), variance.shared[b]])
        torch.testing.assert_close(found, V.diagonal())
        torch.testing.assert_close(factor.shared_covariance()[b], V[E * P :, E * P :])
        for e in range(E):
            block = V[e * P : (e + 1) * P, e * P : (e + 1) * P]
            rows = J[b, e, :2, :P]
            torch.testing.assert_close(leverage[b, e], (rows @ block @ rows.mT).diagonal())


class Linear:
    """Residuals linear in the unknowns."""

    def __init__(self, J, r):
        self.J, self.r = J, r

    def residuals(self, state, shared):
        moved = (self.J[..., :P] @ state.unsqueeze(-1)).squeeze(-1)
        return self.r + moved + (self.J[..., P:] @ shared[:, None, :, None]).squeeze(-1), None

    def jacobian(self, tape):
        return self.J


def zeros(batch, experiments, p, q):
    return Unknowns(
        torch.zeros(batch, experiments, p, dtype=torch.float64),
        torch.zeros(batch, q, dtype=torch.float64),
    )


def test_linear_problem_is_solved_exactly(linear):
    J, r, state, shared = linear
    fit = minimise(
        Linear(J, r), zeros(B, E, P, Q), Unknowns(state, shared), iterations=30, tolerance=1e-14
    )
    for b in range(B):
        whole, prior = dense(J, state, shared, b)
        H = whole.mT @ whole + torch.diag(prior)
        expected = -torch.linalg.solve(H, whole.mT @ r[b].flatten())
        found = torch.cat([fit.unknowns.state[b].flatten(), fit.unknowns.shared[b]])
        torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)


class Rosenbrock:
    """`(1 - x, c (y - x^2))` with another `c` in each batch element; `y` is shared."""

    def __init__(self, c):
        self.c = torch.tensor(c, dtype=torch.float64)

    def residuals(self, state, shared):
        x, y = state[:, 0, 0], shared[:, 0]
        return torch.stack([1 - x, self.c * (y - x * x)], 1)[:, None], x

    def jacobian(self, x):
        one = torch.ones_like(x)
        rows = torch.stack([-one, 0 * x, -2 * self.c * x, self.c * one], 1)
        return rows.view(-1, 1, 2, 2)


def test_rosenbrock_valleys_of_different_steepness_share_a_batch():
    start = Unknowns(
        torch.full((3, 1, 1), -1.2, dtype=torch.float64), torch.ones(3, 1, dtype=torch.float64)
    )
    none = Unknowns(torch.zeros(3, 1), torch.zeros(3, 1))
    fit = minimise(
        Rosenbrock([1.0, 10.0, 100.0]), start, none, iterations=300, damping=1e-3, tolerance=1e-30
    )
    np.testing.assert_allclose(fit.unknowns.state.flatten(), 1.0, atol=1e-8)
    np.testing.assert_allclose(fit.unknowns.shared.flatten(), 1.0, atol=1e-8)
    alone = minimise(
        Rosenbrock([10.0]),
        Unknowns(start.state[:1], start.shared[:1]),
        Unknowns(torch.zeros(1, 1), torch.zeros(1, 1)),
        iterations=300,
        damping=1e-3,
        tolerance=1e-30,
    )
    torch.testing.assert_close(alone.cost[0], fit.cost[1], rtol=0, atol=1e-16)


def test_a_bound_holds_and_the_rest_is_optimal():
    bounds = Bounds(
        torch.tensor([-torch.inf], dtype=torch.float64), torch.tensor([0.25], dtype=torch.float64)
    )
    start = Unknowns(
        torch.full((1, 1, 1), -1.2, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    )
    none = Unknowns(torch.zeros(1, 1), torch.zeros(1, 1))
    fit = minimise(
        Rosenbrock([10.0]),
        start,
        none,
        iterations=200,
        damping=1e-3,
        tolerance=1e-30,
        bounds=bounds,
    )
    assert float(fit.unknowns.shared[0, 0]) == 0.25
    grid = np.linspace(-2, 2, 400_001)
    best = grid[np.argmin((1 - grid) ** 2 + 100 * (0.25 - grid**2) ** 2)]
    assert float(fit.unknowns.state[0, 0, 0]) == pytest.approx(best, abs=2e-5)


def test_the_factors_grow_linearly_with_experiments():
    def numbers(experiments):
        J = torch.ones(1, experiments, R, P + Q, dtype=torch.float64)
        normal = assemble(J, J[..., 0], P)
        factor = factorise(normal, Unknowns(torch.ones(1, P), torch.ones(1, Q)))
        return factor.L.numel() + factor.X.numel() + factor.S.numel() - Q * Q

    assert numbers(40) == 10 * numbers(4)
