"""Shares of resamples against what the criterion must prefer."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.distillers.resampling import frequencies


def shares(signal: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(1)
    matrix = rng.standard_normal((60, 4))
    matrix /= np.linalg.norm(matrix, axis=0)
    target = signal * matrix[:, 0] + 0.1 * rng.standard_normal(60)
    supports = [(), (0,), (1,), (0, 1), (0, 1, 2)]
    generator = np.random.default_rng(seed)
    return frequencies(matrix, target, supports, count=200, directions=60, generator=generator)


def test_shares_sum_to_one_and_follow_the_generator() -> None:
    assert shares(3.0).sum() == pytest.approx(1.0)
    np.testing.assert_array_equal(shares(3.0), shares(3.0))
    assert not np.array_equal(shares(3.0), shares(3.0, seed=1))


@pytest.mark.parametrize(("signal", "winner"), [(0.0, 0), (30.0, 1)])
def test_the_support_that_explains_wins(signal: float, winner: int) -> None:
    assert shares(signal)[winner] > 0.9


def test_a_weak_signal_is_ambiguous() -> None:
    found = shares(4.5)
    assert 0.1 < found[0] < 0.9
    assert 0.1 < found[1] < 0.9
