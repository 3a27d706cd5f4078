"""The genetic search on one, two and four Dask workers: how much faster, and the same front.

Rates are taken in pairs, one worker and two in turn, each with the same seconds; what else the
machine was doing is measured beside them, as the ratio of two plain processes to one.
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
    """A front, the evaluations it took and the wall seconds, start of the workers excluded."""

    front: Front
    evaluations: int
    seconds: float


def measure(*, draws: int, seconds: float, evaluations: int, seed: int, result: Path) -> None:
    """Write paired rates of one and two workers, and whether fronts are equal for 1, 2 and 4."""
    pairs = [pair(draw, seconds) for draw in range(seed, seed + draws)]
    same = [compare(draw, evaluations) for draw in range(seed, seed + draws)]
    write_result(
        result,
        {
            "machine": describe(),
            "seconds": seconds,
            "evaluations": evaluations,
            "pairs": pairs,
            "ratio": median(row["ratio"] for row in pairs),
            "processes": median(row["processes"] for row in pairs),
            "fronts": same,
        },
    )


def pair(draw: int, seconds: float) -> dict[str, Any]:
    """Return evaluations a second with one worker and with two; even draws begin with one."""
    settings = replace(HARD, budget=f"{seconds:g} s")
    order = (1, 2) if draw % 2 == 0 else (2, 1)
    before = processes_ratio(CALIBRATION_S)
    rates = {}
    for workers in order:
        found = search(draw, settings, workers)
        rates[workers] = found.evaluations / found.seconds
    row = {
        "draw": draw,
        "one": rates[1],
        "two": rates[2],
        "ratio": rates[2] / rates[1],
        "processes": median((before, processes_ratio(CALIBRATION_S))),
    }
    print(row, flush=True)
    return row


def compare(draw: int, evaluations: int) -> dict[str, Any]:
    """Return whether the fronts of one, two and four workers are equal to the last bit."""
    settings = replace(HARD, budget=evaluations)
    found = {workers: search(draw, settings, workers) for workers in WORKERS}
    row = {
        "draw": draw,
        "same": all(one.front == found[1].front for one in found.values()),
        "evaluations": found[1].evaluations,
        "candidates": len(found[1].front.candidates),
        "seconds": {str(workers): one.seconds for workers, one in found.items()},
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
    return Outcome(front, rows[-1].evaluations, seconds)


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
