"""Windows over which bodies are followed, against growth in closed form."""

from __future__ import annotations

import itertools

import numpy as np
from bodies_truths import extraction_of, problem_of, trajectories

from residuum.data.observations import Observations
from residuum.laws.bodies import body_trial
from residuum.laws.windows import FEWEST, FOLLOWED, growth, windows_of


def test_growth_is_what_the_nearest_two_move_by_over_their_distance() -> None:
    x = np.zeros((3, 3, 1))
    x[:, 1, 0], x[:, 2, 0] = [1.0, 1.5, 0.75], 100.0
    np.testing.assert_allclose(growth(x), [0.5, 1.0])


def test_one_body_is_followed_for_ever() -> None:
    np.testing.assert_array_equal(growth(np.random.default_rng(0).normal(size=(9, 1, 2))), 0.0)
    assert windows_of(np.zeros(8), 0.2) == [(0, 9)]


def test_windows_are_as_few_as_growth_allows_and_as_even() -> None:
    found = windows_of(np.full(40, 0.1), 0.2)
    assert found[0][0] == 0
    assert found[-1][1] == 41
    assert len(found) == np.ceil(4.0 / FOLLOWED)
    assert all(b == c for (_, b), (c, _) in itertools.pairwise(found))


def test_nobody_is_followed_through_a_passing() -> None:
    growths = np.full(30, 0.01)
    growths[[10, 12, 13]] = 0.9
    found = windows_of(growths, 0.2)
    assert found == [(0, 11), (14, 31)]
    assert all(b - a >= FEWEST for a, b in found)


def test_experiments_keep_their_rows_and_frames_outside_have_no_weight() -> None:
    observations = Observations.of(trajectories(3, 2, seed=1, noise=0.01))
    _, trial = body_trial(problem_of(), observations, extraction_of({}, {}))
    data = trial.full
    assert data.bounds.tolist() == [0, 30, 60, 90]
    assert set(data.bounds) <= set(data.starts)
    lone = np.diff(data.starts) == 1
    assert (data.weights[data.starts[:-1][lone]] == 0).all()
    one = data.experiment("run_1")
    assert one.bounds.tolist() == [0, 30]
    own = (data.starts >= 30) & (data.starts <= 60)
    np.testing.assert_array_equal(one.starts + 30, data.starts[own])
    assert one.whole().starts.tolist() == [0, 30]
    assert data.initial_values == 8 * np.count_nonzero(~lone)
