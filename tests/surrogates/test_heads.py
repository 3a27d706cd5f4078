"""Hidden heads: slopes and Jacobians against automatic differentiation, and removals."""

import pytest
import torch

from residuum.surrogates.bottleneck import Bottleneck
from residuum.surrogates.heads import NetworkHead, SplineHead, project

LOW = torch.tensor([-1.0, 100.0, 0.0, -2.0, 5.0, 0.0, 1.0], dtype=torch.float64)
HIGH = torch.tensor([2.0, 160.0, 1e-3, 2.0, 6.0, 1.0, 3.0], dtype=torch.float64)


def network(arguments, alive, **choices):
    module = Bottleneck(len(alive), choices.pop("latents", None), (5,), **choices)
    return NetworkHead(LOW[:arguments], HIGH[:arguments], alive, module)


def spline(arguments, alive):
    return SplineHead(LOW[:arguments], HIGH[:arguments], alive)


HEADS = {
    "network of one": network(1, (0,)),
    "network of two": network(2, (0, 1)),
    "network, one dead": network(4, (0, 1, 3)),
    "network with latents": network(3, (0, 1, 2), latents=2),
    "network with an encoder": network(3, (0, 1, 2), latents=2, encoder=(4,)),
    "spline of one": spline(1, (0,)),
    "spline of two": spline(2, (0, 1)),
    "spline, one dead": spline(3, (0, 2)),
    "spline of four": spline(4, (0, 1, 2, 3)),
    "spline of seven": spline(7, tuple(range(7))),
}


@pytest.fixture(params=list(HEADS.values()), ids=list(HEADS))
def head(request):
    return request.param


def points(head, n=8):
    generator = torch.Generator().manual_seed(4)
    share = 1.3 * torch.rand(2, n, len(head.low), generator=generator, dtype=torch.float64) - 0.15
    return head.low + share * (head.high - head.low)


def unknowns(head):
    generator = torch.Generator().manual_seed(5)
    return torch.randn(2, head.size, generator=generator, dtype=torch.float64)


def test_slopes_and_jacobian_are_derivatives(head):
    theta, X = unknowns(head), points(head)
    _, tape = head.forward(theta, X)
    gradient, J = head.linearise(tape)
    h = 1e-6
    for a in range(len(head.low)):
        step = torch.zeros_like(X)
        step[..., a] = h * (head.high[a] - head.low[a])
        up, down = (head.forward(theta, X + s * step)[0] for s in (1, -1))
        slope = (up - down) / (2 * step[0, 0, a])
        torch.testing.assert_close(
            gradient[..., a], slope, rtol=1e-5, atol=1e-5 * float(slope.abs().max() + 1e-9)
        )
    direction = torch.randn_like(theta)
    up, down = (head.forward(theta + s * h * direction, X)[0] for s in (1, -1))
    found = (J @ direction.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(found, (up - down) / (2 * h), rtol=1e-6, atol=1e-6)


def test_groups_cover_every_unknown(head):
    assert sum(len(group.stiffness) for group in head.groups()) == head.size
    assert len({group.name for group in head.groups()}) == len(head.groups())


def test_dead_arguments_have_no_influence():
    for head in (HEADS["network, one dead"], HEADS["spline, one dead"]):
        dead = next(a for a in range(len(head.low)) if a not in head.alive)
        X = points(head)
        moved = X.clone()
        moved[..., dead] += 1.0
        theta = unknowns(head)
        torch.testing.assert_close(head.forward(theta, X)[0], head.forward(theta, moved)[0])


def test_a_spline_surface_holds_a_product_exactly():
    head = spline(2, (0, 1))
    X = points(head, 60)
    product = X[..., 0] * X[..., 1]
    theta = project(head, product, X)
    torch.testing.assert_close(head.forward(theta, X)[0], product, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("name", ["network, one dead", "spline of four"])
def test_removing_an_idle_argument_keeps_the_values(name):
    head, theta = HEADS[name], unknowns(HEADS[name])
    X = points(head, 200)
    if head.kind == "network":
        first = head.bottleneck.network.layers[0]
        theta[:, first.start : first.start + first.outputs] = 0.0
    else:
        # Keep the summands that do not hold argument 0.
        start = 0
        for where, coefficients in head.blocks:
            stop = start + coefficients ** len(where)
            if 0 in where:
                theta[:, start:stop] = 0.0
            start = stop
    before = head.forward(theta, X)[0]
    fewer, weights = head.without(0, theta, X)
    assert 0 not in fewer.alive
    after = fewer.forward(weights, X)[0]
    torch.testing.assert_close(after, before, rtol=0, atol=1e-2 * float(before.std()))


def test_factoring_at_full_rank_keeps_the_values():
    module = Bottleneck(3, None, (6,))
    theta = module.network.initial((2,), torch.Generator().manual_seed(0))
    x = torch.randn(2, 1, 1, 10, 3, dtype=torch.float64)
    narrow, weights = module.factored(3, theta)
    assert narrow.latents == 3
    assert weights.shape[-1] == narrow.size
    before = module.network.forward(theta[:, None], x).output
    after = narrow.network.forward(weights[:, None], x).output
    torch.testing.assert_close(after, before)
    fewer, kept = narrow.without_latent(1, weights)
    assert kept.shape[-1] == fewer.size
    with pytest.raises(ValueError, match="without latents"):
        narrow.factored(2, weights)


def test_a_term_of_one_combination_has_one_large_singular_value():
    module = Bottleneck(3, None, (6,))
    theta = module.network.initial((1,), torch.Generator().manual_seed(0))
    W = torch.outer(torch.tensor([1.0, -1.0, 0.5]), torch.arange(1.0, 7.0)).double()
    theta[0, : W.numel()] = W.flatten()
    s = module.singular_values(theta)[0]
    assert float(s[1] / s[0]) < 1e-12
