"""The stream of random numbers is the published one, and uniform."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.distillers.genetic.random import below, choose, mix, new_state, normal, uniform

# Outputs of the reference implementation (Vigna, splitmix64.c) for the seed 1234567.
PUBLISHED = (
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
)


def test_published_values():
    state = new_state(1234567)
    for wanted in PUBLISHED:
        following = uniform(state)
        assert int(mix(state[0])) == wanted
        assert following == (wanted >> 11) * 2.0**-53


def test_a_negative_seed_is_a_seed():
    assert 0.0 <= uniform(new_state(-1)) < 1.0


def test_uniform():
    state = new_state(3)
    drawn = np.array([uniform(state) for _ in range(20_000)])
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0
    counts = np.histogram(drawn, 20, (0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 45  # chi squared, 19 degrees: p < 0.001
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.03


def test_whole_numbers():
    state = new_state(4)
    counts = np.bincount([below(state, 7) for _ in range(7000)], minlength=7)
    assert ((counts - 1000) ** 2 / 1000).sum() < 22.5


def test_normal():
    state = new_state(5)
    drawn = np.array([normal(state) for _ in range(20_000)])
    assert drawn.mean() == pytest.approx(0.0, abs=0.03)
    assert drawn.std() == pytest.approx(1.0, abs=0.03)
    assert np.mean(np.abs(drawn) < 1) == pytest.approx(0.6827, abs=0.015)


def test_choices_have_their_weights():
    state, cumulative = new_state(6), np.cumsum([1.0, 0.0, 3.0])
    counts = np.bincount([choose(state, cumulative) for _ in range(4000)], minlength=3)
    assert counts[1] == 0
    assert counts[0] == pytest.approx(1000, abs=110)
