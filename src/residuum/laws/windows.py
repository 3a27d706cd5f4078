r"""How far can bodies be followed?

Where two bodies pass each other, small errors grow: their distance changes by a factor of the
order of :math:`\exp(s)`,

.. math:: s = \sum_k \max_{i<j} \frac{|x_{ij}(t_{k+1}) - x_{ij}(t_k)|}
                                     {\min(|x_{ij}(t_k)|, |x_{ij}(t_{k+1})|)} .

A law is followed over windows in which `s` stays below `FOLLOWED`, each with a start of its own:
over more, what is left of its misfit is chaos and no longer tells one law from another, and a fit
finds no way to the constants. Nor is it followed where two bodies move by more than `PASSED`
distances between two frames, for then nobody saw what they did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from residuum.data.written_bodies import WrittenBodies
from residuum.hidden.samples import Trajectory
from residuum.laws.system import FitData

FOLLOWED = 5.0
PASSED = 1.0
FEWEST = 5  # frames of a window


def windowed(
    data: FitData, bodies: WrittenBodies, trajectories: Mapping[str, Trajectory]
) -> FitData:
    """Return the data with a start for every window; frames in none of them have no weight."""
    starts, weights = [], data.weights.copy()
    for k, (first, stop) in enumerate(zip(data.starts[:-1], data.starts[1:], strict=True)):
        x = _positions(bodies, trajectories[data.names[k]], data.t[first:stop])
        for begin, end in windows_of(x):
            if end - begin < FEWEST:
                weights[first + begin : first + end] = 0.0
                starts += range(first + begin, first + end)
            else:
                starts.append(first + begin)
    ends = np.array([*starts, len(data.t)], dtype=np.int64)
    return replace(data, starts=ends, weights=weights, runs=data.starts)


def _positions(bodies: WrittenBodies, path: Trajectory, t: np.ndarray) -> np.ndarray:
    """Return the positions `[n, b, d]` of the first state."""
    names = bodies.expansion.components(bodies.problem.states[0])
    columns = [np.interp(t, path.t, path.components[name]) for name in names]
    return np.stack(columns, -1).reshape(len(t), bodies.expansion.bodies, bodies.expansion.axes)


def windows_of(x: np.ndarray) -> list[tuple[int, int]]:
    """Return the frames `[begin, end)` of each window of positions `x[n, b, d]`."""
    growth, found, begin = _growth(x), [], 0
    for cut in [*np.flatnonzero(growth > PASSED), len(growth)]:
        found += _split(growth[begin:cut], begin)
        begin = int(cut) + 1
    return found


def _split(growth: np.ndarray, first: int) -> list[tuple[int, int]]:
    """Return frames in as few windows as `FOLLOWED` allows, of about the same growth."""
    passed = np.concatenate([[0.0], np.cumsum(growth)])
    count = max(1, int(np.ceil(passed[-1] / FOLLOWED)))
    ends = np.searchsorted(passed, passed[-1] * np.arange(1, count) / count)
    edges = np.unique([0, *ends, len(passed)])
    return [(first + int(a), first + int(b)) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def _growth(x: np.ndarray) -> np.ndarray:
    """Return how much every interval adds to `s`, `[n - 1]`."""
    one, other = np.triu_indices(x.shape[1], 1)
    apart = x[:, one] - x[:, other]
    distance = np.linalg.norm(apart, axis=-1)
    moved = np.linalg.norm(np.diff(apart, axis=0), axis=-1)
    nearest = np.maximum(np.minimum(distance[1:], distance[:-1]), 1e-300)
    return np.asarray((moved / nearest).max(axis=1, initial=0.0))
