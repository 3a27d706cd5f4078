"""The genetic search on one, two and four Dask workers: how much faster, and the same front.

All do the same evaluations, so the same work; one worker is this process, without Dask. What else
the machine was doing is measured beside them, as the ratio of two plain processes to one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.machine import describe
from benchmarks.records import write_result
from residuum.distillers.distiller import distill
from residuum.distillers.front import Front
from residuum.distillers.journal import Progress
from residuum.distillers.settings import GeneticSettings
from residuum.hidden.samples import HiddenSamples
from residuum.parallel import open_map
from residuum.seeds import generator

ROWS, NOISE = 400, 0.01
WORKERS = (1, 2, 4)
# Long enough that no machine reaches the noise before the time is over.
HARD = GeneticSettings(islands=4)
CALIBRATION_S = 2.0


@dataclass(frozen=True)
class Outcome:
    """A front, its evaluations, and the wall seconds of the search and of everything.

    The start of the workers is not counted.
    """

    front: Front
    evaluations: int
    searching: float
    seconds: float


def measure(*, draws: int, evaluations: int, seed: int, result: Path) -> None:
    """Write seconds of the same search on one, two and four workers, and whether fronts are equal.

    Rates are evaluations a second of the search itself; `whole` counts what comes before and after
    it too: the formulas to start from, which are made in one process, and their refinement.
    """
    rows = [compare(draw, evaluations) for draw in range(seed, seed + draws)]
    write_result(
        result,
        {
            "machine": describe(),
            "evaluations": evaluations,
            "rows": rows,
            **{k: median(row[k] for row in rows) for k in ("ratio", "whole", "processes")},
        },
    )


def compare(draw: int, evaluations: int) -> dict[str, Any]:
    """Return how much faster two workers are than one, and whether all fronts are the same.

    Even draws begin with one worker, odd ones with two.
    """
    settings = replace(HARD, budget=evaluations)
    order = WORKERS if draw % 2 == 0 else (2, 1, 4)
    before = processes_ratio(CALIBRATION_S)
    found = {workers: search(draw, settings, workers) for workers in order}
    one, two = found[1], found[2]
    row = {
        "draw": draw,
        "one": one.evaluations / one.searching,
        "two": two.evaluations / two.searching,
        "ratio": one.searching / two.searching,
        "whole": one.seconds / two.seconds,
        "processes": median((before, processes_ratio(CALIBRATION_S))),
        "same": all(outcome.front == one.front for outcome in found.values()),
        "candidates": len(one.front.candidates),
    }
    print(row, flush=True)
    return row


def search(draw: int, settings: GeneticSettings, workers: int) -> Outcome:
    """Return what the genetic distiller finds on one draw."""
    rows: list[Progress] = []
    with open_map(workers) as mapped:
        # compiled code is loaded before the clock runs, in every worker
        distill(samples_of(draw), replace(settings, budget=2_000), seed=draw, map=mapped)
        began = time.perf_counter()
        front = distill(samples_of(draw), settings, seed=draw, map=mapped, progress=rows.append)
        seconds = time.perf_counter() - began
    return Outcome(front, rows[-1].evaluations, rows[-1].seconds, seconds)


def samples_of(draw: int) -> HiddenSamples:
    """Return noisy samples of a formula that takes more than a minute to find."""
    rng = generator(draw, "benchmarks", "islands")
    X = rng.uniform(0.5, 3.0, (ROWS, 3))
    x, y, z = X.T
    clean = 1.7 * x * np.exp(-0.6 * y) / (1 + 0.4 * x * z) + 0.3 * np.sin(2.1 * z * y + 0.4)
    noise = NOISE * clean.std()
    return HiddenSamples(
        term="f",
        arguments=("x", "y", "z"),
        X=X,
        values=clean + noise * rng.normal(size=ROWS),
        covariance=noise**2 * np.eye(ROWS),
        t=np.arange(ROWS, dtype=float),
        experiment=np.zeros(ROWS, dtype=np.int64),
        alive=(True, True, True),
    )


def processes_ratio(seconds: float) -> float:
    """Return how much more two plain processes count than one: 2 on two idle cores."""
    with get_context("spawn").Pool(2) as pool:
        pool.map(count, [0.1, 0.1], chunksize=1)
        one = pool.apply(count, (seconds,))
        two: Sequence[int] = pool.map(count, [seconds, seconds], chunksize=1)
    return sum(two) / one


def count(seconds: float) -> int:
    """Return how often a short loop was done in so many seconds."""
    until, done = time.perf_counter() + seconds, 0
    while time.perf_counter() < until:
        sum(range(1000))
        done += 1
    return done
