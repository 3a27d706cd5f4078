"""Systems with known answers, and extractions made from the truth instead of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.integrate import solve_ivp

from residuum.data.observations import Experiment, Noise, Observations
from residuum.distillers.distiller import distill
from residuum.distillers.front import Front
from residuum.distillers.settings import SindySettings
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.hidden.samples import Extraction, HiddenSamples, Structure, Trajectory
from residuum.laws.forecast import completed
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter, Problem

LV = {"prey_t": "alpha*prey - predation(prey, predator)",
      "predator_t": "growth(prey, predator) - delta*predator"}  # fmt: skip
LV_TRUTH = {"predation": parse("0.9*(prey*predator)"), "growth": parse("0.8*(prey*predator)")}
LV_START = (0.44249296, 4.6280594)


def lotka_volterra(*, alpha: float | None = 1.3, delta: float | None = 1.8) -> Problem:
    """Case B1: both interaction terms hidden."""
    parameters = {"alpha": Parameter("alpha", alpha), "delta": Parameter("delta", delta)}
    return read_problem(LV, states=("prey", "predator"), parameters=parameters)


def solution(
    problem: Problem, hidden: Mapping[str, Expression], values: Mapping[str, float],
    start: Sequence[float], t: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return the true components `[n, c]` by an integrator the library does not use to fit."""
    sides = completed(problem, hidden, values)

    def rhs(time: float, u: np.ndarray) -> list[float]:
        named = dict(zip(problem.components, u, strict=True)) | {"t": time}
        return [float(evaluate(side, named)) for side in sides]

    found = solve_ivp(
        rhs, (t[0], t[-1]), start, t_eval=t, method="DOP853",
        rtol=1e-12, atol=1e-14,
    )  # fmt: skip
    return found.y.T


def measured(
    problem: Problem, paths: Sequence[tuple[np.ndarray, np.ndarray]], *,
    noise: Noise | None = None, held_out: Sequence[np.ndarray] = (),
) -> Observations:  # fmt: skip
    """Return observations of the states on given paths `(t, components)`."""
    experiments = []
    for k, (t, path) in enumerate(paths):
        columns = {s: path[:, problem.component_index[s]] for s in problem.states}
        mask = held_out[k] if held_out else np.zeros(len(t), bool)
        experiments.append(Experiment(f"experiment_{k:03d}", t, columns, {}, mask))
    return Observations.of(experiments, noise=noise)


def extraction(
    problem: Problem, hidden: Mapping[str, Expression], values: Mapping[str, float],
    paths: Sequence[tuple[np.ndarray, np.ndarray]], *, sd: float,
) -> Extraction:  # fmt: skip
    """Return what a good surrogate would hand over: true samples, relative spread `sd`."""
    samples = {}
    t, path = paths[0]
    named = dict(zip(problem.components, path.T, strict=True)) | {"t": t} | dict(values)
    for call in problem.calls:
        names = problem.hidden_term(call.term).arguments
        X = np.stack([evaluate(a, named) for a in call.arguments], axis=1)
        f = evaluate(hidden[call.term], dict(zip(names, X.T, strict=True))) * np.ones(len(t))
        covariance = np.eye(len(t)) * (sd * np.sqrt(np.mean(f**2))) ** 2
        samples[call.term] = HiddenSamples(
            call.term, names, X, f, covariance, t, np.zeros(len(t), int), (True,) * len(names)
        )
    trajectories = {
        f"experiment_{k:03d}": Trajectory(t, dict(zip(problem.components, p.T, strict=True)))
        for k, (t, p) in enumerate(paths)
    }
    estimated = {name: (values[name], 0.1) for name in problem.estimated}
    return Extraction(samples, trajectories, estimated, {}, Structure({}, {}, {}))


def fronts(found: Extraction, **settings: object) -> dict[str, Front]:
    """Return the front of every hidden term by sparse regression."""
    chosen = SindySettings(**settings)  # type: ignore[arg-type]
    return {name: distill(s, chosen, seed=0) for name, s in found.samples.items()}
