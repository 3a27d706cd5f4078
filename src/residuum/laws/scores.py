"""How well a fitted law does on the data it was fitted to, and on data it has not seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from residuum.data.observations import Experiment, Observations
from residuum.laws.kernels import roll_out_unseen
from residuum.laws.refit import EXACT, Refit, fit_system
from residuum.laws.system import FitData, build_system
from residuum.problem.problem import Problem

# Error of a forecast's integration, a segment, in shares of a component's size.
FORECAST_ERROR = 1e-8


def measured_spread(observations: Observations, components: Sequence[str]) -> np.ndarray:
    """Return the standard deviation of every measured component over all data, `[n]`; else NaN."""
    spread = np.full(len(components), np.nan)
    for place, name in enumerate(components):
        if name in observations.states:
            values = np.concatenate([e.states[name] for e in observations.experiments])
            spread[place] = np.std(values[np.isfinite(values)])
    return spread


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


def held_out_error(
    problem: Problem, observations: Observations, full: FitData, training: FitData, fit: Refit
) -> float:
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
        path = held_out_path(problem, full.experiment(experiment.name), training, fit)
        part = experiment.held_out_part()
        rows = path[experiment.held_out]
        error = normalised_error(rows, [part], problem.components, spread)
        if not math.isnan(error):
            errors.append(error**2 * len(part))
            sizes.append(len(part))
    return math.sqrt(sum(errors) / sum(sizes)) if sizes else math.nan


def held_out_path(problem: Problem, data: FitData, training: FitData, fit: Refit) -> np.ndarray:
    """Return a law's components at all times of one experiment, `[n, components]`.

    `data` holds the whole experiment, `fit` was made on `training`.
    """
    logarithmic = frozenset(np.array(problem.components)[data.logarithmic].tolist())
    system = build_system(problem, fit.hidden, parameters=fit.values, logarithmic=logarithmic)
    (name,) = data.names
    if name not in training.names:
        held = dict(zip(system.unknowns, system.start.tolist(), strict=True))
        return fit_system(system, data, fit.hidden, precision=EXACT, held=held).path
    data, nodes = data.whole(), data.nodes.copy()
    nodes[0] = fit.nodes[training.bounds[training.names.index(name)]]
    steps = np.ones(len(data.t), dtype=np.int64)
    roll_out_unseen(
        system.program,
        system.logarithmic,
        data.arrays(steps),
        system.start,
        nodes,
        FORECAST_ERROR * data.spread,
        EXACT.most_steps,
    )
    with np.errstate(over="ignore"):
        return np.where(data.logarithmic, np.exp(nodes), nodes)
