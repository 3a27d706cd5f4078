r"""What do noisy positions say of accelerations that nobody measured?

Every path is smoothed by a penalised spline, so the derivative of the order of its equation is a
linear map :math:`D x` of the measurements. A body that moves by :math:`x = x_0 + v_0 t + K a` has

.. math:: D x = G a, \qquad G = D K,

for the splines keep straight lines: the derivative is a local mean of the acceleration, not the
acceleration itself. What the mean takes away is known as soon as there is a model :math:`R`, so
the targets of the fit become

.. math:: a^* = D x + (1 - G)\, R .

One roughness serves all bodies of an experiment; it is that of the mean degrees of freedom which
restricted likelihood gives their paths, with one noise for all. A few paths that a close encounter
has bent cannot decide it. Where two bodies move past each other by more than their distance within
the time that a mean is over, it says nothing of what acts between them, and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from residuum.data.observations import Experiment
from residuum.errors import UserError
from residuum.problem.body_problem import BodyProblem
from residuum.problem.names import derivative
from residuum.surrogates import bsplines

DEGREE = 5
FEWEST = 6  # measurements of a body
MOST = 200  # coefficients of a spline
RIDGE = 1e-9  # of the largest diagonal entry
GRID = np.logspace(-16, 6, 89)  # roughness weights
STIFFEST, SOFTEST = 3.2, 0.6  # degrees of freedom, the latter as a share of the measurements
VAGUE = 2.0  # times the median uncertainty, above which a derivative says nothing
PASSED = 2.0  # distances that two bodies move by while they pass each other
BLURRED = 0.1  # share of a mean that may come from passings too close to be seen

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Paths:
    """Experiments with every component smoothed, and what their derivatives stand for.

    `rates[experiment][state][n, b, d]` are the derivatives that the equations are of, NaN where
    they are too uncertain, and `spreads[experiment][state][n, b]` how uncertain each of their axes
    is. `means[experiment][state][b]` is the matrix `G[n, n]` of each body.
    `sharing` is how many rates rest on the same measurements.
    """

    experiments: tuple[Experiment, ...]
    rates: Mapping[str, Arrays]
    spreads: Mapping[str, Arrays]
    means: Mapping[str, Mapping[str, Sequence[np.ndarray]]]
    noise: Mapping[str, float]
    sharing: float

    def corrected(self, model: Mapping[str, Arrays]) -> dict[str, dict[str, np.ndarray]]:
        """Return the rates with what the means took away put back, by a model's accelerations.

        `model[experiment][state][n, b, d]` is NaN where a body was not seen.
        """
        return {
            name: {
                state: values + _lost(model[name][state], self.means[name][state])
                for state, values in rates.items()
            }
            for name, rates in self.rates.items()
        }

    def lengths(
        self, targets: Mapping[str, Arrays], model: Mapping[str, Arrays] | None = None
    ) -> dict[str, dict[str, np.ndarray]]:
        """Return the lengths `[n, b]` with which errors grow: of a model, or of targets.

        What noise adds to targets is no part of them: those that it makes small by chance would
        count for more than others, and forces come out too weak.
        """
        found: dict[str, dict[str, np.ndarray]] = {}
        for name, own in targets.items():
            found[name] = {}
            for state, a in own.items():
                noise = self.spreads[name][state] ** 2 * a.shape[2]
                seen = np.sqrt(np.maximum((np.nan_to_num(a) ** 2).sum(axis=-1) - noise, 0.0))
                said = np.nan_to_num(model[name][state]) if model else np.zeros_like(a)
                found[name][state] = np.maximum(seen, np.linalg.norm(said, axis=-1))
        return found


def _lost(a: np.ndarray, means: Sequence[np.ndarray]) -> np.ndarray:
    whole = np.nan_to_num(a)
    smooth = np.stack([G @ whole[:, b] for b, G in enumerate(means)], axis=1)
    return np.where(np.isfinite(a), whole - smooth, 0.0)


def smoothed(problem: BodyProblem, experiments: Sequence[Experiment]) -> Paths:
    """Return the smoothed paths of all bodies.

    Raises UserError where a state was not measured, or in too few frames.
    """
    usable = _usable(problem, experiments)
    states: dict[str, dict[str, np.ndarray]] = {e.name: {} for e in usable}
    rates: dict[str, dict[str, np.ndarray]] = {e.name: {} for e in usable}
    spreads: dict[str, dict[str, np.ndarray]] = {e.name: {} for e in usable}
    means: dict[str, dict[str, list[np.ndarray]]] = {e.name: {} for e in usable}
    noise, sharing = {}, []
    for equation in problem.equations:
        splines = [_Splines.of(e, equation.state) for e in usable]
        noise[equation.state] = sigma = float(np.median([s for row in splines for s in row.noise]))
        found = [row.smooth(equation.order, sigma) for row in splines]
        sharing.append(np.mean([row.sharing for row in found]))
        vague = VAGUE * np.median(np.concatenate([row.spread for row in found]))
        for e, row in zip(usable, found, strict=True):
            for order, values in enumerate(row.components):
                states[e.name][derivative(equation.state, order)] = values
            rates[e.name][equation.state] = np.where(
                row.spread[..., None] <= vague, row.rate, np.nan
            )
            spreads[e.name][equation.state] = row.spread
            means[e.name][equation.state] = row.means
    whole = tuple(replace(e, states=states[e.name]) for e in usable)
    shared = float(max(1.0, np.mean(sharing)))
    if problem.sums:
        for e in whole:
            blurred = _passing(e.states[problem.states[0]], shared)
            for state, G in means[e.name].items():
                rates[e.name][state][_resting_on(blurred, G)] = np.nan
    return Paths(whole, rates, spreads, means, noise, shared)


def _usable(problem: BodyProblem, experiments: Sequence[Experiment]) -> list[Experiment]:
    """Return the experiments of enough frames in which every state was measured."""
    for equation in problem.equations:
        if any(equation.state not in e.states for e in experiments):
            raise UserError(
                f"state {equation.state!r} is not measured",
                expected="positions of all bodies",
                hint="give them under states:",
            )
    usable = [e for e in experiments if len(e) >= FEWEST]
    if not usable:
        raise UserError(
            "too few frames to follow bodies",
            expected=f"at least {FEWEST} frames in some experiment, or measured accelerations",
            found=f"at most {max(map(len, experiments), default=0)}",
        )
    return usable


def _passing(x: np.ndarray, frames: float) -> np.ndarray:
    """Return which bodies pass another one too fast for so many frames to tell, `[n, b]`."""
    n, bodies = x.shape[:2]
    apart = x[:, :, None] - x[:, None]
    half = max(1, round(frames / 2))
    late, early = np.minimum(np.arange(n) + half, n - 1), np.maximum(np.arange(n) - half, 0)
    moved = np.linalg.norm(apart[late] - apart[early], axis=-1)
    distance = np.linalg.norm(apart, axis=-1)
    distance[:, np.arange(bodies), np.arange(bodies)] = np.inf
    return np.asarray((moved > PASSED * distance).any(axis=2))


def _resting_on(marked: np.ndarray, means: Sequence[np.ndarray]) -> np.ndarray:
    """Return which rates owe more than the share `BLURRED` of their mean to marked frames."""
    shares = [np.abs(G) @ marked[:, b] / np.abs(G).sum(axis=1) for b, G in enumerate(means)]
    return np.stack(shares, axis=1) > BLURRED


@dataclass(frozen=True, slots=True)
class _Smooth:
    """Components `[n, b, d]` by order, the rate, its uncertainty `[n, b]`, means by body."""

    components: list[np.ndarray]
    rate: np.ndarray
    spread: np.ndarray
    means: list[np.ndarray]
    sharing: float


@dataclass(frozen=True)
class _Splines:
    """One state of one experiment: `values[n, b, d]` and the basis of each body."""

    t: np.ndarray
    values: np.ndarray
    bases: tuple[_Basis, ...]

    @classmethod
    def of(cls, e: Experiment, state: str) -> _Splines:
        values = e.states[state]
        there = np.isfinite(values).all(axis=-1)
        known = {}
        for own in there.T:
            if own.tobytes() not in known:
                known[own.tobytes()] = _Basis(e.t, own)
        return cls(e.t, values, tuple(known[own.tobytes()] for own in there.T))

    @cached_property
    def noise(self) -> list[float]:
        """The noise of every component of every path, each by itself."""
        return [
            float(basis.best(self._path(b), None)[1][k])
            for b, basis in enumerate(self.bases)
            for k in range(self.values.shape[2])
            if basis.enough
        ]

    def smooth(self, order: int, sigma: float) -> _Smooth:
        """Return everything at the roughness of the mean degrees of freedom."""
        wanted = [
            free
            for b, basis in enumerate(self.bases)
            if basis.enough
            for free in basis.best(self._path(b), sigma)[0]
        ]
        mean = float(np.mean(wanted)) if wanted else STIFFEST
        components = [np.full(self.values.shape, np.nan) for _ in range(order)]
        rate, means = np.full(self.values.shape, np.nan), []
        spread = np.full(self.values.shape[:2], np.inf)
        integral = _integral(self.t, order)
        for b, basis in enumerate(self.bases):
            maps = [basis.derivative(k, mean) for k in range(order + 1)]
            path = np.nan_to_num(self.values[:, b])
            for k, part in enumerate(components):
                part[basis.there, b] = (maps[k] @ path)[basis.there]
            if basis.enough:
                rate[basis.there, b] = (maps[order] @ path)[basis.there]
                spread[:, b] = sigma * basis.spread(order, mean)
            means.append(maps[order] @ integral)
        return _Smooth(components, rate, spread, means, len(self.t) / mean)

    def _path(self, body: int) -> np.ndarray:
        return np.asarray(self.values[self.bases[body].there, body])


class _Basis:
    """Splines on the times at which a body was seen, in directions that no roughness mixes.

    Demmler and Reinsch (1975, doi:10.1007/BF01437407): a weight `w` shrinks direction `k` by
    `1/(1 + w*stiffness[k])`.
    """

    def __init__(self, t: np.ndarray, there: np.ndarray) -> None:
        self.there, self.count = there, int(there.sum())
        self.enough = self.count >= FEWEST
        size = int(np.clip(self.count, DEGREE + 3, MOST))
        roughness, vectors = (part.numpy() for part in bsplines.modes(size, DEGREE))
        self.span = float(t[-1] - t[0])
        x = torch.tensor((t - t[0]) / self.span)
        seen = bsplines.basis(x, size, DEGREE).numpy()[there] @ vectors
        normal = seen.T @ seen
        normal += RIDGE * np.diag(normal).max() * np.eye(size)
        root = np.linalg.inv(np.linalg.cholesky(normal))
        self.stiffness, turned = np.linalg.eigh((root * roughness) @ root.T)
        self.stiffness = np.clip(self.stiffness, 0.0, None)
        self.stiffness[: bsplines.PENALISED] = 0.0
        self._directions = vectors @ root.T @ turned
        self._x, self._size = x, size
        self._seen = seen @ root.T @ turned
        freedom = (1 / (1 + np.outer(GRID, self.stiffness))).sum(axis=1)
        fits = (freedom >= STIFFEST) & (freedom <= max(SOFTEST * self.count, STIFFEST + 1))
        self.weights, self.freedom = GRID[fits], freedom[fits]

    def best(self, path: np.ndarray, sigma: float | None) -> tuple[np.ndarray, np.ndarray]:
        """Return degrees of freedom and noise `[d]` by restricted likelihood; `sigma` if given."""
        y = path - path.mean(axis=0)
        z = self._seen.T @ y
        shrunk = 1 / (1 + self.weights[:, None, None] * self.stiffness[:, None])
        squares = np.maximum((y**2).sum(axis=0) - (z**2 * shrunk).sum(axis=1), 1e-30)
        free = self.count - bsplines.PENALISED
        variance = squares / free if sigma is None else np.full_like(squares, max(sigma**2, 1e-300))
        rough = self._size - bsplines.PENALISED
        volume = -np.log(shrunk[..., 0]).sum(axis=1) - rough * np.log(self.weights)
        score = -0.5 * (squares / variance + volume[:, None]) - 0.5 * free * np.log(variance)
        place = score.argmax(axis=0)
        return self.freedom[place], np.sqrt(np.take_along_axis(variance, place[None], 0)[0])

    def derivative(self, order: int, freedom: float) -> np.ndarray:
        """Return the matrix `[n, n]` from measurements to a derivative of the smoothed path."""
        found = np.zeros((len(self.there), len(self.there)))
        found[:, self.there] = (self._at(order) * self._shrunk(freedom)) @ self._seen.T
        return found

    def spread(self, order: int, freedom: float) -> np.ndarray:
        """Return the posterior standard deviation `[n]` of a derivative, for noise of one."""
        return np.asarray(np.sqrt((self._at(order) ** 2 * self._shrunk(freedom)).sum(axis=1)))

    def _at(self, order: int) -> np.ndarray:
        splines = bsplines.basis(self._x, self._size, DEGREE, order).numpy()
        return np.asarray(splines @ self._directions / self.span**order)

    def _shrunk(self, freedom: float) -> np.ndarray:
        weight = np.exp(np.interp(-freedom, -self.freedom, np.log(self.weights)))
        return np.asarray(1 / (1 + weight * self.stiffness))


def _integral(t: np.ndarray, order: int) -> np.ndarray:
    """Return the matrix from an acceleration, linear between its times, to its integral."""
    steps, whole = np.diff(t)[:, None], np.eye(len(t))
    before, after = whole[:-1], whole[1:]
    # Over a step h, from zero: v grows by h(a + b)/2 and x by h v + h^2 (2a + b)/6.
    speed = np.vstack([np.zeros(len(t)), np.cumsum(steps * (before + after) / 2, axis=0)])
    if order == 1:
        return speed
    gained = steps * speed[:-1] + steps**2 * (2 * before + after) / 6
    return np.vstack([np.zeros(len(t)), np.cumsum(gained, axis=0)])
