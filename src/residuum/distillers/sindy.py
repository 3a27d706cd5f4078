r"""Which sparse sums of library terms a hidden term's samples support.

The samples :math:`y` with covariance :math:`C` are regressed on library columns
:math:`\Phi_{ij} = \phi_j(x_i)` by generalised least squares,

.. math:: \min_\xi (y - \Phi\xi)^T (C + s^2 I)^{-1} (y - \Phi\xi), \quad \|\xi\|_0 = k,

for every small `k` (`whitening` gives s, `subsets` and `sparse_path` the supports). Columns are
evaluated in the user's units and scaled to unit whitened norm, so neither the choice nor the
constants depend on units. Sparse regression of dynamics: Brunton, Proctor and Kutz 2016,
doi:10.1073/pnas.1517384113.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from residuum.distillers.front import Candidate, Front
from residuum.distillers.library import build_library, combine, evaluate_library
from residuum.distillers.resampling import frequencies
from residuum.distillers.settings import SindySettings
from residuum.distillers.sparse_path import sparse_path
from residuum.distillers.subsets import Regression, Support, search, solve, structure_nats
from residuum.distillers.whitening import whiten
from residuum.expressions.expression import Expression
from residuum.hidden.samples import HiddenSamples
from residuum.seeds import generator

# Columns at a smaller angle than this (radians) count as the same column.
_SAME = 1e-5
_ILL_CONDITIONED = 1e6


@dataclass(frozen=True, slots=True)
class Design:
    """Library terms with whitened columns of unit norm `matrix[n, m]` and whitened `target[n]`.

    A coefficient in the user's units is the coefficient of the unit column over `norms[m]`.
    """

    terms: tuple[Expression, ...]
    matrix: np.ndarray
    norms: np.ndarray
    target: np.ndarray
    informative: int
    notes: tuple[str, ...]


def distill_sindy(
    samples: HiddenSamples,
    settings: SindySettings,
    *,
    seed: int,
    map: Callable[..., Iterable[Any]] = map,
) -> Front:
    """Return the best sparse sums of each size, every single term, and zero.

    `map` spreads the search of large libraries over workers; the front does not depend on it.
    Raises ValueError for fewer than three samples or samples that are not finite.
    """
    _check(samples)
    design = _design(samples, settings)
    regression = Regression.reduce(design.matrix, design.target)
    path = sparse_path(regression.matrix, regression.target)
    largest = min(settings.max_terms, len(samples.values) - 1)
    found = search(regression, max_terms=largest, seeds=path, map=map)
    supports = _kept(found, path, settings.candidates)
    shares = _shares(design, list(supports), settings, seed=seed, term=samples.term)
    rows = [
        _candidate(samples.term, design, regression, support, origin, share)
        for (support, origin), share in zip(supports.items(), shares, strict=True)
    ]
    rows.sort(key=lambda row: (row.complexity, row.loss, row.expression.tokens))
    return Front(samples.term, tuple(rows), len(design.terms), design.notes)


def _check(samples: HiddenSamples) -> None:
    if len(samples.values) < 3:
        raise ValueError(
            f"{samples.term}: expected at least 3 hidden samples, found {len(samples.values)}"
        )
    parts = {"X": samples.X, "values": samples.values, "covariance": samples.covariance}
    for name, array in parts.items():
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            where = ", ".join(str(index) for index in bad[0])
            raise ValueError(
                f"{samples.term}: {name}[{where}]: expected a finite number, "
                f"found {array[tuple(bad[0])]}"
            )


def _design(samples: HiddenSamples, settings: SindySettings) -> Design:
    alive = [name for name, on in zip(samples.arguments, samples.alive, strict=True) if on]
    terms = build_library(alive, degree=settings.degree, functions=settings.functions)
    columns = evaluate_library(terms, samples.arguments, samples.X)
    usable, notes = _usable(terms, columns)
    whitening = whiten(samples.covariance, samples.values, columns[:, usable])
    matrix = whitening.apply(columns[:, usable])
    norms = np.linalg.norm(matrix, axis=0)
    matrix = matrix / norms
    kept, repeated = _distinct(matrix, [terms[j] for j in usable])
    matrix, chosen = matrix[:, kept], [usable[j] for j in kept]
    return Design(
        terms=tuple(terms[j] for j in chosen),
        matrix=matrix,
        norms=norms[kept],
        target=whitening.apply(samples.values),
        informative=whitening.informative,
        notes=(*notes, *repeated, *_conditioning(matrix)),
    )


def _usable(
    terms: tuple[Expression, ...], columns: np.ndarray
) -> tuple[list[int], tuple[str, ...]]:
    """Return the columns that are finite and not zero, and a note on each of the others."""
    finite = np.isfinite(columns).all(axis=0)
    zero = ~columns.any(axis=0)
    notes = [
        f"{term.infix()} is {'zero' if finite[j] else 'not finite'} on these samples: left out"
        for j, term in enumerate(terms)
        if zero[j] or not finite[j]
    ]
    return [j for j in range(len(terms)) if finite[j] and not zero[j]], tuple(notes)


def _distinct(
    matrix: np.ndarray, terms: list[Expression]
) -> tuple[list[int], tuple[str, ...]]:
    """Return the columns that repeat no earlier one, and a note on each of the others."""
    kept: list[int] = []
    notes = []
    for j, term in enumerate(terms):
        # |a - sign b| is the angle between unit columns; 1 - a.b would lose half the digits.
        signs = np.sign(matrix[:, kept].T @ matrix[:, j])
        angles = np.linalg.norm(matrix[:, kept] * signs - matrix[:, [j]], axis=0)
        if (angles < _SAME).any():
            twin = terms[kept[int(angles.argmin())]].infix()
            notes.append(
                f"{term.infix()} is a constant times {twin} on these samples: left out"
            )
        else:
            kept.append(j)
    return kept, tuple(notes)


def _conditioning(matrix: np.ndarray) -> tuple[str, ...]:
    if matrix.shape[1] < 2:
        return ()
    sizes = np.linalg.svd(matrix, compute_uv=False)
    condition = sizes[0] / max(sizes[-1], np.finfo(float).tiny)
    if matrix.shape[0] >= matrix.shape[1] and condition < _ILL_CONDITIONED:
        return ()
    if matrix.shape[0] < matrix.shape[1]:
        return (
            f"{matrix.shape[0]} samples for {matrix.shape[1]} library terms: "
            "only sums of few terms are determined",
        )
    return (
        f"the library's condition number on these samples is {condition:.1g}: "
        "sums of its terms are hard to tell apart",
    )


def _kept(
    found: Mapping[int, tuple[np.ndarray, np.ndarray]],
    path: Mapping[Support, str],
    count: int,
) -> dict[Support, str]:
    """Return `{support: origin}`: zero, all single terms, the best of each size, the path's."""
    kept: dict[Support, str] = {(): "sindy/zero"}
    for k, (ranked, _) in found.items():
        supports = [tuple(row) for row in ranked.tolist()]
        best = set(supports if k == 1 else supports[:count])
        for support in supports:
            if support in best or support in path:
                kept[support] = f"sindy/{path.get(support, 'subset')}"
    return kept


def _shares(
    design: Design, supports: list[Support], settings: SindySettings, *, seed: int, term: str
) -> list[float | None]:
    if settings.resamples == 0:
        return [None] * len(supports)
    return frequencies(
        design.matrix,
        design.target,
        supports,
        count=settings.resamples,
        directions=design.informative,
        generator=generator(seed, "distill", "sindy", term),
    ).tolist()


def _candidate(
    term: str,
    design: Design,
    regression: Regression,
    support: Support,
    origin: str,
    share: float | None,
) -> Candidate:
    unit = solve(regression, support)
    residual = design.target - design.matrix[:, support] @ unit
    coefficients = unit / design.norms[list(support)]
    return Candidate(
        term=term,
        expression=combine(coefficients.tolist(), [design.terms[j] for j in support]),
        loss=float(np.mean(residual**2)),
        structure_nats=structure_nats(len(design.terms), support),
        origin=origin,
        frequency=share,
    )
