"""The twelve cases as residuum meets them: snapshots kept on disk, a half-known problem, its truth.

The equations of motion are given up to the pair force (and, in `damped`, the drag): which body
divides by its mass, and that forces of pairs are summed. The force may depend on the distance, both
masses and both charges.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from benchmarks.particles import simulations
from benchmarks.particles.simulations import CASES, SOFTENING, Snapshots, snapshots
from residuum.data.labels import body_names
from residuum.data.observations import Experiment, Observations
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_problem import BodyProblem
from residuum.seeds import generator

DATA = Path("benchmarks/results/particles/data")
TRAINING, UNSEEN = "training", "unseen"
COUNTS = {TRAINING: 1000, UNSEEN: 500}
AXES = (2, 3)
SCALARS = ("mass", "charge")
FORCE = "force(position_j - position_i, mass_i, mass_j, charge_i, charge_j)"
RIGHT_SIDE = f"sum({FORCE})/mass_i"
RIGHT_SIDE_DAMPED = f"(sum({FORCE}) + drag(position_t_i))/mass_i"
# Magnitude of the pair force in the distance R, which the simulations soften.
FORCES = {
    "spring": "2*(R - 1)",
    "damped": "2*(R - 1)",
    "discontinuous": "(R - 1)*(1 + sign(R - 2))",
    "r1": "mass_i*mass_j/R",
    "r2": "mass_i*mass_j/R**2",
    "charge": "-charge_i*charge_j/R**2",
}
DRAG = "-speed"


def named(only: Sequence[str] = ()) -> list[tuple[str, int]]:
    """Return case and axes of names such as `spring-2`; without names, of all twelve."""
    every = {f"{case}-{axes}": (case, axes) for case in CASES for axes in AXES}
    unknown = set(only) - set(every)
    if unknown:
        raise SystemExit(f"no case {', '.join(sorted(unknown))}: expected {', '.join(every)}")
    return [every[name] for name in only or every]


def problem_of(case: str) -> BodyProblem:
    """Return the equations of motion with the pair force unknown, and in `damped` the drag."""
    text = RIGHT_SIDE_DAMPED if CASES[case].drag else RIGHT_SIDE
    return read_body_problem({"position_tt": text}, scalars=SCALARS)


def truth_of(case: str, *, softened: bool = True) -> dict[str, Expression]:
    """Return every hidden term of a case as a formula in lengths and scalars.

    The simulations add 0.01 to every distance; without it the formula is the law meant.
    """
    R = f"(distance + {SOFTENING})" if softened else "distance"
    force = {"force": parse(FORCES[case].replace("R", R))}
    return force | ({"drag": parse(DRAG)} if CASES[case].drag else {})


def snapshots_of(
    case: str, axes: int, seed: int, part: str, *, count: int | None = None, data: Path = DATA
) -> Snapshots:
    """Return the training or unseen snapshots of a case, simulated once and kept in `data`."""
    count = count or COUNTS[part]
    path = data / f"{case}-{axes}-{seed}-{part}-{count}-{_version()}.npz"
    if path.exists():
        with np.load(path) as kept:
            return Snapshots(*(kept[field.name] for field in fields(Snapshots)))
    rng = generator(seed, "particles", case, axes, part)
    found = snapshots(case, axes=axes, count=count, rng=rng)
    _keep(path, found)
    return found


def _version() -> str:
    """Return a digest of the simulations' source, so that an edit simulates again."""
    return hashlib.sha256(Path(simulations.__file__).read_bytes()).hexdigest()[:8]


def _keep(path: Path, found: Snapshots) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **{field.name: getattr(found, field.name) for field in fields(Snapshots)})
    partial.replace(path)


def observations_of(found: Snapshots, title: str = "") -> Observations:
    """Return snapshots as experiments of one frame each: every one has masses of its own."""
    return Observations.of((_experiment(found, k) for k in range(len(found.masses))), title=title)


def _experiment(found: Snapshots, k: int) -> Experiment:
    states = {
        "position": found.positions[k : k + 1],
        "position_t": found.velocities[k : k + 1],
        "position_tt": found.accelerations[k : k + 1],
    }
    scalars = {"mass": found.masses[k], "charge": found.charges[k]}
    bodies = body_names(found.masses.shape[1])
    return Experiment(f"snapshot_{k:04d}", np.zeros(1), states, bodies=bodies, scalars=scalars)
