"""Runs of bodies as one would film them: positions at equal times, noise on them, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.particles.simulations import CASES, Case, accelerations
from residuum.data.labels import body_names
from residuum.data.observations import Experiment, Observations

RTOL, ATOL = 1e-9, 1e-11


@dataclass(frozen=True, slots=True)
class Plan:
    """How many runs are filmed, how many frames each has, and how long it lasts."""

    runs: int
    frames: int
    duration: float


@dataclass(frozen=True, slots=True)
class Runs:
    """`R` runs of `F` frames: `positions[R, F, n, d]` at `t[F]`, masses and charges `[R, n]`."""

    t: np.ndarray
    positions: np.ndarray
    masses: np.ndarray
    charges: np.ndarray


def runs(name: str, plan: Plan, *, axes: int, rng: np.random.Generator, bodies: int = 4) -> Runs:
    """Return runs of the case `name` from starts as in `simulations`, without noise."""
    case, t = CASES[name], np.linspace(0.0, plan.duration, plan.frames)
    start = rng.standard_normal((plan.runs, 2, bodies, axes))
    m = np.exp(rng.standard_normal((plan.runs, bodies)))
    q = rng.choice([-1.0, 1.0], (plan.runs, bodies))
    paths = [_path(case, t, *row) for row in zip(start, m, q, strict=True)]
    return Runs(t, np.stack(paths), m, q)


def _path(
    case: Case, t: np.ndarray, start: np.ndarray, m: np.ndarray, q: np.ndarray
) -> np.ndarray:
    """Return the positions `[F, n, d]` of one run."""

    def slope(_: float, y: np.ndarray) -> np.ndarray:
        x, v = y.reshape(start.shape)
        return np.stack([v, accelerations(case, x, v, m, q)]).ravel()

    path = solve_ivp(slope, (t[0], t[-1]), start.ravel(), "DOP853", t, rtol=RTOL, atol=ATOL)
    return np.asarray(path.y.T.reshape(len(t), *start.shape)[:, 0])


def filmed(found: Runs, noise: float, rng: np.random.Generator) -> Observations:
    """Return the runs as experiments, with Gaussian noise of a share of the positions' spread."""
    sd = noise * found.positions.std()
    seen = found.positions + sd * rng.standard_normal(found.positions.shape)
    return Observations.of(_experiment(found, seen, k) for k in range(len(seen)))


def _experiment(found: Runs, seen: np.ndarray, k: int) -> Experiment:
    scalars: Mapping[str, np.ndarray] = {"mass": found.masses[k], "charge": found.charges[k]}
    bodies = body_names(seen.shape[2])
    return Experiment(
        f"run_{k:02d}", found.t, {"position": seen[k]}, bodies=bodies, scalars=scalars
    )
