r"""The constants of a law, fitted through its dynamics to the raw data.

For observations :math:`y` with noise groups :math:`g` of :math:`n_g` values,

.. math:: -2\log L = \sum_g n_g \log \hat\sigma_g^2 + n_g, \qquad
          \hat\sigma_g^2 = \tfrac{1}{n_g} \textstyle\sum_{i \in g} (x_i(\theta) - y_i)^2 / b_i^2,

or :math:`\sum (x - y)^2/\sigma^2 + n_g \log\sigma^2` where the noise level is given; residuals
are of logarithms for lognormal noise. Initial states are unknowns like any other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from residuum.expressions.expression import Expression
from residuum.laws.kernels import choose_steps, gauss_newton, match_segments, roll_out
from residuum.laws.system import DEFECT_SHARE, FitData, System, build_system, constant_names
from residuum.problem.problem import Problem

MATCHES = 3
MOST_PASSES = 3
LOST, STUCK = 2, 3  # statuses of `kernels.gauss_newton`


@dataclass(frozen=True, slots=True)
class Precision:
    """How exactly a refit is done: `step` ends it, `defect` is the integrator's error a segment.

    `floor` is the least noise level: residuals below it are the computation's, not the data's.
    All in shares of a component's size. `iterations` and `most_steps` (a segment) bound the work
    on laws that do not fit.
    """

    step: float
    defect: float
    floor: float
    iterations: int
    most_steps: int


SCREEN = Precision(step=2e-5, defect=1e-5, floor=2e-4, iterations=15, most_steps=12)
EXACT = Precision(step=1e-10, defect=1e-11, floor=1e-7, iterations=40, most_steps=400)


@dataclass(frozen=True, slots=True, eq=False)
class Refit:
    """A law with its constants fitted.

    `unknowns[p]` names `theta[p]`; `information` is J'J of them in units of the noise, initial
    states marginalised; `path[N, n]` the fitted components at the observation times (logarithms
    undone); `deviance` is -2 log L; `status` is `ok`, or why the fit cannot be used.
    """

    hidden: Mapping[str, Expression]
    unknowns: tuple[str, ...]
    theta: np.ndarray
    information: np.ndarray
    noise: np.ndarray
    path: np.ndarray
    nodes: np.ndarray
    steps: np.ndarray
    deviance: float
    status: str

    @property
    def ok(self) -> bool:
        """Whether the fit converged to a trajectory that exists."""
        return self.status == "ok"

    @property
    def values(self) -> dict[str, float]:
        """Fitted value of every unknown."""
        return dict(zip(self.unknowns, self.theta.tolist(), strict=True))

    @property
    def standard_errors(self) -> np.ndarray:
        """Asymptotic standard errors of `theta`; infinite where the data do not determine it."""
        if not np.isfinite(self.information).all():
            return np.full(len(self.theta), np.inf)
        scale = np.sqrt(np.clip(np.diag(self.information), 1e-300, None))
        scaled = self.information / np.outer(scale, scale)
        values, vectors = np.linalg.eigh(scaled)
        weak = values < 1e-12 * values[-1]
        inverse = np.where(weak, 0.0, 1.0 / np.where(weak, 1.0, values))
        variance = (vectors**2) @ inverse / scale**2
        undetermined = (vectors[:, weak] ** 2).sum(axis=1) > 1e-6
        return np.sqrt(np.where(undetermined, np.inf, variance))[: len(self.theta)]


def refit(
    problem: Problem,
    data: FitData,
    hidden: Mapping[str, Expression],
    parameters: Mapping[str, float],
    *,
    precision: Precision = SCREEN,
    held: Mapping[str, float] | None = None,
) -> Refit:
    """Fit all constants of `hidden`, the estimated parameters and the initial states.

    Starts from the formulas' constants, `parameters` and `data.nodes`; `held` fixes unknowns by
    name. A numerical failure is a status, never an exception.
    """
    logarithmic = frozenset(np.array(problem.components)[data.logarithmic].tolist())
    system = build_system(problem, hidden, parameters=parameters, logarithmic=logarithmic)
    return fit_system(system, data, hidden, precision=precision, held=held)


def fit_system(
    system: System,
    data: FitData,
    hidden: Mapping[str, Expression],
    *,
    precision: Precision = SCREEN,
    held: Mapping[str, float] | None = None,
    steps: np.ndarray | None = None,
) -> Refit:
    """Fit a system that is built; see `refit`."""
    theta, low, high = unknowns_of(system, held or {})
    nodes = data.nodes.copy()
    if steps is not None:
        steps = steps.copy()
        status, information = _solve(system, data, theta, low, high, nodes, steps, precision)
        return _result(system, data, hidden, theta, nodes, steps, information, status, precision)
    steps = np.ones(len(data.t), dtype=np.int64)
    # Most of the way is gone with long steps; they are refined where it ends.
    status, information = _solve(system, data, theta, low, high, nodes, steps, SCREEN)
    if status in (LOST, STUCK):
        theta, nodes = unknowns_of(system, held or {})[0], data.nodes.copy()
        arrays, unit = data.arrays(np.ones_like(steps)), data.defect_tolerance
        log = system.logarithmic
        if match_segments(system.program, log, arrays, unit, theta, low, high, nodes, MATCHES):
            status, information = _solve(system, data, theta, low, high, nodes, steps, SCREEN)
    if precision.defect < SCREEN.defect and status != LOST:
        status, information = _solve(system, data, theta, low, high, nodes, steps, precision)
    return _result(system, data, hidden, theta, nodes, steps, information, status, precision)


def _solve(
    system: System,
    data: FitData,
    theta: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    nodes: np.ndarray,
    steps: np.ndarray,
    precision: Precision,
) -> tuple[int, np.ndarray]:
    """Fit in place; steps are chosen on the path at hand, which moves while the fit converges."""
    status, information = LOST, np.eye(len(theta))
    for passes in range(MOST_PASSES):
        before = steps.copy()
        _choose(system, data, theta, nodes, steps, precision)
        if passes and np.all(steps <= before):
            break
        status, information = gauss_newton(
            system.program,
            system.logarithmic,
            data.arrays(steps),
            data.noise_arrays(precision.floor),
            theta,
            low,
            high,
            nodes,
            precision.iterations,
            precision.step / DEFECT_SHARE,
        )
        if status == LOST:
            break
    return status, information


def unknowns_of(
    system: System, held: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where the unknowns start and their bounds; those `held` stay at their values."""
    theta, low, high = system.start.copy(), system.low.copy(), system.high.copy()
    for name, value in held.items():
        place = system.unknowns.index(name)
        theta[place] = low[place] = high[place] = value
    return theta, low, high


