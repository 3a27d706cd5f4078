"""Messages: exact symmetries, and Jacobians against finite differences."""

from __future__ import annotations

import pytest
import torch

from residuum.surrogates.graph.features import features_of
from residuum.surrogates.graph.heads import CentralHead, FreeHead
from residuum.surrogates.graph.trunk import Trunk

EXCHANGE = (0, 2, 1, 4, 3)
KINDS = ("mutual", "central", "free mutual", "free")
ALL_KINDS = (*KINDS, "times length")


def measures(count=40):
    g = torch.Generator().manual_seed(0)
    draw = torch.randn(count, 5, generator=g, dtype=torch.float64)
    X = torch.cat([draw[:, :3].exp(), draw[:, 3:]], 1)
    u = torch.randn(count, 2, generator=g, dtype=torch.float64)
    return X, u / u.norm(dim=1, keepdim=True)


def head_of(kind):
    X, _ = measures()
    exchange = EXCHANGE if kind == "mutual" else None
    features = features_of(X, length=True, exchange=exchange)
    if not kind.startswith("free"):
        length = 0 if kind == "times length" else None
        return CentralHead(Trunk(features, (6, 5), 2.5), kind == "mutual", length)
    trunk = Trunk(features, (6, 5), 2.5, outputs=2, extra=2)
    return FreeHead(trunk, EXCHANGE if kind == "free mutual" else None)


def unknowns(head, batch=2):
    g = torch.Generator().manual_seed(1)
    return 0.4 * torch.randn(batch, head.size, generator=g, dtype=torch.float64)


def difference(function, point, step=1e-6):
    eye = step * torch.eye(point.shape[-1], dtype=torch.float64)
    sides = [(function(point + e) - function(point - e)) / (2 * step) for e in eye]
    return torch.stack(sides, -1)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_derivatives_match_finite_differences(kind):
    (X, u), head = measures(), head_of(kind)
    theta = unknowns(head)
    _, tape = head.forward(theta, X[None], u)
    J, gradient, turn = head.linearise(theta, tape)
    expected = difference(lambda t: head.forward(t, X[None], u)[0], theta)
    torch.testing.assert_close(J, expected, rtol=1e-6, atol=1e-7 * float(J.abs().max()))
    expected = difference(lambda x: head.forward(theta, x, u)[0], X[None])
    size = float(gradient.abs().max())
    torch.testing.assert_close(gradient, expected, rtol=1e-6, atol=1e-7 * size)
    if not head.central:
        expected = difference(lambda v: head.forward(theta, X[None], v)[0], u)
        torch.testing.assert_close(turn, expected, rtol=1e-6, atol=1e-7 * float(turn.abs().max()))


@pytest.mark.parametrize("kind", ["mutual", "free mutual"])
def test_mutual_messages_are_equal_and_opposite(kind):
    (X, u), head = measures(), head_of(kind)
    theta = unknowns(head)
    there = head.forward(theta, X[None], u)[0]
    back = head.forward(theta, X[None][..., list(EXCHANGE)], -u)[0]
    sign = 1.0 if head.central else -1.0  # a central one multiplies the direction
    assert float((back - sign * there).abs().max()) < 1e-12 * float(there.abs().max())


@pytest.mark.parametrize("kind", KINDS)
def test_a_removed_argument_has_no_influence(kind):
    (X, u), head = measures(), head_of(kind)
    narrow, theta = head.without(3, unknowns(head))
    assert theta.shape == (2, narrow.size)
    changed = X.clone()
    changed[:, 3:] += 1.0 if kind.endswith("mutual") else torch.tensor([1.0, 0.0])
    same = narrow.forward(theta, X[None], u)[0] - narrow.forward(theta, changed[None], u)[0]
    assert float(same.abs().max()) == 0.0


def test_a_power_law_needs_no_network():
    X, u = measures()
    features = features_of(X[:, :3], length=True, exchange=EXCHANGE[:3])
    head = CentralHead(Trunk(features, (4,), 1.0), True)
    theta = torch.zeros(1, head.size, dtype=torch.float64)
    theta[0, :2] = torch.tensor([-2.0, 1.0])
    theta[0, -1] = 1.0
    value = head.forward(theta, X[None, :, :3], u)[0][0, :, 0]
    offset = 0.1 * features.unit[0]
    expected = X[:, 1] * X[:, 2] / (X[:, 0] + offset) ** 2
    ratio = value / expected
    torch.testing.assert_close(ratio, ratio[0].expand_as(ratio), rtol=1e-12, atol=0)
