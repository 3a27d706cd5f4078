"""Where a refit starts: the surrogate's trajectories, and smoothed data where it saw none."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.interpolate import make_smoothing_spline

from residuum.data.observations import Experiment, Noise, Observations
from residuum.hidden.samples import Trajectory
from residuum.problem.names import derivative
from residuum.problem.problem import Problem

FEWEST_FOR_SPLINE = 5


def starting_trajectories(
    problem: Problem, observations: Observations, learned: Mapping[str, Trajectory]
) -> dict[str, Trajectory]:
    """Return a trajectory for every experiment, held-out samples included.

    Times the surrogate was trained on keep its states; the others get smoothed measurements.
    """
    return {
        e.name: _joined(problem, e, learned.get(e.name), observations.noise)
        for e in observations.experiments
    }


def _joined(
    problem: Problem, experiment: Experiment, learned: Trajectory | None, noise: Noise
) -> Trajectory:
    if learned is not None and np.isin(experiment.t, learned.t).all():
        return learned
    smooth = smoothed(problem, experiment, noise)
    if learned is None:
        return smooth
    new = ~np.isin(smooth.t, learned.t)
    t = np.concatenate([learned.t, smooth.t[new]])
    order = np.argsort(t)
    parts = {
        c: np.concatenate([learned.components[c], smooth.components[c][new]])[order]
        for c in problem.components
    }
    return Trajectory(t[order], parts)


def smoothed(problem: Problem, experiment: Experiment, noise: Noise) -> Trajectory:
    """Return measured states and their derivatives from a smoothing spline (GCV)."""
    components: dict[str, np.ndarray] = {}
    for equation in problem.equations:
        for order in range(equation.order):
            name = derivative(equation.state, order)
            components[name] = _smooth(experiment, equation.state, order, noise)
    return Trajectory(experiment.t, components)


def _smooth(experiment: Experiment, state: str, order: int, noise: Noise) -> np.ndarray:
    values = experiment.states.get(state, np.full(len(experiment.t), np.nan))
    present = np.isfinite(values)
    t, y = experiment.t[present], values[present]
    if len(t) == 0:
        return np.zeros(len(experiment.t))
    positive = noise.kind == "lognormal" and order == 0
    y = np.log(y) if positive else y
    if len(t) >= FEWEST_FOR_SPLINE:
        found = make_smoothing_spline(t, y).derivative(order)(experiment.t)
    else:
        found = np.interp(experiment.t, t, y) if order == 0 else np.zeros(len(experiment.t))
    return np.exp(found) if positive else found
