"""Measured accelerations of bodies as rates that laws are fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from residuum.data.observations import Experiment, Noise
from residuum.data.written_bodies import WrittenBodies
from residuum.laws.system import FitData

# Samples that a law is fitted to: of more, every so many are taken.
MOST_SAMPLES = 6000


def rate_data(bodies: WrittenBodies, experiments: Sequence[Experiment], noise: Noise) -> FitData:
    """Return every body of every frame as one sample of the first body's equations."""
    table = bodies.table(experiments, MOST_SAMPLES)
    written, groups = bodies.written, _groups(bodies)
    observed = _rates(bodies, table)
    base = _sizes(observed, groups)
    lefts = [equation.left for equation in bodies.problem.equations]
    known = np.array([noise.size_of(lefts[group]) or 0.0 for group in groups])
    return FitData(
        names=(),
        t=table["t"],
        starts=np.zeros(1, dtype=np.int64),
        inputs=_columns(table, written.inputs),
        observed=np.nan_to_num(observed),
        weights=np.where(np.isfinite(observed), 1.0 / base, 0.0),
        groups=groups,
        known=known / base,
        spread=np.ones(len(groups)),
        logarithmic=np.zeros(len(groups), dtype=bool),
        nodes=_columns(table, written.components),
    )


def _rates(bodies: WrittenBodies, table: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the measured rate of every component, NaN where it follows from another."""
    blank, columns = np.full(len(table["t"]), np.nan), []
    for equation in bodies.written.equations:
        columns += [blank] * (equation.order - 1) + [table[equation.left]]
    return np.stack(columns, axis=1)


def _groups(bodies: WrittenBodies) -> np.ndarray:
    """Return the place of each component's equation: all axes of a state share one noise."""
    rows = enumerate(bodies.problem.equations)
    return np.array([g for g, e in rows for _ in range(bodies.expansion.axes * e.order)])


def _sizes(observed: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the rms of each component's group, one where there is none."""
    size = np.ones(len(groups))
    for g in np.unique(groups):
        own = observed[:, groups == g]
        own = own[np.isfinite(own)]
        size[groups == g] = np.sqrt(np.mean(own**2)) if own.size else 1.0
    return np.where(size > 0, size, 1.0)


def _columns(table: Mapping[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    if not names:
        return np.zeros((len(table["t"]), 0))
    return np.ascontiguousarray(np.stack([table[n] for n in names], axis=1))
