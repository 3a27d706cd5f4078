"""The size of errors: an absolute and a relative part, told apart by their residuals."""

from __future__ import annotations

import pytest
import torch

from residuum.surrogates.graph.errors import first_errors


@pytest.mark.parametrize(("sigma", "epsilon"), [(0.1, 0.01), (0.02, 0.1), (1.0, 0.01)])
def test_both_parts_are_recovered(sigma, epsilon):
    g = torch.Generator().manual_seed(0)
    size = torch.randn(20_000, generator=g, dtype=torch.float64).mul(2).exp()
    scale = (sigma**2 + (epsilon * size) ** 2).sqrt()
    e = scale[None, :, None] * torch.randn(1, 20_000, 2, generator=g, dtype=torch.float64)
    found = first_errors(size, 1)
    for _ in range(4):
        found = found.update(e, size, torch.zeros(1, dtype=torch.float64))
    assert float(found.sigma) == pytest.approx(sigma, rel=0.05)
    assert float(found.epsilon) == pytest.approx(epsilon, rel=0.05)


def test_missing_accelerations_are_left_out():
    size = torch.linspace(0.5, 2.0, 400, dtype=torch.float64)
    g = torch.Generator().manual_seed(0)
    e = 0.1 * torch.randn(1, 400, 3, generator=g, dtype=torch.float64)
    zero = torch.zeros(1, dtype=torch.float64)
    e[0, ::2] = torch.nan
    part = first_errors(size, 1).update(e, size, zero)
    assert bool(torch.isfinite(part.sigma).all())
    assert 0.02 < float(part.scale(size).mean()) < 0.2
