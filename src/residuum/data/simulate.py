"""How complete equations become observations: integrate, sample, add noise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from residuum.data.integration import solve
from residuum.data.labels import numbered
from residuum.data.observations import Experiment
from residuum.data.settings import Initial, Noise, SimulateSettings, Times
from residuum.data.specification import check_simulation
from residuum.expressions.evaluation import compiled
from residuum.expressions.expression import Expression
from residuum.problem.problem import Problem
from residuum.seeds import child_seed, generator


def simulate(
    spec: SimulateSettings, *, seed: int, dataset: str, where: str = ""
) -> tuple[Experiment, ...]:
    """Return noisy samples of the trajectories that complete equations describe.

    Integrated by DOP853 (Hairer, Norsett and Wanner 1993) with relative tolerance 1e-10. The
    times of an experiment depend on the seed, the dataset and its number alone, the noise of a
    state on its name too: neither on the order in which states are written.
    Raises UserError, located under `where`, on mistakes in the specification or when the
    trajectory diverges.
    """
    problem = check_simulation(spec, where)
    return tuple(
        _experiment(
            spec, problem, name, initial, child_seed(seed, "simulate", dataset, name), where
        )
        for name, initial in zip(numbered(len(spec.experiments)), spec.experiments, strict=True)
    )


def _experiment(
    spec: SimulateSettings,
    problem: Problem,
    name: str,
    initial: Mapping[str, Initial],
    seed: int,
    where: str,
) -> Experiment:
    t = sample_times(spec.times, generator(seed, "times"))
    start = np.array([initial[c] for c in problem.components], dtype=float)
    path = integrate(problem, start, t, where=f"{where} ({name})" if where else name)
    clean = dict(zip(problem.components, path, strict=True))
    observed = spec.observe or problem.states
    states = {
        key: add_noise(clean[key], spec.noise, key, generator(seed, "noise", key))
        for key in observed
    }
    return Experiment(name, t, states)


def sample_times(times: Times | tuple[float, ...], rng: np.random.Generator) -> np.ndarray:
    """Return the times of an experiment, strictly increasing."""
    if not isinstance(times, Times):
        return np.array(times, dtype=float)
    if not times.irregular or times.points == 1:
        return np.linspace(times.start, times.stop, times.points)
    inner = np.sort(rng.uniform(times.start, times.stop, times.points - 2))
    t = np.concatenate([[times.start], inner, [times.stop]])
    return t if np.all(np.diff(t) > 0) else sample_times(times, rng)


def add_noise(clean: np.ndarray, noise: Noise, name: str, rng: np.random.Generator) -> np.ndarray:
    """Return a noisy copy of `clean`, `[n]` or vectors of bodies `[n, b, d]`.

    With `e ~ N(0, 1)`: gaussian `x + size*e`, relative `x + size*mean(|x|)*e`, lognormal
    `x*exp(size*e)`. No size adds none.
    """
    size = noise.size_of(name) or 0.0
    draw = rng.standard_normal(clean.shape)
    if noise.kind == "lognormal":
        return clean * np.exp(size * draw)
    return clean + size * draw * (np.mean(np.abs(clean)) if noise.kind == "relative" else 1.0)


def integrate(problem: Problem, start: np.ndarray, t: np.ndarray, *, where: str = "") -> np.ndarray:
    """Return the components `[c, n]` at times `t[n]` from `start[c]` of a complete problem.

    Raises UserError when the trajectory diverges or the integration does not end.
    """
    return solve(_Slope(problem), start, t, where=where)


class _Slope:
    """The right-hand sides as a function of time and components."""

    def __init__(self, problem: Problem) -> None:
        known = {n: Expression.number(v) for n, v in problem.known.items()}
        places = {name: index for index, name in enumerate((*problem.components, "t"))}
        right = problem.first_order(problem.complete({}))
        self.rates = [compiled(f.substitute(known), places) for f in right]

    def __call__(self, t: float, y: np.ndarray) -> np.ndarray:
        values = [*y, t]
        return np.array([rate(values) for rate in self.rates])
