"""Runs of bodies as one would film them, and runs of the same few bodies over and over.

Starts, masses and charges are drawn as in `simulations`. `filmed` gives positions at equal times
with noise on them and nothing else. In `same_bodies` every run is of some of a few bodies that keep
their mass and charge, with exact accelerations at times drawn uniformly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.particles.simulations import CASES, Case, accelerations
from residuum.data.labels import body_names
from residuum.data.observations import Experiment, Observations

RTOL, ATOL = 1e-9, 1e-11
BODIES = 4  # of a run


@dataclass(frozen=True, slots=True)
class Plan:
    """How many runs there are, how many frames each has, and how long it lasts."""

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


def runs(name: str, plan: Plan, *, axes: int, rng: np.random.Generator) -> Runs:
    """Return runs of the case `name`, without noise."""
    t = np.linspace(0.0, plan.duration, plan.frames)
    start = rng.standard_normal((plan.runs, 2, BODIES, axes))
    m = np.exp(rng.standard_normal((plan.runs, BODIES)))
    q = rng.choice([-1.0, 1.0], (plan.runs, BODIES))
    rows = zip(start, m, q, strict=True)
    return Runs(t, np.stack([_path(CASES[name], t, *row)[:, 0] for row in rows]), m, q)


def _path(case: Case, t: np.ndarray, start: np.ndarray, m: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return positions and velocities `[F, 2, n, d]` of one run that starts at time zero."""

    def slope(_: float, y: np.ndarray) -> np.ndarray:
        x, v = y.reshape(start.shape)
        return np.stack([v, accelerations(case, x, v, m, q)]).ravel()

    path = solve_ivp(slope, (0.0, t[-1]), start.ravel(), "DOP853", t, rtol=RTOL, atol=ATOL)
    return np.asarray(path.y.T.reshape(len(t), *start.shape))


def filmed(found: Runs, noise: float, rng: np.random.Generator) -> Observations:
    """Return the runs as experiments, with Gaussian noise of a share of the positions' spread."""
    sd = noise * found.positions.std()
    seen = found.positions + sd * rng.standard_normal(found.positions.shape)
    return Observations.of(_film(found, seen, k) for k in range(len(seen)))


def _film(found: Runs, seen: np.ndarray, k: int) -> Experiment:
    scalars: Mapping[str, np.ndarray] = {"mass": found.masses[k], "charge": found.charges[k]}
    bodies = body_names(seen.shape[2])
    return Experiment(
        f"run_{k:02d}", found.t, {"position": seen[k]}, bodies=bodies, scalars=scalars
    )


def same_bodies(
    name: str, plan: Plan, *, axes: int, bodies: int, rng: np.random.Generator
) -> tuple[Observations, dict[str, float]]:
    """Return runs of some of a few bodies, all masses but the first one not told; and all masses.

    Raises ValueError where there are fewer bodies than a run has.
    """
    names = body_names(bodies)
    m, q = np.exp(rng.standard_normal(bodies)), rng.choice([-1.0, 1.0], bodies)
    experiments = []
    for k in range(plan.runs):
        who = np.sort(rng.choice(bodies, BODIES, replace=False))
        start = rng.standard_normal((2, BODIES, axes))
        t = np.sort(rng.uniform(0.0, plan.duration, plan.frames))
        x, v = np.moveaxis(_path(CASES[name], t, start, m[who], q[who]), 1, 0)
        a = accelerations(CASES[name], x, v, m[who], q[who])
        states = {"position": x, "position_t": v, "position_tt": a}
        scalars = {"mass": np.where(who == 0, m[who], np.nan), "charge": q[who]}
        own = tuple(names[w] for w in who)
        experiments.append(Experiment(f"run_{k:03d}", t, states, bodies=own, scalars=scalars))
    return Observations.of(experiments), dict(zip(names, m.tolist(), strict=True))
