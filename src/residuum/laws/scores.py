"""How well a fitted law does on the data it was fitted to, and on data it has not seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from residuum.data.observations import Experiment, Observations
from residuum.laws.kernels import roll_out
from residuum.laws.refit import EXACT, Refit, fit_system
from residuum.laws.starts import starting_trajectories
from residuum.laws.system import FitData, build_system, fit_data
from residuum.problem.problem import Problem


def measured_spread(observations: Observations, components: Sequence[str]) -> np.ndarray:
    """Return the standard deviation of every measured component over all data, `[n]`; else NaN."""
    columns = [
        np.concatenate([e.states[c] for e in observations.experiments])
        if c in observations.states
        else np.array([np.nan])
        for c in components
    ]
    with np.errstate(all="ignore"):
        return np.array([np.nanstd(c) if np.isfinite(c).any() else np.nan for c in columns])


def normalised_error(
    path: np.ndarray, experiments: Sequence[Experiment], names: Sequence[str], spread: np.ndarray
) -> float:
    """Return the rms of (path - measured)/spread; inf off a finite path, NaN without data."""
    missing = [np.full(len(e.t), np.nan) for e in experiments]
    measured = np.concatenate(
        [
            np.stack([e.states.get(n, blank) for n in names], axis=1)
            for e, blank in zip(experiments, missing, strict=True)
        ]
    )
    present = np.isfinite(measured) & np.isfinite(spread)
    if not present.any():
        return math.nan
    if not np.isfinite(path[present]).all():
        return math.inf
    error = ((path - measured) / spread)[present]
    return float(np.sqrt(np.mean(error**2)))


def held_out_error(problem: Problem, observations: Observations, fit: Refit) -> float:
    """Return the normalised error of a law, fitted to the training data, on the held-out data.

    A held-out block of time is forecast from the fitted initial state. For a held-out experiment
    only its initial state is estimated. NaN when nothing is held out, inf when a forecast
    does not exist.
    """
    spread = measured_spread(observations, problem.components)
    errors, sizes = [], []
    for experiment in observations.experiments:
        if not experiment.held_out.any():
            continue
        path = held_out_path(problem, observations, fit, experiment)
        part = experiment.held_out_part()
        rows = path[experiment.held_out]
        error = normalised_error(rows, [part], problem.components, spread)
        if not math.isnan(error):
            errors.append(error**2 * len(part))
            sizes.append(len(part))
    return math.sqrt(sum(errors) / sum(sizes)) if sizes else math.nan


def held_out_path(
    problem: Problem, observations: Observations, fit: Refit, experiment: Experiment
) -> np.ndarray:
    """Return the law's components at all times of an experiment, `[n, components]`."""
    data = one_experiment(problem, observations, experiment)
    logarithmic = frozenset(np.array(problem.components)[data.logarithmic].tolist())
    system = build_system(problem, fit.hidden, parameters=fit.values, logarithmic=logarithmic)
    names = [e.name for e in observations.training]
    if experiment.name not in names:
        held = dict(zip(system.unknowns, system.start.tolist(), strict=True))
        return fit_system(system, data, fit.hidden, precision=EXACT, held=held).path
    lengths = [len(e) for e in observations.training]
    first = sum(lengths[: names.index(experiment.name)])
    nodes = data.nodes.copy()
    nodes[0] = fit.nodes[first]
    steps = _dense_steps(data, fit, first, lengths[names.index(experiment.name)])
    roll_out(system.program, system.logarithmic, data.arrays(steps), system.start, nodes)
    with np.errstate(over="ignore"):
        return np.where(data.logarithmic, np.exp(nodes), nodes)


def one_experiment(problem: Problem, observations: Observations, experiment: Experiment) -> FitData:
    """Return the arrays of one whole experiment, started on its smoothed measurements."""
    starts = starting_trajectories(problem, observations, {})
    chosen: Mapping = {experiment.name: starts[experiment.name]}
    return fit_data(problem, [experiment], chosen, observations.noise)


def _dense_steps(data: FitData, fit: Refit, first: int, count: int) -> np.ndarray:
    """Return steps for unseen segments: twice the densest that the training part needed."""
    gaps = np.diff(data.t, append=data.t[-1] + 1.0)
    used = fit.steps[first : first + count - 1] / gaps[: count - 1]
    density = 2.0 * float(used.max()) if len(used) else 1.0
    return np.maximum(1, np.ceil(gaps * density)).astype(np.int64)
