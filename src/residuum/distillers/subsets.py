r"""Which few columns explain a target best: every small support, then a beam.

For a support :math:`S` the smallest residual of :math:`\|z - F_S c\|^2` is the square of the last
diagonal entry of the triangular factor of :math:`[F_S, z]`. The whole matrix is first reduced to
its own triangular factor, so a support costs a factorisation of `m` rows whatever the number of
samples, and many are factorised in one call. Orthogonal factors rather than normal equations:
library columns are nearly dependent by nature, and a Gram matrix squares their condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from math import comb
from typing import Any

import numpy as np

EXHAUSTIVE = 20_000  # supports of one size that are all tried; about 0.2 s
BEAM = 100  # supports that are extended by each column where not all are tried
CHUNK = 4_000
COLLINEAR = 1e-8  # smallest diagonal entry of the triangular factor of unit columns

Support = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Regression:
    """A least-squares problem reduced to `matrix[r, m]` and `target[r]`, r at most m + 1."""

    matrix: np.ndarray
    target: np.ndarray

    @classmethod
    def reduce(cls, matrix: np.ndarray, target: np.ndarray) -> Regression:
        """Return the problem with the same residuals for every support and fewer rows."""
        augmented = np.column_stack([matrix, target])
        triangular = np.asarray(np.linalg.qr(augmented, mode="r"))
        return cls(triangular[:, :-1], triangular[:, -1])

    @property
    def size(self) -> int:
        """Number of columns."""
        return self.matrix.shape[1]


def residuals(regression: Regression, supports: np.ndarray) -> np.ndarray:
    """Return the squared residual of each support `[s, k]`; infinite where it is collinear."""
    count, k = supports.shape
    augmented = np.empty((count, len(regression.target), k + 1))
    augmented[:, :, :k] = regression.matrix[:, supports].transpose(1, 0, 2)
    augmented[:, :, k] = regression.target
    triangular = np.linalg.qr(augmented, mode="r")
    diagonal = np.abs(np.diagonal(triangular, axis1=1, axis2=2))
    rss = diagonal[:, k] ** 2 if diagonal.shape[1] > k else np.zeros(count)
    return np.where(diagonal[:, :k].min(axis=1, initial=1.0) > COLLINEAR, rss, np.inf)


def solve(regression: Regression, support: Support) -> np.ndarray:
    """Return the least-squares coefficients of one support."""
    return np.linalg.lstsq(regression.matrix[:, support], regression.target, rcond=None)[0]


def search(
    regression: Regression,
    *,
    max_terms: int,
    seeds: Iterable[Support] = (),
    map: Callable[..., Iterable[Any]] = map,
) -> Mapping[int, tuple[np.ndarray, np.ndarray]]:
    """Return `{k: (supports[s, k], residuals[s])}`, best first, for 1 to `max_terms` columns.

    All supports of a size are tried while there are at most `EXHAUSTIVE`; beyond that the best
    of one fewer column are extended by each column. `seeds` (of any size) are tried as well.
    The result does not depend on `map`.
    """
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    extra = sorted({tuple(sorted(seed)) for seed in seeds})
    for k in range(1, min(max_terms, regression.size) + 1):
        seeded = [seed for seed in extra if len(seed) == k]
        if comb(regression.size, k) <= EXHAUSTIVE:
            supports = np.array(list(combinations(range(regression.size), k)))
        else:
            supports = _extended(found[k - 1][0][:BEAM], regression.size, seeded)
        found[k] = _ranked(supports, _evaluate(regression, supports, map))
    return found


def _extended(parents: np.ndarray, size: int, seeded: list[Support]) -> np.ndarray:
    children = {
        tuple(sorted((*parent, j)))
        for parent in parents.tolist()
        for j in range(size)
        if j not in parent
    }
    return np.array(sorted(children.union(seeded)))


def _evaluate(
    regression: Regression, supports: np.ndarray, map: Callable[..., Iterable[Any]]
) -> np.ndarray:
    chunks = [supports[i : i + CHUNK] for i in range(0, len(supports), CHUNK)]
    if len(chunks) == 1:
        return residuals(regression, supports)
    return np.concatenate(list(map(partial(residuals, regression), chunks)))


def _ranked(supports: np.ndarray, rss: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(rss, kind="stable")
    order = order[np.isfinite(rss[order])]
    return supports[order], rss[order]
