"""What is held out: whole experiments if there are several, else the last block of time."""

import numpy as np
import pytest

from residuum.data.observations import Experiment
from residuum.data.splits import split


def experiments(count: int, samples: int = 20) -> list[Experiment]:
    t = np.arange(samples, dtype=float)
    return [Experiment(f"e{i}", t, {"x": t}) for i in range(count)]


@pytest.mark.parametrize("count", [1, 2])
def test_few_experiments_lose_their_last_block(count: int) -> None:
    for part in split(experiments(count), 0.25):
        np.testing.assert_array_equal(part.held_out, np.arange(20) >= 15)


@pytest.mark.parametrize(("count", "held"), [(3, [1]), (4, [2]), (8, [2, 6]), (12, [2, 6, 10])])
def test_several_experiments_are_held_out_whole(count: int, held: list[int]) -> None:
    parts = split(experiments(count), 0.25)
    assert [i for i, e in enumerate(parts) if e.held_out.any()] == held
    assert all(e.held_out.all() or not e.held_out.any() for e in parts)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_nothing_is_held_out_at_zero(count: int) -> None:
    assert not any(e.held_out.any() for e in split(experiments(count), 0.0))


def test_three_samples_and_one_experiment_always_stay() -> None:
    assert (~split(experiments(1, 4), 0.9)[0].held_out).sum() == 3
    assert not split(experiments(1, 3), 0.9)[0].held_out.any()
    assert sum(not e.held_out.any() for e in split(experiments(3), 0.99)) == 1


def test_bodies_are_held_out_together() -> None:
    def bodies(samples: int) -> Experiment:
        x = np.zeros((samples, 2, 3))
        return Experiment("e", np.arange(float(samples)), {"x": x}, bodies=("a", "b"))

    (part,) = split([bodies(20)], 0.25)
    assert part.held_out_part().states["x"].shape == (5, 2, 3)
    assert part.training().bodies == ("a", "b")
    assert [bool(e.held_out.any()) for e in split([bodies(1)] * 4, 0.25)] == [0, 0, 1, 0]
    assert not split([bodies(1)], 0.5)[0].held_out.any()
