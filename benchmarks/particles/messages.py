"""Are the messages of the graph surrogate the true pair forces, on snapshots it has not seen?

Trained on 1,000 snapshots with exact accelerations; judged on 500 of other simulations by the
robust and full R2 of `agreement` and by the errors of accelerations.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.particles.cases import (
    DATA,
    TRAINING,
    UNSEEN,
    named,
    observations_of,
    problem_of,
    snapshots_of,
)
from benchmarks.particles.network import judged, means_of
from benchmarks.particles.rows import Row, run_rows, timed
from benchmarks.particles.surrogate import DEFAULT, about, train_graph
from residuum.surrogates.settings import GraphSettings


def measure(
    *,
    only: Sequence[str],
    seeds: int,
    lines: Path,
    data: Path = DATA,
    settings: GraphSettings = DEFAULT,
) -> list[Row]:
    """Train on every case and seed that `lines` does not hold yet; return all rows."""
    jobs = [
        {"case": case, "axes": axes, "seed": seed}
        for seed in range(seeds)
        for case, axes in named(only)
    ]
    return run_rows(jobs, partial(one, data=data, settings=settings), lines)


def one(*, case: str, axes: int, seed: int, data: Path, settings: GraphSettings = DEFAULT) -> Row:
    """Return how well the messages of one training agree, and how long it took."""
    observations = observations_of(snapshots_of(case, axes, seed, TRAINING, data=data))
    unseen = snapshots_of(case, axes, seed, UNSEEN, data=data)
    problem = problem_of(case)
    surrogate, took = timed(
        lambda: train_graph(problem, observations, seed=seed, settings=settings)
    )
    return {**took, **judged(problem, means_of(surrogate), unseen), **about(surrogate)}
