r"""How well do the messages of the graph surrogate agree with the true pair forces?

The score is

.. math:: R^2 = 1 - \sum |m - f|^2 / \sum |f - \bar f|^2

over all components of all ordered pairs of held-out snapshots, without any linear map between
message and force. `robust` leaves out the pairs whose *true* force is further than ten median
absolute deviations above the median of the forces that are not zero; what the surrogate answers
has no say in it. `all` leaves out none.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmarks.particles.simulations import CASES, Snapshots, snapshots
from residuum.data.observations import Experiment, Observations
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_problem import BodyProblem
from residuum.seeds import generator
from residuum.surrogates.graph_fit import GraphFit, train_graph
from residuum.surrogates.graph_frames import frames_of
from residuum.surrogates.settings import GraphSettings

TRAINING, HELD_OUT = 1000, 1000
DEVIATIONS = 10.0
ARGUMENTS = "position_j - position_i, mass_i, mass_j, charge_i, charge_j"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Both scores, and the share of the pairs that the robust one leaves out."""

    robust: float
    everything: float
    left_out: float


def problem_of(name: str) -> BodyProblem:
    """Return what is known of a case: masses divide an unknown force, and a drag where there is."""
    drag = " + drag(position_t_i)" if CASES[name].drag else ""
    return read_body_problem(
        {"position_tt": f"(sum(force({ARGUMENTS})){drag}) / mass_i"},
        states=("position", "position_t", "position_tt"),
        scalars=("mass", "charge"),
    )


def experiments_of(found: Snapshots) -> list[Experiment]:
    """Return each snapshot as an experiment of its own, since its bodies are others'."""
    names = tuple(f"body{k}" for k in range(found.positions.shape[1]))
    return [
        Experiment(
            f"snapshot{k}",
            np.zeros(1),
            {"position": x[None], "position_t": v[None], "position_tt": a[None]},
            bodies=names,
            scalars={"mass": m, "charge": q},
        )
        for k, (x, v, m, q, a) in enumerate(
            zip(
                found.positions,
                found.velocities,
                found.masses,
                found.charges,
                found.accelerations,
                strict=True,
            )
        )
    ]


def agreement(messages: np.ndarray, forces: np.ndarray) -> Agreement:
    """Return the scores of messages `[N, d]` against true forces `[N, d]`."""
    size = np.linalg.norm(forces, axis=1)
    median = np.median(size[size > 0])
    spread = np.median(np.abs(size[size > 0] - median))
    near = size <= median + DEVIATIONS * spread
    robust = _explained(messages[near], forces[near])
    return Agreement(robust, _explained(messages, forces), 1.0 - float(near.mean()))


def _explained(messages: np.ndarray, forces: np.ndarray) -> float:
    rest = np.square(messages - forces).sum()
    return float(1.0 - rest / np.square(forces - forces.mean(axis=0)).sum())


def held_out_agreement(fit: GraphFit, problem: BodyProblem, found: Snapshots) -> Agreement:
    """Return the scores of a fit on snapshots that it has not seen."""
    frames = frames_of(problem, experiments_of(found))
    bodies = found.positions.shape[1]
    frame = frames.frame[frames.receiver].numpy()
    i, j = frames.receiver.numpy() % bodies, frames.sender.numpy() % bodies
    return agreement(fit.pair_values(frames, "force@0"), found.forces[frame, i, j])


def one_case(name: str, axes: int, seed: int) -> dict[str, Any]:
    """Return the figures of one case: scores, seconds of training on one core, what was found."""
    rng = generator(seed, "particles", name, axes)
    found = snapshots(name, axes=axes, count=TRAINING + HELD_OUT, rng=rng)
    problem, held_out = problem_of(name), found.take(slice(TRAINING, None))
    observations = Observations.of(experiments_of(found.take(slice(TRAINING))))
    start = time.perf_counter()
    fit = train_graph(problem, observations, GraphSettings(), seed=seed, device=torch.device("cpu"))
    seconds = time.perf_counter() - start
    scores = held_out_agreement(fit, problem, held_out)
    return {
        "case": name,
        "axes": axes,
        "seed": seed,
        "seconds": seconds,
        "robust": scores.robust,
        "all": scores.everything,
        "left_out": scores.left_out,
        "forms": dict(fit.kinds),
        "alive": {term: list(flags) for term, flags in fit.alive.items()},
        "comparisons": [dict(row) for row in fit.comparisons],
    }
