"""How complete equations of bodies become observations: draw, integrate, sample, add noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from residuum.data.body_checks import check_coinciding
from residuum.data.body_settings import BodiesSettings, Draw
from residuum.data.body_specification import check_body_simulation, start_arrays
from residuum.data.integration import solve
from residuum.data.labels import body_names, numbered
from residuum.data.observations import Experiment
from residuum.data.settings import SimulateSettings
from residuum.data.simulate import add_noise, sample_times
from residuum.errors import UserError
from residuum.problem.body_evaluation import evaluate_bodies
from residuum.problem.body_problem import BodyProblem
from residuum.problem.names import derivative
from residuum.seeds import child_seed, generator

# A close encounter of two bodies may ask for any number: then the experiment is drawn again.
MAX_EVALUATIONS = 100_000
MAX_DRAWS = 20


def simulate_bodies(
    spec: SimulateSettings, *, seed: int, dataset: str, where: str = ""
) -> tuple[Experiment, ...]:
    """Return noisy samples of the trajectories of bodies that complete equations describe.

    What is observed may be a derivative of the order of its equation: the exact acceleration
    along the trajectory. Everything drawn for an experiment depends on the seed, the dataset, its
    number and the name of the state or scalar alone. Experiments that diverge or collide are drawn
    again up to 20 times where `bodies.retry` says so. Raises UserError, located under `where`, on
    mistakes in the specification or when a trajectory diverges.
    """
    problem = check_body_simulation(spec, where)
    count = len(spec.experiments) if spec.bodies is None else spec.bodies.experiments
    return tuple(
        _experiment(spec, problem, index, name, child_seed(seed, "simulate", dataset, name), where)
        for index, name in enumerate(numbered(count))
    )


def _experiment(
    spec: SimulateSettings, problem: BodyProblem, index: int, name: str, seed: int, where: str
) -> Experiment:
    t = sample_times(spec.times, generator(seed, "times"))
    place = f"{where} ({name})" if where else name
    draws = MAX_DRAWS if spec.bodies is not None and spec.bodies.retry else 1
    for attempt in range(draws):
        start = _start(spec, problem, index, seed, attempt)
        try:
            clean = _clean(spec, problem, name, start, t, place)
        except UserError:
            if attempt == draws - 1:
                raise
        else:
            break
    states = {
        key: add_noise(values, spec.noise, key, generator(seed, "noise", key))
        for key, values in clean.states.items()
    }
    return Experiment(name, t, states, bodies=clean.bodies, scalars=clean.scalars)


def _start(
    spec: SimulateSettings, problem: BodyProblem, index: int, seed: int, attempt: int
) -> dict[str, np.ndarray]:
    """Return the initial vectors `[b, d]` and scalars `[b]` of one experiment."""
    components = list(problem.components)
    if spec.bodies is None:
        return start_arrays(spec.experiments[index], components)
    low, high = spec.bodies.counts
    count = int(generator(seed, "count").integers(low, high, endpoint=True))
    return _drawn(spec.bodies, count, seed, attempt)


def _drawn(bodies: BodiesSettings, count: int, seed: int, attempt: int) -> dict[str, np.ndarray]:
    found = {
        name: _draw(values, (count, bodies.axes), generator(seed, "initial", name, attempt))
        for name, values in bodies.states.items()
    }
    return found | {
        name: _draw(values, (count,), generator(seed, "scalar", name, attempt))
        for name, values in bodies.scalars.items()
    }


def _draw(
    values: float | tuple[float, ...] | Draw, shape: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    if not isinstance(values, Draw):
        return np.broadcast_to(np.asarray(values, dtype=float), shape).copy()
    if values.normal is not None:
        return values.normal * rng.standard_normal(shape)
    if values.lognormal is not None:
        return np.exp(values.lognormal * rng.standard_normal(shape))
    if values.uniform is not None:
        return rng.uniform(*values.uniform, shape)
    return rng.choice(np.array(values.choice), shape)


def _clean(
    spec: SimulateSettings,
    problem: BodyProblem,
    name: str,
    start: Mapping[str, np.ndarray],
    t: np.ndarray,
    where: str,
) -> Experiment:
    """Return one experiment without noise."""
    scalars = {key: start[key] for key in start if key not in problem.components}
    shape = start[problem.components[0]].shape
    slope = _Slope(problem, scalars, shape)
    flat = np.concatenate([start[c].ravel() for c in problem.components])
    path = solve(slope, flat, t, where=where, limit=MAX_EVALUATIONS)
    values = slope.values(t, path.T)
    observed = {key: values[key] for key in spec.observe or problem.states}
    if not all(np.isfinite(array).all() for array in observed.values()):
        raise UserError(
            "not a finite number", where=where, hint="two bodies may stand in one place"
        )
    found = Experiment(name, t, observed, bodies=body_names(shape[0]), scalars=scalars)
    whole = {state: values[state] for state in problem.states}
    check_coinciding(where, [Experiment(name, t, whole, bodies=found.bodies)])
    return found


@dataclass(frozen=True, slots=True)
class _Slope:
    """The rates of all components of all bodies as one vector of time and that vector."""

    problem: BodyProblem
    scalars: Mapping[str, np.ndarray]
    shape: tuple[int, ...]

    def __call__(self, t: float, y: np.ndarray) -> np.ndarray:
        values = self.values(np.array([t]), y[None])
        return np.concatenate(
            [
                values[derivative(e.state, order + 1)].ravel()
                for e in self.problem.equations
                for order in range(e.order)
            ]
        )

    def values(self, t: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        """Return the components, and the right-hand sides by their names, `[n, b, d]`."""
        names = self.problem.components
        stacked = y.reshape(len(t), len(names), *self.shape)
        states = {name: stacked[:, index] for index, name in enumerate(names)}
        rates = evaluate_bodies(self.problem, states, self.scalars, t=t)
        return states | {e.left: rates[e.state] for e in self.problem.equations}
