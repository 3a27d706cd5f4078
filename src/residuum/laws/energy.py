r"""Whether a law of bodies conserves an energy, and what it is along a path.

.. math:: E = \sum_i \tfrac12 m_i v_i^2 + \sum_{i<j} V_{ij}(r_{ij}),
          \qquad V_{ij}(r) = \int_{r_0}^r m_i\, g_{ij}(s)\, ds

where :math:`g_{ij}(r)` is the acceleration of body i towards body j. There is one where every
force acts along the line between two bodies, is equal and opposite, and depends on their distance
and scalars alone. That is tested on the law itself, however it is written: at measured positions
its accelerations must be sums of what pairs alone give at the same distance elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from residuum.data.observations import Experiment
from residuum.data.written_bodies import scalars_of
from residuum.laws.quadrature import integrals
from residuum.problem.body_evaluation import evaluate_bodies
from residuum.problem.body_problem import RECEIVER, SENDER, BodyProblem, reached

TOLERANCE = 1e-7
# Frames and experiments at which a law is tested.
MOST_FRAMES, MOST_EXPERIMENTS = 12, 8
# Distances between which a force is integrated differ by at most a tenth.
PANEL = 0.1
_ENDS = slice(None, -1), slice(1, None)
Scalars = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class NoEnergy:
    """Why the energy of bodies and their pairs is not conserved, as the end of a sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Energy:
    """The conserved energy of a law; `inertia` is the scalar that is the mass, empty if it is 1."""

    law: BodyProblem
    values: Mapping[str, float]
    inertia: str

    def along(
        self, position: np.ndarray, velocity: np.ndarray, scalars: Scalars
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return kinetic and potential energy `[n]` on a path `[n, b, d]`, `scalars[name][b]`.

        The potential energy is zero on the first frame.
        """
        mass = scalars[self.inertia] if self.inertia else np.ones(position.shape[1])
        kinetic = 0.5 * np.sum(mass[:, None] * velocity**2, axis=(1, 2))
        pairs = _Pairs.of(position, scalars)
        grids = [_grid(r) for r in pairs.distance.T]
        pair = np.repeat(np.arange(len(grids)), [len(grid) - 1 for grid in grids])

        def force(r: np.ndarray, interval: np.ndarray) -> np.ndarray:
            which = pair[interval]
            own = {name: values[which] for name, values in pairs.scalars.items()}
            return mass[pairs.i[which]] * _towards(self.law, self.values, r, own)[:, 0]

        ends = [np.concatenate([grid[part] for grid in grids]) for part in _ENDS]
        steps = np.split(integrals(force, *ends), np.flatnonzero(np.diff(pair)) + 1)
        potential = np.zeros(len(position))
        for r, grid, step in zip(pairs.distance.T, grids, steps, strict=True):
            whole = np.interp(r, grid, np.concatenate([[0.0], np.cumsum(step)]))
            potential += whole - whole[0]
        return kinetic, potential


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The pairs of bodies in some frames: `line[F, P, d]`, its length, `scalars[name][P, 2]`."""

    i: np.ndarray
    j: np.ndarray
    line: np.ndarray
    distance: np.ndarray
    scalars: Scalars

    @classmethod
    def of(cls, position: np.ndarray, scalars: Scalars) -> _Pairs:
        i, j = np.triu_indices(position.shape[1], 1)
        line = position[:, j] - position[:, i]
        own = {name: np.stack([v[i], v[j]], axis=1) for name, v in scalars.items()}
        return cls(i, j, line, np.linalg.norm(line, axis=-1), own)

    def tiled(self) -> dict[str, np.ndarray]:
        """Return the scalars `[F*P, 2]` of every pair in every frame."""
        return {name: np.tile(v, (len(self.line), 1)) for name, v in self.scalars.items()}


def drift(kinetic: np.ndarray, potential: np.ndarray) -> np.ndarray:
    """Return the total energy less its mean, over the mean kinetic energy."""
    total = kinetic + potential
    return np.asarray((total - total.mean()) / kinetic.mean())


def energy_of(
    law: BodyProblem, experiments: Sequence[Experiment], values: Mapping[str, float]
) -> Energy | NoEnergy:
    """Return the energy that a completed law conserves, or why there is none.

    The law is tested with the bodies of the experiments; `values` are those of parameters and of
    scalars that are not known.
    """
    reason = _by_names(law)
    if reason:
        return NoEnergy(reason)
    tests = list(_tests(law, experiments, values))
    if not tests:
        return NoEnergy("no two bodies were measured at one time")
    for position, scalars in tests:
        reason = _unlike_pairs(law, values, position, scalars)
        if reason:
            return NoEnergy(reason)
    for inertia in _inertias(law, tests):
        if all(_mutual(law, values, inertia, *test) for test in tests):
            return Energy(law, values, inertia)
    which = ", whichever scalar is their mass" if law.scalars else ""
    return NoEnergy(f"forces between two bodies are not equal and opposite{which}")


def _by_names(law: BodyProblem) -> str:
    """Return what the names in the equations say against an energy."""
    if len(law.equations) != 1 or law.equations[0].order != 2:
        return "its equations are not those of one acceleration"
    names = reached((equation.rhs for equation in law.equations), law.opened)
    velocity = law.components[1]
    if {velocity + RECEIVER, velocity + SENDER} & set(names):
        return f"forces depend on velocities ({velocity}), as drag does"
    moving = [name for name in ("t", *law.inputs) if name in names]
    return f"forces change in time (with {moving[0]})" if moving else ""


def _tests(
    law: BodyProblem, experiments: Sequence[Experiment], values: Mapping[str, float]
) -> Iterable[tuple[np.ndarray, Scalars]]:
    """Return measured positions `[F, b, d]` and scalars of bodies that were all there."""
    for e in experiments[:: max(1, len(experiments) // MOST_EXPERIMENTS)]:
        position = e.states.get(law.states[0])
        if position is None or len(e.bodies) < 2:
            continue
        whole = np.flatnonzero(np.isfinite(position).all(axis=(1, 2)))
        kept = whole[:: max(1, len(whole) // MOST_FRAMES)]
        if len(kept):
            yield position[kept], scalars_of(e, values)


def _unlike_pairs(
    law: BodyProblem, values: Mapping[str, float], position: np.ndarray, scalars: Scalars
) -> str:
    """Return what accelerations at measured positions have beside those of pairs elsewhere."""
    whole, pairs = _accelerations(law, values, position, scalars), _Pairs.of(position, scalars)
    count, bodies, axes = position.shape
    found = _towards(law, values, pairs.distance.ravel(), pairs.tiled()).reshape(count, -1, 2)
    line = pairs.line / pairs.distance[..., None]
    parts = np.stack([found[..., :1] * line, -found[..., 1:] * line], axis=2)
    sums, sizes = np.zeros((bodies, count, axes)), np.zeros((bodies, count, 1))
    for end, place in enumerate((pairs.i, pairs.j)):
        np.add.at(sums, place, parts[:, :, end].swapaxes(0, 1))
        np.add.at(sizes, place, np.abs(found[:, :, end, None]).swapaxes(0, 1))
    sums, sizes = sums.swapaxes(0, 1), sizes.swapaxes(0, 1)
    if _close(whole, sums, sizes):
        return ""
    single = {n: np.tile(v, count)[:, None] for n, v in scalars.items()}
    alone = _accelerations(law, values, position.reshape(-1, 1, axes), single)
    if not _close(alone.reshape(whole.shape), np.zeros_like(whole), sizes):
        return "forces act on single bodies, whatever the others do"
    two = np.stack([position[:, pairs.i], position[:, pairs.j]], axis=2).reshape(-1, 2, axes)
    here = _accelerations(law, values, two, pairs.tiled()).reshape(parts.shape)
    if _close(here, parts, np.abs(found)[..., None]):
        return "forces are not sums over pairs of bodies"
    return "forces are not along the line between two bodies, or depend on more than its length"


def _inertias(law: BodyProblem, tests: Sequence[tuple[np.ndarray, Scalars]]) -> Iterable[str]:
    """Return what may be the mass: scalars that equations divide by, nothing, other scalars."""
    others = [name for name in law.scalars if name not in law.divisors]
    for name in (*law.divisors, "", *others):
        if not name or all((scalars[name] > 0).all() for _, scalars in tests):
            yield name


def _mutual(
    law: BodyProblem,
    values: Mapping[str, float],
    inertia: str,
    position: np.ndarray,
    scalars: Scalars,
) -> bool:
    pairs = _Pairs.of(position, scalars)
    own = pairs.tiled()
    found = _towards(law, values, pairs.distance.ravel(), own)
    force = found * (own[inertia] if inertia else 1.0)
    return _close(force[:, 0], force[:, 1], np.abs(force).max(axis=1))


def _close(a: np.ndarray, b: np.ndarray, size: np.ndarray) -> bool:
    """Tell whether two arrays agree to a share of sizes, where they are finite."""
    there = np.isfinite(a) & np.isfinite(b)
    error = np.where(there, np.abs(a - b), 0.0)
    least = 1e-6 * np.nanmax(size, initial=0.0)
    return bool((error <= TOLERANCE * np.fmax(size, least)).all())


def _towards(
    law: BodyProblem, values: Mapping[str, float], r: np.ndarray, pairs: Scalars
) -> np.ndarray:
    """Return how two bodies alone are accelerated towards each other, `[F, 2]`, at `r[F]`.

    Scalars are `[F, 2]`. The bodies stand off the origin, in a direction of no axis.
    """
    line = np.array([0.48, 0.6, 0.64])
    place = np.array([0.37, -1.3, 0.71])
    position = np.stack([np.broadcast_to(place, (len(r), 3)), place + r[:, None] * line], axis=1)
    found = _accelerations(law, values, position, pairs)
    return np.stack([found[:, 0] @ line, -found[:, 1] @ line], axis=1)


def _accelerations(
    law: BodyProblem, values: Mapping[str, float], position: np.ndarray, scalars: Scalars
) -> np.ndarray:
    """Return the accelerations `[F, b, d]` of bodies at rest."""
    (equation,) = law.equations
    own = {p.name: values[p.name] for p in law.parameters if p.name in values}
    states = {name: np.zeros_like(position) for name in law.components}
    states[equation.state] = position
    count = len(position)
    found = evaluate_bodies(
        law,
        states,
        scalars,
        parameters=own,
        inputs={name: np.zeros(count) for name in law.inputs},
        t=np.zeros(count),
    )
    return found[equation.state]


def _grid(r: np.ndarray) -> np.ndarray:
    """Return the distances of a path in order, with as many between them as integrals need."""
    low, high = float(r.min()), float(r.max())
    count = 1 + int(np.ceil(np.log(high / low) / PANEL))
    return np.unique(np.concatenate([r, np.geomspace(low, high, max(2, count))]))
