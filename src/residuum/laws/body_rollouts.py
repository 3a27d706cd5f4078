"""Where a law takes bodies from the first frame of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.integrate import DOP853

from residuum.data.observations import Experiment, Observations
from residuum.data.written_bodies import scalars_of
from residuum.expressions.expression import Expression
from residuum.laws.forecast import valid_time
from residuum.problem.body_completion import complete
from residuum.problem.body_evaluation import evaluate_bodies
from residuum.problem.body_expansion import Expansion
from residuum.problem.body_problem import BodyProblem
from residuum.problem.names import derivative

MOST_ROLLED = 4  # experiments
FEWEST_FRAMES = 3
CURVE_POINTS = 200
RTOL, ATOL = 1e-8, 1e-10
# A close encounter may ask for any number of evaluations: the path ends there.
MOST_EVALUATIONS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Rollouts:
    """The problem and the experiments in which bodies can be followed."""

    problem: BodyProblem
    observations: Observations

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """A few experiments of several frames, those held out last."""
        if not set(self.problem.components) <= set(self.observations.states):
            return ()
        rows = [e for e in self.observations.experiments if len(e) >= FEWEST_FRAMES]
        whole = [e for e in rows if np.isfinite(self._start(e)).all()]
        seen = [e for e in whole if not e.held_out.any()]
        held = [e for e in whole if e.held_out.any()][: MOST_ROLLED // 2]
        return (*seen[: MOST_ROLLED - len(held)], *held)

    def curves(
        self, hidden: Mapping[str, Expression], values: Mapping[str, float]
    ) -> dict[str, Any]:
        """Return the paths of bodies by experiment, as far as they could be integrated."""
        found = {}
        for e in self.experiments:
            t = np.linspace(e.t[0], e.t[-1], CURVE_POINTS)
            path = self._path(e, hidden, values, t)
            kept = np.isfinite(path).all(axis=1)
            names = self._names(e)
            part = "forecast" if e.held_out.any() else "fit"
            columns = {name: path[kept, k].tolist() for k, name in enumerate(names)}
            found[e.name] = {part: {"t": t[kept].tolist(), "components": columns}}
        return found

    def valid_time(
        self, hidden: Mapping[str, Expression], values: Mapping[str, float]
    ) -> float | None:
        """Return the shortest time for which a path of a held-out experiment stays valid."""
        state, times = self.problem.states[0], []
        for e in self.experiments:
            if e.held_out.any():
                path = self._path(e, hidden, values, e.t)[:, : e.states[state][0].size]
                measured = e.states[state].reshape(len(e), -1)
                spread = np.nanstd(measured, axis=0)
                far = np.where(np.isfinite(path), path, np.inf)
                times.append(valid_time(e.t, far, measured, spread))
        return min((t for t in times if t is not None), default=None)

    def _names(self, e: Experiment) -> list[str]:
        expansion = Expansion(len(e.bodies), e.axes)
        return [n for c in self.problem.components for n in expansion.components(c)]

    def _start(self, e: Experiment) -> np.ndarray:
        return np.concatenate([e.states[c][0].ravel() for c in self.problem.components])

    def _path(
        self,
        e: Experiment,
        hidden: Mapping[str, Expression],
        values: Mapping[str, float],
        t: np.ndarray,
    ) -> np.ndarray:
        return follow(complete(self.problem, hidden), e, values, self._start(e), t)


def follow(
    law: BodyProblem,
    e: Experiment,
    values: Mapping[str, float],
    start: np.ndarray,
    t: np.ndarray,
    *,
    most: int = MOST_EVALUATIONS,
) -> np.ndarray:
    """Return every component `[len(t), n]` of a completed law from `start[n]` at `t[0]`.

    `values` are those of parameters without one and of scalars that are not known. Rows are NaN
    from where the path is lost, or has cost `most` evaluations.
    """
    rates = _Rates(law, e, values)
    path = np.full((len(t), rates.size), np.nan)
    path[0], done = start, 1
    with np.errstate(all="ignore"):
        solver = DOP853(rates, t[0], start, t[-1], rtol=RTOL, atol=ATOL)
        while solver.status == "running" and rates.count < most:
            solver.step()
            until = int(np.searchsorted(t, solver.t, side="right"))
            if until > done and solver.status != "failed":
                path[done:until] = solver.dense_output()(t[done:until]).T
                done = until
    return path


class _Rates:
    """The time derivatives of all components of one experiment."""

    def __init__(self, law: BodyProblem, e: Experiment, values: Mapping[str, float]) -> None:
        self.law, self.experiment, self.count = law, e, 0
        self.shape = (len(e.bodies), e.axes)
        self.size = len(law.components) * len(e.bodies) * e.axes
        self.values = {p.name: values[p.name] for p in law.parameters if p.estimated}
        self.scalars = scalars_of(e, values)

    def __call__(self, t: float, y: np.ndarray) -> np.ndarray:
        self.count += 1
        parts = dict(zip(self.law.components, y.reshape(-1, 1, *self.shape), strict=True))
        inputs = {n: self.experiment.input_at(n, np.array([t])) for n in self.law.inputs}
        found = evaluate_bodies(
            self.law, parts, self.scalars, parameters=self.values, inputs=inputs, t=np.array([t])
        )
        rows = []
        for equation in self.law.equations:
            higher = [derivative(equation.state, k) for k in range(1, equation.order)]
            rows += [*(parts[name] for name in higher), found[equation.state]]
        return np.concatenate([row.ravel() for row in rows])
