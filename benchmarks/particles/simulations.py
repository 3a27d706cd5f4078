r"""Where do the twelve particle cases come from?

.. math:: m_i \ddot x_i = \sum_{j \ne i} f(r, m_i, m_j, q_i, q_j)\,\frac{x_j - x_i}{|x_j - x_i|}
          + \mathrm{drag}(v_i), \qquad r = |x_j - x_i| + 0.01

with attraction positive: `spring` :math:`f = 2 (r - 1)`; `damped` the same with a drag of
:math:`-v_i` on every body (the paper damps only the first body of a pair, by :math:`v_i/n` a
pair); `discontinuous` the spring from :math:`r = 2` on and nothing below; `r1`
:math:`m_i m_j / r`; `r2` :math:`m_i m_j / r^2`; `charge` :math:`-q_i q_j / r^2`.

As in the paper, positions and velocities start standard normal, masses are :math:`e^z` with `z`
standard normal and charges are :math:`\pm 1`. Every simulation gives a few snapshots at times
drawn uniformly, with exact accelerations, so snapshots are almost independent.

Source: M. Cranmer et al., Discovering symbolic models from deep learning with inductive biases,
NeurIPS 2020, arXiv:2006.11287.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

SOFTENING = 1e-2  # added to every distance
BATCH = 10  # simulations integrated as one system, with one step size

# Magnitude of the pair force, from softened distance, products of masses and of charges.
Law = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Case:
    """A law of attraction, a coefficient of drag, how long a simulation lasts, its tolerance.

    The tolerance is loose where a force jumps: snapshots need be typical, and are exact anyway.
    """

    law: Law
    duration: float
    drag: float = 0.0
    tolerance: float = 1e-5


CASES: dict[str, Case] = {
    "spring": Case(lambda r, m, q: 2.0 * (r - 1.0), 10.0),
    "damped": Case(lambda r, m, q: 2.0 * (r - 1.0), 10.0, drag=1.0),
    "discontinuous": Case(
        lambda r, m, q: np.where(r < 2.0, 0.0, 2.0 * (r - 1.0)), 10.0, tolerance=1e-3
    ),
    "r1": Case(lambda r, m, q: m / r, 5.0),
    "r2": Case(lambda r, m, q: m / r**2, 1.0),
    "charge": Case(lambda r, m, q: -q / r**2, 1.0),
}


@dataclass(frozen=True, slots=True)
class Snapshots:
    """`F` snapshots of `n` bodies on `d` axes; `forces[f, i, j]` is the force on `i` from `j`."""

    positions: np.ndarray
    velocities: np.ndarray
    masses: np.ndarray
    charges: np.ndarray
    accelerations: np.ndarray
    forces: np.ndarray

    def take(self, index: slice | np.ndarray) -> Snapshots:
        """Return some of the snapshots."""
        return Snapshots(*(getattr(self, name)[index] for name in self.__slots__))


def pair_forces(case: Case, x: np.ndarray, m: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the force on body `i` from `j`, `[..., n, n, d]`, from `x[..., n, d]`, `m`, `q`."""
    difference = x[..., None, :, :] - x[..., :, None, :]
    distance = np.linalg.norm(difference, axis=-1)
    magnitude = case.law(
        distance + SOFTENING, m[..., :, None] * m[..., None, :], q[..., :, None] * q[..., None, :]
    )
    away = distance > 0.0
    along = np.divide(magnitude, distance, out=np.zeros_like(distance), where=away)
    return along[..., None] * difference


def accelerations(
    case: Case, x: np.ndarray, v: np.ndarray, m: np.ndarray, q: np.ndarray
) -> np.ndarray:
    """Return the accelerations `[..., n, d]`."""
    return (pair_forces(case, x, m, q).sum(axis=-2) - case.drag * v) / m[..., None]


def snapshots(
    name: str,
    *,
    axes: int,
    count: int,
    rng: np.random.Generator,
    bodies: int = 4,
    each: int = 10,
) -> Snapshots:
    """Return `count` snapshots of the case `name`, `each` of them from one simulation."""
    case = CASES[name]
    simulations = -(-count // each)
    parts = [
        _simulate(case, axes, bodies, min(BATCH, simulations - start), each, rng)
        for start in range(0, simulations, BATCH)
    ]
    x, v, m, q = (np.concatenate(part) for part in zip(*parts, strict=True))
    a, f = accelerations(case, x, v, m, q), pair_forces(case, x, m, q)
    return Snapshots(x, v, m, q, a, f).take(slice(count))


def _simulate(
    case: Case, axes: int, bodies: int, batch: int, each: int, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Return positions, velocities `[batch*each, n, d]`, masses, charges `[batch*each, n]`."""
    start = rng.standard_normal((2, batch, bodies, axes))
    m = np.exp(rng.standard_normal((batch, bodies)))
    q = rng.choice([-1.0, 1.0], (batch, bodies))
    times = np.sort(rng.uniform(0.0, case.duration, each))

    def slope(t: float, y: np.ndarray) -> np.ndarray:
        x, v = y.reshape(start.shape)
        return np.stack([v, accelerations(case, x, v, m, q)]).ravel()

    span = (0.0, float(times[-1]))
    path = solve_ivp(
        slope, span, start.ravel(), "DOP853", times, rtol=case.tolerance, atol=case.tolerance
    )
    x, v = np.moveaxis(path.y.T.reshape(each, *start.shape), 1, 0).reshape(2, -1, bodies, axes)
    return x, v, np.tile(m, (each, 1)), np.tile(q, (each, 1))
