"""The particle cases: forces that are equal and opposite, accelerations that follow from them."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.particles.simulations import CASES, accelerations, snapshots


@pytest.mark.parametrize("name", CASES)
def test_snapshots_obey_their_law(name):
    found = snapshots(name, axes=2, count=6, rng=np.random.default_rng(0), each=3)
    assert found.positions.shape == found.accelerations.shape == (6, 4, 2)
    assert found.forces.shape == (6, 4, 4, 2)
    opposite = found.forces + found.forces.transpose(0, 2, 1, 3)
    assert np.abs(opposite).max() <= 1e-12 * np.abs(found.forces).max(initial=1.0)
    expected = accelerations(
        CASES[name], found.positions, found.velocities, found.masses, found.charges
    )
    np.testing.assert_array_equal(found.accelerations, expected)


def test_without_drag_momentum_stays():
    found = snapshots("r1", axes=3, count=4, rng=np.random.default_rng(1), each=4)
    momentum = (found.masses[..., None] * found.velocities).sum(1)
    np.testing.assert_allclose(momentum, momentum[[0]] * np.ones((4, 1)), atol=1e-6)


def test_closer_bodies_of_like_charge_repel_more():
    x = np.array([[[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.5, 0.0]]])
    m, q = np.ones((2, 2)), np.ones((2, 2))
    a = accelerations(CASES["charge"], x, 0 * x, m, q)
    assert a[0, 0, 0] == pytest.approx(-1 / 1.01**2)
    assert a[1, 0, 0] < a[0, 0, 0] < 0