def _choose(
    system: System,
    data: FitData,
    theta: np.ndarray,
    nodes: np.ndarray,
    steps: np.ndarray,
    precision: Precision,
) -> None:
    tolerance = precision.defect * data.spread
    for _ in range(2):
        choose_steps(
            system.program,
            system.logarithmic,
            data.arrays(steps),
            theta,
            nodes,
            tolerance,
            precision.most_steps,
            steps,
        )


def _result(
    system: System,
    data: FitData,
    hidden: Mapping[str, Expression],
    theta: np.ndarray,
    nodes: np.ndarray,
    steps: np.ndarray,
    information: np.ndarray,
    status: int,
    precision: Precision,
) -> Refit:
    path = nodes.copy()
    lost = roll_out(system.program, system.logarithmic, data.arrays(steps), theta, path)
    word = "ok"
    if not math.isnan(lost) or not np.all(np.isfinite(path)):
        word = f"diverged at t = {lost:.4g}"
    elif status == LOST:
        word = "no trajectory from the starting values"
    deviance, noise = negative_log_likelihood(data, path, precision.floor)
    with np.errstate(over="ignore"):
        shown = np.where(data.logarithmic, np.exp(path), path)
    return Refit(
        hidden=with_values(hidden, system, theta),
        unknowns=system.unknowns,
        theta=theta,
        information=information,
        noise=noise,
        path=shown,
        nodes=nodes,
        steps=steps,
        deviance=deviance if word == "ok" else math.inf,
        status=word,
    )


def negative_log_likelihood(
    data: FitData, path: np.ndarray, floor: float
) -> tuple[float, np.ndarray]:
    """Return -2 log L of a path `[N, n]` in the integrated variables, and the noise levels `[n]`.

    Levels that are not given are the root mean square of their group, at least `floor`; constants
    that depend on the data alone are left out.
    """
    with np.errstate(all="ignore"):
        squares = ((path - data.observed) * data.weights) ** 2
    counts = (data.weights > 0).sum(axis=0)
    total, levels = 0.0, np.zeros(len(data.groups))
    for group in np.unique(data.groups):
        members = data.groups == group
        n = counts[members].sum()
        if n == 0:
            continue
        known = data.known[members].max()
        sum_of_squares = squares[:, members][data.weights[:, members] > 0].sum()
        level = known or max(math.sqrt(sum_of_squares / n), floor)
        levels[members] = level
        total += sum_of_squares / level**2 + 2 * n * math.log(level)
    return float(total), levels


def with_values(
    hidden: Mapping[str, Expression], system: System, theta: np.ndarray
) -> dict[str, Expression]:
    """Return the formulas with their constants as fitted."""
    values = dict(zip(system.unknowns, theta.tolist(), strict=True))
    return {
        term: e.with_constants([values[name] for name in constant_names(term, e)])
        for term, e in hidden.items()
    }


def refit_many(
    task: tuple[
        Problem, FitData, Sequence[Mapping[str, Expression]], Mapping[str, float], Precision
    ],
) -> list[Refit]:
    """Refit several combinations of formulas; one picklable argument, for `map` over workers."""
    problem, data, combinations, parameters, precision = task
    return [refit(problem, data, c, parameters, precision=precision) for c in combinations]


def restart(data: FitData, fit: Refit) -> FitData:
    """Return the data with nodes on a fitted path, where a further refit starts."""
    return replace(data, nodes=fit.nodes.copy())
