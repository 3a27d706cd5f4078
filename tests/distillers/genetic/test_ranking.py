"""Fronts against the definition, and who survives."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.distillers.genetic.ranking import crowding, mark_duplicates, ranks, survivors


def brute_force(loss, complexity) -> np.ndarray:
    """Return fronts by comparing all pairs; of formulas that are equal the first beats the rest."""
    n = len(loss)
    beats = np.array(
        [
            [
                loss[i] <= loss[j]
                and complexity[i] <= complexity[j]
                and ((loss[i], complexity[i]) != (loss[j], complexity[j]) or i < j)
                for j in range(n)
            ]
            for i in range(n)
        ]
    )
    rank, front = np.full(n, -1), 0
    while (rank < 0).any():
        left = rank < 0
        rank[left & ~beats[left].any(axis=0)] = front
        front += 1
    return rank


@pytest.mark.parametrize("seed", range(40))
def test_fronts(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    complexity = rng.integers(1, 12, n)
    loss = rng.uniform(size=n) if seed % 2 else rng.integers(1, 6, n).astype(float)
    rank = np.zeros(n, np.int64)
    fronts = ranks(loss, complexity, np.ones(n, bool), rank)
    np.testing.assert_array_equal(rank, brute_force(loss, complexity))
    assert fronts == rank.max() + 1


def test_what_is_left_out_has_no_front():
    rank = np.zeros(3, np.int64)
    ranks(np.array([1.0, 2.0, 3.0]), np.array([5, 4, 3]), np.array([True, False, True]), rank)
    assert rank.tolist() == [0, -1, 0]


def test_of_equal_losses_the_simplest_stays():
    loss = np.array([1.0, 1.0, 1.0 + 5e-10, 2.0, np.inf])
    complexity = np.array([7, 5, 3, 9, 1])
    for order in ([0, 1, 2, 3, 4], [2, 1, 0, 3, 4]):
        dropped = np.zeros(5, bool)
        mark_duplicates(loss, complexity, np.array(order), dropped)
        assert dropped.tolist() == [True, True, False, False, True]


def test_crowding_is_the_gap_to_the_neighbours():
    loss, complexity = np.exp([3.0, 2.0, 0.0, -1.0]), np.array([1, 2, 3, 9])
    crowd = np.zeros(4)
    crowding(loss, complexity, np.zeros(4, np.int64), 1, crowd)
    assert crowd.tolist() == [np.inf, pytest.approx(3.2), pytest.approx(3.7), np.inf]


def kept(loss, complexity, age, limit, count) -> list[int]:
    n = len(loss)
    chosen = np.zeros(n, np.int64)
    found = survivors(
        np.array(loss, float), np.array(complexity), np.array(age), limit, count,
        np.zeros(n, np.int64), np.zeros(n), chosen,
    )  # fmt: skip
    return chosen[:found].tolist()


def test_better_fronts_survive():
    assert sorted(kept([1, 2, 3, 4], [4, 3, 5, 5], [0] * 4, 9, 2)) == [0, 1]
    assert sorted(kept([1, 2, 3, 4], [4, 3, 5, 5], [0] * 4, 9, 3)) == [0, 1, 2]


def test_the_old_survive_only_on_the_first_front():
    assert sorted(kept([1, 2, 3, 4], [4, 3, 5, 5], [50, 0, 50, 0], 9, 4)) == [0, 1, 3]


def test_of_a_front_that_does_not_fit_the_least_crowded_survive():
    loss = np.exp([5.0, 4.9, 4.0, 0.0])
    assert sorted(kept(loss, [1, 2, 3, 4], [0] * 4, 9, 3)) == [0, 2, 3]


@pytest.mark.parametrize("seed", range(20))
def test_nothing_survives_twice(seed):
    rng = np.random.default_rng(seed)
    n = 80
    loss = np.where(rng.uniform(size=n) < 0.1, np.inf, rng.integers(1, 40, n) / 7)
    stays = kept(loss, rng.integers(1, 15, n), rng.integers(0, 100, n), 60, 30)
    assert len(set(stays)) == len(stays) <= 30
    assert np.isfinite(loss[stays]).all()
    assert np.argmin(loss) in stays or loss.min() == loss[stays].min()
