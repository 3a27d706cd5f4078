r"""How far can bodies be followed?

Where two bodies pass each other, small errors grow: their distance changes by a factor of the
order of :math:`\exp(s)`,

.. math:: s = \sum_k \max_{i<j} \frac{|x_{ij}(t_{k+1}) - x_{ij}(t_k)|}
                                     {\min(|x_{ij}(t_k)|, |x_{ij}(t_{k+1})|)} .

A law is followed over windows in which `s` stays below `FOLLOWED`, each with a start of its own:
over more, what is left of its misfit is chaos and no longer tells one law from another, and a fit
finds no way to the constants. Nor is it followed where two bodies move by more than a share
`PASSED` of their distance between two frames: a force that is strong at short distance asks there
for more than the frames show. Where that would leave less than half of them, more is allowed.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from residuum.data.written_bodies import WrittenBodies
from residuum.hidden.samples import Trajectory
from residuum.laws.system import FitData

FOLLOWED = 3.0
PASSED = (0.2, 0.4, 0.8, 1.6)
FEWEST = 5  # frames of a window
ENOUGH = 0.5  # share of the frames that are to be followed


def windowed(
    data: FitData, bodies: WrittenBodies, trajectories: Mapping[str, Trajectory]
) -> FitData:
    """Return the data with a start for every window; frames in none of them have no weight."""
    rows = list(itertools.pairwise(data.bounds.tolist()))
    growths = [
        growth(_positions(bodies, trajectories[name], data.t[first:stop]))
        for name, (first, stop) in zip(data.names, rows, strict=True)
    ]
    for passed in PASSED:
        found = [
            (first + begin, first + end)
            for (first, _), own in zip(rows, growths, strict=True)
            for begin, end in windows_of(own, passed)
        ]
        if sum(end - begin for begin, end in found) >= ENOUGH * len(data.t):
            break
    seen = np.zeros(len(data.t), dtype=bool)
    first_rows = np.ones(len(data.t) + 1, dtype=bool)
    for begin, end in found:
        seen[begin:end] = True
        first_rows[begin + 1 : end] = False
    weights = np.where(seen[:, None], data.weights, 0.0)
    return replace(data, starts=np.flatnonzero(first_rows), weights=weights, runs=data.bounds)


def _positions(bodies: WrittenBodies, path: Trajectory, t: np.ndarray) -> np.ndarray:
    """Return the positions `[n, b, d]` of the first state."""
    names = bodies.expansion.components(bodies.problem.states[0])
    columns = [np.interp(t, path.t, path.components[name]) for name in names]
    return np.stack(columns, -1).reshape(len(t), bodies.expansion.bodies, bodies.expansion.axes)


def windows_of(growth: np.ndarray, passed: float) -> list[tuple[int, int]]:
    """Return the frames `[begin, end)` of each window, by what every interval adds to `s`."""
    found, begin = [], 0
    for cut in [*np.flatnonzero(growth > passed).tolist(), len(growth)]:
        found += _split(growth[begin:cut], begin)
        begin = cut + 1
    return [(a, b) for a, b in found if b - a >= FEWEST]


def _split(growth: np.ndarray, first: int) -> list[tuple[int, int]]:
    """Return frames in as few windows as `FOLLOWED` allows, of about the same growth."""
    passed = np.concatenate([[0.0], np.cumsum(growth)])
    count = max(1, int(np.ceil(passed[-1] / FOLLOWED)))
    ends = np.searchsorted(passed, passed[-1] * np.arange(1, count) / count)
    edges = np.unique([0, *ends, len(passed)])
    return [(first + int(a), first + int(b)) for a, b in itertools.pairwise(edges)]


def growth(x: np.ndarray) -> np.ndarray:
    """Return how much every interval between frames of positions `x[n, b, d]` adds to `s`."""
    one, other = np.triu_indices(x.shape[1], 1)
    apart = x[:, one] - x[:, other]
    distance = np.linalg.norm(apart, axis=-1)
    moved = np.linalg.norm(np.diff(apart, axis=0), axis=-1)
    nearest = np.maximum(np.minimum(distance[1:], distance[:-1]), 1e-300)
    return np.asarray((moved / nearest).max(axis=1, initial=0.0))
