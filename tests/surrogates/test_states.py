"""State heads: derivatives and Jacobians against differences and automatic differentiation."""

import pytest
import torch

from residuum.surrogates.states import (
    Frame,
    NetworkStates,
    SplineStates,
    exponentiate,
    pull_back,
)


def frame(log=(False, False), order=2):
    return Frame(
        location=torch.tensor([1e4, -2.0], dtype=torch.float64),
        scale=torch.tensor([30.0, 0.5], dtype=torch.float64),
        start=torch.tensor([1900.0, 1910.0], dtype=torch.float64),
        span=torch.tensor([20.0, 35.0], dtype=torch.float64),
        order=order,
        log=log,
    )


HEADS = [lambda f: NetworkStates(f, (7, 5)), lambda f: SplineStates(f, 14)]


@pytest.fixture(params=HEADS, ids=["network", "spline"])
def head(request):
    return request.param(frame())


def unknowns(head, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, 2, head.size, generator=generator, dtype=torch.float64)


def times(n=9):
    share = torch.linspace(0.02, 0.98, n, dtype=torch.float64)
    f = frame()
    return f.start[:, None] + f.span[:, None] * share


def test_derivatives_match_central_differences(head):
    theta, t, h = unknowns(head), times(), 1e-3
    V = head.forward(theta, head.basis(t))[0]
    up, down = (head.forward(theta, head.basis(t + step))[0] for step in (h, -h))
    for order in (0, 1):
        slope = (up[:, :, order] - down[:, :, order]) / (2 * h)
        size = V[:, :, order + 1].abs().amax()
        torch.testing.assert_close(V[:, :, order + 1] / size, slope / size, rtol=0, atol=1e-5)


def test_jacobian_is_the_derivative_of_the_functional(head):
    theta, basis = unknowns(head), head.basis(times())
    V, tape = head.forward(theta, basis)
    generator = torch.Generator().manual_seed(1)
    g = torch.randn(3, 2, 2, *V.shape[2:], generator=generator, dtype=torch.float64)
    J = torch.empty(3, 2, 2, 9, head.size, dtype=torch.float64)
    head.jacobian(tape, g, J)
    direction = unknowns(head, 2)
    h = 1e-6
    up, down = (head.forward(theta + s * direction, basis)[0] for s in (h, -h))
    change = (g * ((up - down) / (2 * h)).unsqueeze(2)).sum((3, 5))
    found = (J @ direction[:, :, None, :, None]).squeeze(-1)
    torch.testing.assert_close(found, change, rtol=1e-6, atol=1e-6 * float(change.abs().max()))


def test_groups_cover_every_unknown(head):
    assert sum(len(group.stiffness) for group in head.groups()) == head.size
    assert len({group.name for group in head.groups()}) == len(head.groups())


def test_logarithms_become_states_by_the_chain_rule():
    generator = torch.Generator().manual_seed(0)
    V = torch.randn(1, 1, 3, 4, 2, generator=generator, dtype=torch.float64)
    log = (True, False)
    U = exponentiate(V, log)
    v, v1, v2 = V[..., 0].unbind(2)
    expected = torch.stack([v.exp(), v.exp() * v1, v.exp() * (v1**2 + v2)], 2)
    torch.testing.assert_close(U[..., 0], expected)
    torch.testing.assert_close(U[..., 1], V[..., 1])
    g = torch.randn(1, 1, 1, 3, 4, 2, generator=generator, dtype=torch.float64)
    expected = torch.func.grad(lambda x: (g[:, :, 0] * exponentiate(x, log)).sum())(V)
    torch.testing.assert_close(pull_back(g, U, log)[:, :, 0], expected)
