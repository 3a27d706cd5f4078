"""Splines against scipy, their roughness against closed forms."""

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline

from residuum.surrogates import bsplines


@pytest.mark.parametrize("degree", [3, 5])
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_basis_matches_scipy_also_outside_the_domain(degree, order):
    size = 12
    knots = np.arange(-degree, size + 1) / (size - degree)
    spline = BSpline(knots, np.eye(size), degree)
    spline = spline.derivative(order) if order else spline
    x = np.linspace(-0.05, 1.05, 57)
    found = bsplines.basis(torch.tensor(x), size, degree, order)
    np.testing.assert_allclose(found, spline(x), atol=1e-10)


def test_roughness_is_zero_for_quadratics_only():
    roughness, vectors = bsplines.modes(15, 5)
    assert (roughness[:3] == 0).all()
    assert float(roughness[3]) == pytest.approx(1.0)
    assert bool((roughness[3:] > 0.99).all())
    torch.testing.assert_close(vectors.mT @ vectors, torch.eye(15, dtype=torch.float64))
    x = torch.linspace(0, 1, 50, dtype=torch.float64)
    space = bsplines.basis(x, 15, 5) @ vectors[:, :3]
    quadratics = torch.stack([x**0, x, x**2], 1)
    misfit = quadratics - space @ torch.linalg.lstsq(space, quadratics).solution
    assert float(misfit.abs().max()) < 1e-9


def test_surface_roughness_is_zero_for_total_degree_two():
    roughness, vectors = bsplines.surface_modes(7, 3)
    assert (roughness[:6] == 0).all()
    assert bool((roughness[6:] > 0.99).all())
    x = torch.rand(60, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    a, b = (bsplines.basis(x[:, k], 7, 3) for k in range(2))
    space = (a[:, :, None] * b[:, None, :]).flatten(1) @ vectors[:, :6]
    product = (x[:, 0] * x[:, 1])[:, None]
    misfit = product - space @ torch.linalg.lstsq(space, product).solution
    assert float(misfit.abs().max()) < 1e-9
