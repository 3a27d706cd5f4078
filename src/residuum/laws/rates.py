r"""Laws fitted to measured rates, such as accelerations: no trajectory is integrated.

.. math:: \frac{d^k x}{dt^k}\Big|_{measured} = f(x, \theta) + e

at states that are taken as they were measured. A `FitData` holds them as its nodes, the rates as
what was observed, and no experiment: nothing but :math:`\theta` is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from residuum.expressions.expression import Expression
from residuum.expressions.jumps import jump_places, placed
from residuum.laws.body_rollouts import Rollouts
from residuum.laws.intervals import profile_interval
from residuum.laws.kernels import rates
from residuum.laws.law import Interval
from residuum.laws.refit import (
    EXACT,
    SCREEN,
    Precision,
    Refit,
    negative_log_likelihood,
    unknowns_of,
    with_values,
)
from residuum.laws.system import FitData, System, build_system, constant_names
from residuum.laws.trial import Prediction
from residuum.problem.problem import Problem

MOST_TRIALS = 12
MOST_PLACINGS = 3  # of unknowns inside jumps, in turn with the others
Task = tuple[Problem, FitData, Sequence[Mapping[str, Expression]], Mapping[str, float], Precision]


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """Rates that laws are fitted to, whole and without what is held out, and what is held out.

    `rollouts` follows a law from where experiments begin, where that can be done.
    """

    problem: Problem
    training: FitData
    full: FitData
    unseen: FitData
    rollouts: Rollouts | None = None

    @property
    def exact(self) -> Precision:
        """How exactly the shortlist is refitted."""
        return EXACT

    @property
    def refit_many(self) -> Callable[[Task], list[Refit]]:
        """Refits to the rates."""
        return refit_rates_many

    def followed(self, fit: Refit) -> Rates:
        """Return these: rates ask the same of every law."""
        return self

    @property
    def held_out(self) -> bool:
        """Whether anything is held out."""
        return self.unseen.count > 0

    def fit_error(self, fit: Refit) -> float:
        """Return the rms error of the rates over their standard deviation."""
        return self._error(fit.path, self.full)

    def holdout_error(self, fit: Refit) -> float:
        """Return the same of rates that the fit has not seen."""
        system = build_system(self.problem, fit.hidden, parameters=fit.values)
        return self._error(_rates(system, self.unseen, system.start)[0], self.unseen)

    def _error(self, path: np.ndarray, data: FitData) -> float:
        seen = data.weights > 0
        spread = np.std(self.full.observed[self.full.weights > 0])
        error = float(np.sqrt(np.mean((path - data.observed)[seen] ** 2)) / spread)
        return error if math.isfinite(error) else math.inf

    def valid_time(self, trained: Refit | None) -> float | None:
        """Return the shortest time for which a rollout of a held-out experiment stays valid."""
        if self.rollouts is None or trained is None:
            return None
        return self.rollouts.valid_time(trained.hidden, trained.values)

    def intervals(self, fit: Refit, confidence: float) -> dict[str, Interval]:
        """Return the profile-likelihood interval of every unknown."""
        system = build_system(self.problem, fit.hidden, parameters=fit.values)
        return {
            name: profile_interval(
                system, self.full, fit, name, confidence=confidence, by=fit_rates
            )
            for name in system.unknowns
        }

    def predict(self, fit: Refit, trained: Refit | None) -> Prediction:
        """Return the rollouts of a law; nothing is said of its stability."""
        if self.rollouts is None:
            return Prediction({}, 0.0, None)
        return Prediction(self.rollouts.curves(fit.hidden, fit.values), 0.0, None)


def refit_rates_many(task: Task) -> list[Refit]:
    """Refit several combinations of formulas; one picklable argument, for `map` over workers."""
    problem, data, combinations, parameters, precision = task
    found = []
    for hidden in combinations:
        system = build_system(problem, hidden, parameters=parameters)
        found.append(fit_rates(system, data, hidden, precision=precision))
    return found


def fit_rates(
    system: System,
    data: FitData,
    hidden: Mapping[str, Expression],
    *,
    precision: Precision = SCREEN,
    held: Mapping[str, float] | None = None,
    steps: np.ndarray | None = None,
) -> Refit:
    """Fit the unknowns of a system to rates by Levenberg-Marquardt; `steps` is not used.

    A numerical failure is a status, never an exception.
    """
    held = held or {}
    found = _fit(system, data, hidden, precision, held)
    names = [name for name in _jumping(hidden) if name not in held]
    return _with_jumps(system, data, found, names, precision, held) if names else found


def _jumping(hidden: Mapping[str, Expression]) -> list[str]:
    """Return the unknowns that derivatives do not move: constants inside jumps."""
    return [constant_names(t, e)[k] for t, e in hidden.items() for k in jump_places(e)]


def _with_jumps(
    system: System,
    data: FitData,
    found: Refit,
    names: Sequence[str],
    precision: Precision,
    held: Mapping[str, float],
) -> Refit:
    """Return the fit with those unknowns placed, in turn with a fit of the others."""
    places = [system.unknowns.index(name) for name in names]

    def deviance(theta: np.ndarray) -> float:
        path = _rates(system, data, theta)[0]
        return negative_log_likelihood(data, path, precision.floor)[0]

    for _ in range(MOST_PLACINGS):
        theta, least = placed(found.theta, places, deviance)
        if not least < found.deviance:
            break
        at = {**held, **{name: float(theta[k]) for name, k in zip(names, places, strict=True)}}
        moved = _fit(replace(system, start=theta), data, found.hidden, precision, at)
        if not moved.deviance < found.deviance:
            break
        found = moved
    return found


def _fit(
    system: System,
    data: FitData,
    hidden: Mapping[str, Expression],
    precision: Precision,
    held: Mapping[str, float],
) -> Refit:
    theta, low, high = unknowns_of(system, held)
    free = low < high
    found, slopes = _rates(system, data, theta)
    information, damping, status = np.eye(len(theta)), 1e-6, "ok"
    for _ in range(precision.iterations):
        if not _finite(found, data):
            status = "not finite where it was measured"
            break
        levels = negative_log_likelihood(data, found, precision.floor)[1]
        share = data.weights / np.where(levels > 0, levels, 1.0)
        residual, jacobian = (found - data.observed) * share, slopes * share[:, :, None]
        jacobian = np.where(share[:, :, None] > 0, jacobian, 0.0)
        jacobian = jacobian.reshape(share.size, len(theta))
        information = jacobian.T @ jacobian
        gradient = jacobian.T @ np.where(share > 0, residual, 0.0).ravel()
        bounds = (low, high)
        moved = _step(
            system, data, theta, found, bounds, share, information, gradient, free, damping
        )
        if moved is None:
            break
        theta, found, slopes, damping, change = moved
        if change < precision.step:
            break
    return _result(system, data, hidden, theta, found, information, status, precision)


def _rates(system: System, data: FitData, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = np.empty(data.nodes.shape)
    slopes = np.empty((*data.nodes.shape, len(theta)))
    arrays = data.arrays(np.ones(len(data.t), dtype=np.int64))
    rates(system.program, system.logarithmic, arrays, theta, data.nodes, found, slopes)
    return found, slopes


def _finite(found: np.ndarray, data: FitData) -> bool:
    return bool(np.isfinite(found[data.weights > 0]).all())


def _step(
    system: System,
    data: FitData,
    theta: np.ndarray,
    found: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
    share: np.ndarray,
    information: np.ndarray,
    gradient: np.ndarray,
    free: np.ndarray,
    damping: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float] | None:
    """Return theta after a step that lowers the misfit of the rates `found`, with its own rates.

    None if there is none.
    """

    def misfit(path: np.ndarray) -> float:
        residual = ((path - data.observed) * share)[share > 0]
        return float(residual @ residual) if np.isfinite(residual).all() else math.inf

    before = misfit(found)
    scale = np.sqrt(np.clip(np.diag(information), 1e-300, None))
    for _ in range(MOST_TRIALS):
        scaled = information / np.outer(scale, scale) + damping * np.eye(len(theta))
        scaled = np.where(np.outer(free, free), scaled, np.eye(len(theta)))
        try:
            step = -np.linalg.solve(scaled, np.where(free, gradient / scale, 0.0)) / scale
        except np.linalg.LinAlgError:
            damping = max(10.0 * damping, 1e-9)
            continue
        moved = np.clip(theta + step, *bounds)
        found, slopes = _rates(system, data, moved)
        if misfit(found) <= before:
            change = float(np.max(np.abs(moved - theta) / (np.abs(theta) + 1e-12), initial=0.0))
            return moved, found, slopes, max(0.1 * damping, 1e-15), change
        damping = max(10.0 * damping, 1e-9)
    return None


def _result(
    system: System,
    data: FitData,
    hidden: Mapping[str, Expression],
    theta: np.ndarray,
    found: np.ndarray,
    information: np.ndarray,
    status: str,
    precision: Precision,
) -> Refit:
    ok = status == "ok" and _finite(found, data)
    deviance, noise = negative_log_likelihood(data, found, precision.floor)
    return Refit(
        hidden=with_values(hidden, system, theta),
        unknowns=system.unknowns,
        theta=theta,
        information=information,
        noise=noise,
        path=found,
        nodes=data.nodes,
        steps=np.ones(len(data.t), dtype=np.int64),
        deviance=deviance if ok else math.inf,
        status=status if ok or status != "ok" else "not finite where it was measured",
    )
