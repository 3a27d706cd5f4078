"""Our graph surrogate beside the graph network of torch_geometric with Adam: seconds to equal R2.

Both have the same 1,000 snapshots, one core and one process, in turn. They are told different
things, which is the point: ours is given the equations of motion up to the pair force, the peer
none. Ours are whole trainings, by the default and by settings that are quicker; the peer's cycle of
learning rates is run over all of its seconds and over a quarter of them, and whichever gets there
first counts. Its clock stands still while it is looked at, and it is there when it first touches a
robust R2, which only the truth can tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.machine import describe
from benchmarks.particles.agreement import acceleration_errors, agreement, largest
from benchmarks.particles.cases import (
    DATA,
    TRAINING,
    UNSEEN,
    named,
    observations_of,
    problem_of,
    snapshots_of,
)
from benchmarks.particles.network import judged, means_of, true_messages
from benchmarks.particles.rows import Row, timed
from benchmarks.particles.simulations import Snapshots
from benchmarks.particles.surrogate import DEFAULT, train_graph
from benchmarks.records import write_result

if TYPE_CHECKING:
    from benchmarks.particles.peer_network import Look, Variant

CASES = ("spring-2", "r2-2")
CYCLES = (0.25, 1.0)  # of the peer's seconds
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
WIDTH = 100
OURS = {
    "third law told, 2 rounds": replace(DEFAULT, messages=("mutual",), ensemble=2, rounds=2),
    "default": DEFAULT,
}
Curve = Sequence[Sequence[float]]  # seconds, robust R2, full R2, rms of accelerations


def variants(axes: int) -> dict[str, Variant]:
    """Return the two peers: many messages kept small, and as few as there are axes."""
    from benchmarks.particles.peer_network import PENALTY, Variant

    return {"L1": Variant(WIDTH, PENALTY), "bottleneck": Variant(axes, 0.0)}


def measure(
    *,
    draws: int,
    seconds: float,
    seed: int,
    result: Path,
    only: Sequence[str] = CASES,
    data: Path = DATA,
) -> None:
    """Train both on each case and draw; write their curves and the seconds to equal R2."""
    if find_spec("torch_geometric") is None:
        raise SystemExit("the peer is missing: pip install -r benchmarks/requirements.txt")
    rows = []
    for draw in range(seed, seed + draws):
        for case, axes in named(only):
            rows.append(one(case, axes, draw, seconds, data))
            write_result(result, {"machine": describe(), "seconds": seconds, "rows": rows})


def one(case: str, axes: int, draw: int, seconds: float, data: Path) -> Row:
    """Return one draw of one case: trainings of ours and of the peer in turn."""
    training = snapshots_of(case, axes, draw, TRAINING, data=data)
    unseen = snapshots_of(case, axes, draw, UNSEEN, data=data)
    peers = [(name, share * seconds) for name in variants(axes) for share in CYCLES]
    ours, runs = [], {name: [] for name in variants(axes)}
    for (name, cycle), settings in zip(peers, (*OURS, *OURS), strict=True):
        ours.append({"settings": settings, **train_ours(case, training, unseen, draw, settings)})
        print(case, axes, draw, ours[-1], flush=True)
        curve = curve_peer(variants(axes)[name], training, unseen, draw, cycle)
        runs[name].append({"cycle": cycle, "curve": curve})
        print(case, axes, draw, name, cycle, curve[-1], flush=True)
    compared = {name: {"runs": rows, **compare(ours, rows, seconds)} for name, rows in runs.items()}
    told = {"case": case, "axes": axes, "draw": draw, "seconds": seconds}
    return {**told, "residuum": ours, "peers": compared}


def train_ours(
    case: str, training: Snapshots, unseen: Snapshots, seed: int, settings: str
) -> dict[str, Any]:
    """Return the wall seconds of a whole training and how well its messages agree."""
    problem, observations = problem_of(case), observations_of(training)
    surrogate, took = timed(
        lambda: train_graph(problem, observations, seed=seed, settings=OURS[settings])
    )
    return {**took, **judged(problem, means_of(surrogate), unseen)}


def curve_peer(
    variant: Variant, training: Snapshots, unseen: Snapshots, seed: int, seconds: float
) -> Curve:
    """Return the peer's seconds, robust and full R2, and rms error of accelerations."""
    from benchmarks.particles.peer_network import Trainer

    return Trainer(variant, training, unseen, seed).run(seconds, look_of(unseen))


def look_of(unseen: Snapshots) -> Look:
    """Return how messages are judged: by as many of their components as there are axes."""
    forces = true_messages(unseen)

    def look(messages: np.ndarray, accelerations: np.ndarray) -> list[float]:
        errors = acceleration_errors(accelerations, unseen.accelerations)
        return [*agreement(largest(messages, forces.shape[1]), forces), errors["rms"]]

    return look


def compare(
    ours: Sequence[Mapping[str, Any]], runs: Sequence[Mapping[str, Any]], limit: float
) -> dict[str, Any]:
    """Return the seconds the peer needs to our default's robust R2, and both to some levels.

    Where it does not get there `ratio` is the time it was given over ours and `reached` False.
    """
    default = [row for row in ours if row["settings"] == "default"]
    level, mine = (median(row[name] for row in default) for name in ("robust", "seconds"))
    curves = [run["curve"] for run in runs]
    theirs = first(curves, level)
    return {
        "level": level,
        "seconds": mine,
        "peer_best": max(point[1] for curve in curves for point in curve),
        "peer_end": curves[-1][-1][1],
        "peer_rms": curves[-1][-1][3],
        "peer_seconds": theirs,
        "reached": theirs is not None,
        "ratio": (limit if theirs is None else theirs) / mine,
        "levels": [_level(at, ours, curves) for at in LEVELS],
    }


def _level(
    at: float, ours: Sequence[Mapping[str, Any]], curves: Sequence[Curve]
) -> dict[str, float | None]:
    """Return the fewest seconds of both to a level of the robust R2."""
    mine = first([[(row["seconds"], row["robust"]) for row in ours]], at)
    return {"level": at, "residuum": mine, "peer_s": first(curves, at)}


def first(curves: Sequence[Curve], level: float) -> float | None:
    """Return the fewest seconds at which any curve is at or above a level; None if none is."""
    times = [point[0] for curve in curves for point in curve if point[1] >= level]
    return min(times) if times else None
