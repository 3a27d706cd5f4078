"""Islands: the same answer however they are run, stopped and resumed, and budgets that are kept."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import toy_islands
from checkpoint_memory import Memory
from toy_islands import (
    SIZE,
    TRUTH,
    DiesOnce,
    Toy,
    evolve,
    founders,
    losses_of,
    search,
    state,
)

from residuum.distillers.genetic.islands import TIMED, run_islands
from residuum.distillers.genetic.migration import links, migrate
from residuum.distillers.genetic.pacing import Pace, equal_shares, next_shares
from residuum.distillers.genetic.resuming import Moment, packed, unpacked
from residuum.distillers.journal import Progress
from residuum.distillers.settings import Budget
from residuum.io.checkpoints import FileCheckpoint
from residuum.parallel import open_map


@pytest.fixture(scope="module")
def undisturbed() -> list[bytes]:
    return state(search())


def test_the_known_vector_is_found():
    found = search(evaluations=20_000)
    assert min(island.losses.min() for island in found.islands) < 1e-3
    free = found.islands[0]
    assert free.vectors[free.losses.argmin()] == pytest.approx(TRUTH, abs=0.05)


def test_a_budget_in_evaluations_is_used_to_the_last():
    found = search(evaluations=4_001)
    assert found.evaluations == 4_001
    assert [island.evaluations for island in found.islands] == [1001, 1000, 1000, 1000]
    assert found.notes == ()


def test_a_budget_that_the_founders_used_up_does_nothing():
    found = search(evaluations=SIZE)
    assert found.epochs == 0
    assert found.evaluations == 4 * SIZE


def test_no_island():
    with pytest.raises(ValueError, match="at least one"):
        run_islands(evolve, [], budget=Budget(evaluations=10), epoch=5, seed=0)


def test_one_island_needs_no_migration():
    found = run_islands(
        evolve, [Toy.founded(seed=0)], budget=Budget(evaluations=500), epoch=100, seed=0
    )
    assert found.evaluations == 500


def test_the_search_ends_when_the_target_is_reached():
    found = run_islands(
        evolve,
        founders(),
        budget=Budget(evaluations=100_000),
        epoch=200,
        seed=0,
        target=lambda islands: min(island.losses.min() for island in islands) < 0.01,
    )
    assert min(island.losses.min() for island in found.islands) < 0.01
    assert found.evaluations < 100_000


def test_the_search_ends_when_nothing_is_left_to_try():
    found = run_islands(
        lambda island, *, evaluations, seed: island,
        founders(),
        budget=Budget(evaluations=1_000),
        epoch=100,
        seed=0,
    )
    assert found.epochs == 0


# Migration


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
def test_links_are_a_ring_and_a_random_other(count):
    drawn = set()
    for epoch in range(40):
        found = links(count, seed=5, epoch=epoch)
        assert found == links(count, seed=5, epoch=epoch)
        for receiver, senders in enumerate(found):
            assert receiver not in senders
            assert len(set(senders)) == len(senders) == min(2, count - 1)
            if count > 1:
                assert senders[0] == (receiver - 1) % count
            drawn.update((receiver, sender) for sender in senders)
    assert len(drawn) == count * (count - 1)


def test_migration_keeps_sizes_and_constraints_and_spreads_the_best():
    islands = founders()
    islands[0].vectors[0], islands[0].losses[0] = TRUTH, 0.0
    settled = migrate(islands, seed=0, epoch=0, emigrants=3)
    assert [len(island.vectors) for island in settled] == [SIZE] * 4
    assert settled[1].losses.min() == 0.0
    assert (settled[3].vectors >= 0.0).all()
    assert [island.lower for island in settled] == [island.lower for island in islands]
    for before, after in zip(islands, settled, strict=True):
        assert after.losses == pytest.approx(losses_of(after.vectors))
        assert before.losses.min() in after.losses
        assert after.evaluations == before.evaluations


def test_an_immigrant_that_breaks_the_constraints_is_refused():
    free, strict = Toy.founded(seed=0), Toy.founded(seed=1, lower=0.0)
    free.vectors[:] = -1.0
    assert migrate([free, strict], seed=0, epoch=0, emigrants=3)[1] is strict


# Workers


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_same_islands_for_any_number_of_workers_one_of_them_killed(workers, undisturbed, tmp_path):
    with open_map(workers) as mapped:
        assert state(search(mapped)) == undisturbed
        if workers > 1:
            for name, weight in (("light", b""), ("heavy", bytes(1_000_000))):
                dies = DiesOnce(str(tmp_path / name), weight)
                assert state(search(mapped, evolve=dies)) == undisturbed
                assert (tmp_path / name).exists()


# Checkpoints


def test_resumed_after_any_epoch_gives_the_same(undisturbed):
    whole = Memory()
    assert state(search(checkpoint=whole)) == undisturbed
    assert len(whole.states) == 7
    for arrays in whole.states:
        resumed = Memory()
        resumed.save(arrays)
        assert state(search(checkpoint=resumed)) == undisturbed


def test_a_moment_survives_as_arrays():
    moment = Moment(tuple(founders()), 7, 1.25)
    back = unpacked(packed(moment), [Toy] * 4)
    assert (back.epoch, back.seconds) == (7, 1.25)
    for one, other in zip(moment.islands, back.islands, strict=True):
        assert one.lower == other.lower
        np.testing.assert_array_equal(one.vectors, other.vectors)


def test_a_killed_process_is_resumed_from_its_file(undisturbed, tmp_path):
    file = tmp_path / "toy.npz"
    process = subprocess.Popen([sys.executable, toy_islands.__file__, str(file)])
    deadline = time.monotonic() + 60
    while not file.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()
    kept = FileCheckpoint(file, "toy").load()
    assert kept is not None
    assert 1 <= int(kept["epoch"]) < 7
    assert state(search(checkpoint=FileCheckpoint(file, "toy"))) == undisturbed


# Seconds


class Clock:
    """Time that passes only by evaluating: `cost` seconds each."""

    def __init__(self, cost) -> None:
        self.now, self.cost = 100.0, cost
        self.spans: list[float] = []

    def __call__(self) -> float:
        return self.now

    def evolve(self, island: Toy, *, evaluations: int, seed: int) -> Toy:
        span = evaluations * self.cost(self.now - 100.0)
        self.now += span
        self.spans.append(span)
        # what is evolved does not matter here
        return Toy(island.vectors, island.losses, island.lower, island.evaluations + evaluations)


@pytest.mark.parametrize("seconds", [10.0, 30.0, 300.0])
@pytest.mark.parametrize(
    "cost",
    [
        lambda now: 1e-5,
        lambda now: 3e-3,
        lambda now: 2e-5 * (1 + 0.1 * now),
        lambda now: 1e-5 * (1 + 0.3 * np.sin(1e4 * now)),
    ],
)
def test_a_budget_in_seconds_is_kept(seconds, cost):
    clock = Clock(cost)
    found = run_islands(
        clock.evolve, founders(), budget=Budget(seconds=seconds), epoch=9, seed=0, clock=clock
    )
    assert 0.95 * seconds <= clock.now - 100.0 <= 1.05 * seconds
    assert found.seconds == pytest.approx(clock.now - 100.0)
    assert found.notes == (TIMED,)
    assert max(np.add.reduceat(clock.spans, range(0, len(clock.spans), 4))) < 3.0


def test_a_resumed_search_has_the_seconds_that_are_left():
    kept, clock = Memory(), Clock(lambda now: 1e-3)
    kept.save(packed(Moment(tuple(founders()), 12, 7.0)))
    found = run_islands(
        clock.evolve,
        founders(),
        budget=Budget(seconds=10.0),
        epoch=9,
        seed=0,
        clock=clock,
        checkpoint=kept,
    )
    assert clock.now - 100.0 == pytest.approx(3.0, abs=0.5)
    assert found.seconds == pytest.approx(10.0, abs=0.5)


def test_shares():
    assert equal_shares(11, 4) == [3, 3, 3, 2]
    assert sum(equal_shares(3, 5)) == 3
    budget = Budget(evaluations=100)
    assert next_shares(budget, [40, 50, 55], epoch=8, used=0.0, pace=Pace()) == [0, 0, 0]
    assert next_shares(budget, [0, 30, 33], epoch=8, used=0.0, pace=Pace()) == [8, 3, 0]


# Progress


def test_progress_after_every_epoch():
    rows: list[Progress] = []
    found = run_islands(
        evolve,
        founders(),
        budget=Budget(evaluations=4_000),
        epoch=150,
        seed=3,
        progress=rows.append,
    )
    assert [row.epoch for row in rows] == list(range(1, found.epochs + 1))
    assert rows[-1].evaluations == 4_000
    best = rows[-1].best
    assert [b.complexity for b in best] == sorted({b.complexity for b in best})
    assert [b.loss for b in best] == sorted({b.loss for b in best}, reverse=True)
    assert best[-1].loss == min(island.losses.min() for island in found.islands)


def test_files_that_are_no_checkpoint_of_this_problem(tmp_path):
    file = FileCheckpoint(Path(tmp_path) / "one.npz", "key")
    assert file.load() is None
    file.save({"a": np.arange(3), "0/b": np.eye(2)})
    assert set(file.load()) == {"a", "0/b"}
    assert FileCheckpoint(file.path, "other").load() is None
    whole = file.path.read_bytes()
    for torn in (b"", b"PK", whole[: len(whole) // 2], whole[:100] + b"\xff" * 9 + whole[109:]):
        file.path.write_bytes(torn)
        assert file.load() is None
    with pytest.raises(ValueError, match="cannot be saved"):
        file.save({"a": np.array([{}])})
    file.clear()
    file.clear()
    assert not list(tmp_path.iterdir())
