"""Laws that meet the data through their dynamics: trajectories, forecasts, stability."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from residuum.data.observations import Experiment, Observations
from residuum.hidden.samples import Trajectory
from residuum.laws.forecast import agreement, completed, roll_out, roll_out_torch, valid_time
from residuum.laws.intervals import profile_interval
from residuum.laws.law import Interval
from residuum.laws.refit import EXACT, Precision, Refit, refit, refit_many
from residuum.laws.scores import (
    held_out_error,
    held_out_path,
    measured_spread,
    normalised_error,
)
from residuum.laws.starts import starting_trajectories
from residuum.laws.system import FitData, build_system, fit_data
from residuum.laws.trial import Prediction
from residuum.laws.verdict import HORIZON, stable
from residuum.problem.problem import Problem

CURVE_POINTS = 400
FOLLOWS = 1.1  # ratio of noise levels up to which whole runs are followed as well as windows


@dataclass(frozen=True, slots=True, eq=False)
class Dynamics:
    """The problem and the data, whole and without what is held out.

    Where data are followed over windows, `runs` are both with every experiment from end to end.
    """

    problem: Problem
    observations: Observations
    training: FitData
    full: FitData
    exact: Precision = EXACT
    runs: tuple[FitData, FitData] | None = None

    @classmethod
    def of(
        cls,
        problem: Problem,
        observations: Observations,
        trajectories: Mapping[str, Trajectory],
    ) -> Dynamics:
        """Return the trial of a problem; nodes start on the surrogate's trajectories."""
        starts = starting_trajectories(problem, observations, trajectories)
        training, full = (
            fit_data(problem, experiments, starts, observations.noise)
            for experiments in (observations.training, observations.experiments)
        )
        return cls(problem, observations, training, full)

    @property
    def refit_many(self) -> Callable[..., list[Refit]]:
        """Refits through the dynamics."""
        return refit_many

    def followed(self, fit: Refit) -> Dynamics:
        """Return the same over whole runs, if a law that was fitted to windows follows those too.

        Every window spends a start, so whole runs tell more wherever nothing makes errors grow.
        """
        if self.runs is None:
            return self
        training, full = self.runs
        again = refit(self.problem, full, fit.hidden, fit.values, precision=self.exact)
        if not again.ok or np.any(_noise(again, full) > FOLLOWS * _noise(fit, self.full)):
            return self
        return replace(self, training=training, full=full, runs=None)

    @property
    def held_out(self) -> bool:
        """Whether anything is held out."""
        return any(e.held_out.any() for e in self.observations.experiments)

    @property
    def _spread(self) -> np.ndarray:
        return measured_spread(self.observations, self.problem.components)

    def fit_error(self, fit: Refit) -> float:
        """Return the rms of (trajectory - measured)/spread."""
        experiments, names = self.observations.experiments, self.problem.components
        return normalised_error(fit.path, experiments, names, self._spread)

    def holdout_error(self, fit: Refit) -> float:
        """Return the same of a forecast of the held-out data."""
        return held_out_error(self.problem, self.observations, self.full, self.training, fit)

    def valid_time(self, trained: Refit | None) -> float | None:
        """Return the shortest time for which a held-out forecast stays valid, None if all do."""
        names, times = self.problem.components, []
        for e in self.observations.experiments:
            if trained is None or not e.held_out.any():
                continue
            path = self._held_out_path(e, trained)[e.held_out]
            part = e.held_out_part()
            blank = np.full(len(part), np.nan)
            measured = np.stack([part.states.get(n, blank) for n in names], axis=1)
            times.append(valid_time(part.t, path, measured, self._spread))
        return min((t for t in times if t is not None), default=None)

    def intervals(self, fit: Refit, confidence: float) -> dict[str, Interval]:
        """Return the profile-likelihood interval of every unknown."""
        data = self.full
        logarithmic = frozenset(np.array(self.problem.components)[data.logarithmic].tolist())
        system = build_system(
            self.problem, fit.hidden, parameters=fit.values, logarithmic=logarithmic
        )
        return {
            name: profile_interval(system, data, fit, name, confidence=confidence)
            for name in system.unknowns
        }

    def predict(self, fit: Refit, trained: Refit | None) -> Prediction:
        """Return the law's curves by experiment, how far two integrators differ, its stability.

        A `fit` curve is the law over the samples it may see, a `forecast` curve the same law,
        fitted without the held-out samples, over those.
        """
        problem = self.problem
        sides = completed(problem, fit.hidden, {p: fit.values[p] for p in problem.estimated})
        curves: dict[str, Any] = {}
        worst, is_stable = 0.0, True
        for k, experiment in enumerate(self.observations.experiments):
            first, stop = self.full.bounds[k], self.full.bounds[k + 1]
            t = _dense(experiment.t)
            path = roll_out(problem, sides, experiment, fit.path[first], t)
            if k == 0 and np.isfinite(path).all():
                # Over the first window, where there are some: beyond, any two would differ.
                near = t[t <= self.full.t[self.full.starts[1] - 1]]
                other = roll_out_torch(problem, sides, experiment, fit.path[first], near)
                worst = agreement(path[: len(near)], other)
            seen = experiment.t[~experiment.held_out]
            curves[experiment.name] = self._forecast_curve(trained, experiment)
            if len(seen):
                curves[experiment.name]["fit"] = _curve(problem, t[t <= seen[-1]], path)
            span = np.linspace(t[0], t[0] + HORIZON * (t[-1] - t[0]), CURVE_POINTS)
            far = path
            if not problem.inputs:
                far = roll_out(problem, sides, experiment, fit.path[first], span)
            is_stable = is_stable and stable(far, fit.path[first:stop])
        return Prediction(curves, worst, is_stable)

    def _held_out_path(self, experiment: Experiment, trained: Refit) -> np.ndarray:
        data = self.full.experiment(experiment.name)
        return held_out_path(self.problem, data, self.training, trained)

    def _forecast_curve(self, trained: Refit | None, experiment: Experiment) -> dict[str, Any]:
        """Return `{"forecast": curve}` of the held-out samples, empty when there is none.

        A forecast in time starts on the last fitted sample; a held-out experiment is shown at its
        sample times.
        """
        problem = self.problem
        if trained is None or not experiment.held_out.any():
            return {}
        names = self.training.names
        if experiment.name not in names:
            path = self._held_out_path(experiment, trained)
            return {"forecast": _curve(problem, experiment.t, path)}
        last = self.training.bounds[names.index(experiment.name) + 1] - 1
        t = _dense(experiment.t[experiment.t >= self.training.t[last]])
        values = {p: trained.values[p] for p in problem.estimated}
        sides = completed(problem, trained.hidden, values)
        path = roll_out(problem, sides, experiment, trained.path[last], t)
        return {"forecast": _curve(problem, t, path)}


def _noise(fit: Refit, data: FitData) -> np.ndarray:
    """Return the noise levels of a fit, with what its unknowns and starts take up given back."""
    spent = min(len(fit.theta) + data.initial_values, data.count - 1)
    return fit.noise * np.sqrt(data.count / (data.count - spent))


def _dense(t: np.ndarray) -> np.ndarray:
    return np.unique(np.concatenate([np.linspace(t[0], t[-1], CURVE_POINTS), t]))


def _curve(problem: Problem, t: np.ndarray, path: np.ndarray) -> dict[str, Any]:
    path = path[: len(t)]
    finite = np.isfinite(path).all(axis=1)
    return {
        "t": t[finite].tolist(),
        "components": {c: path[finite, i].tolist() for i, c in enumerate(problem.components)},
    }
