"""The regression a library and the samples make: whitened unit columns, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from residuum.distillers.library import build_library, evaluate_library
from residuum.distillers.settings import SindySettings
from residuum.distillers.whitening import Whitening, whiten, whiten_likelihood
from residuum.expressions.expression import Expression
from residuum.hidden.samples import HiddenSamples

# Columns at a smaller angle than this (radians) count as the same column.
_SAME = 1e-5
_ILL_CONDITIONED = 1e6


@dataclass(frozen=True, slots=True)
class Design:
    """Library terms with whitened columns of unit norm `matrix[r, m]` and whitened `target[r]`.

    A coefficient in the user's units is the coefficient of the unit column over `norms[m]`.
    """

    terms: tuple[Expression, ...]
    matrix: np.ndarray
    norms: np.ndarray
    target: np.ndarray
    informative: int
    notes: tuple[str, ...]


def build_design(samples: HiddenSamples, settings: SindySettings) -> Design:
    """Return the design of the library in the alive arguments.

    Terms that are not finite or vanish on the samples, or repeat an earlier term there, are left
    out with a note each. Raises ValueError for fewer than three samples or samples that are
    not finite.
    """
    _check(samples)
    alive = [name for name, on in zip(samples.arguments, samples.alive, strict=True) if on]
    terms = build_library(alive, degree=settings.degree, functions=settings.functions)
    columns = evaluate_library(terms, samples.arguments, samples.X)
    usable, notes = _usable(terms, columns)
    kept, repeated = _distinct(columns[:, usable], [terms[j] for j in usable])
    chosen = [usable[j] for j in kept]
    terms, columns = tuple(terms[j] for j in chosen), columns[:, chosen]
    whitening, doubts = _whitening(samples, columns)
    matrix = whitening.rows @ columns
    norms = np.maximum(np.linalg.norm(matrix, axis=0), np.finfo(float).tiny)
    matrix = matrix / norms
    return Design(
        terms=terms,
        matrix=matrix,
        norms=norms,
        target=whitening.target,
        informative=whitening.informative,
        notes=(*notes, *repeated, *doubts, *_conditioning(matrix)),
    )


def _check(samples: HiddenSamples) -> None:
    if len(samples.values) < 3:
        raise ValueError(
            f"{samples.term}: expected at least 3 hidden samples, found {len(samples.values)}"
        )
    for name in ("X", "values", "covariance", "prior", "prior_mean"):
        array = getattr(samples, name)
        bad = np.empty((0, 1)) if array is None else np.argwhere(~np.isfinite(array))
        if len(bad):
            where = ", ".join(str(index) for index in bad[0])
            found = array[tuple(bad[0])]
            raise ValueError(
                f"{samples.term}: {name}[{where}]: expected a finite number, found {found}"
            )


def _whitening(samples: HiddenSamples, columns: np.ndarray) -> tuple[Whitening, tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    if samples.prior is not None:
        mean = samples.prior_mean
        mean = np.zeros_like(samples.values) if mean is None else mean
        found = whiten_likelihood(samples.covariance, samples.values, samples.prior, mean)
        if found is not None:
            return found, notes
        notes = (f"the data say nothing of {samples.term} beyond the surrogate's prior",)
    return whiten(samples.covariance, samples.values, columns), notes


def _usable(terms: Sequence[Expression], columns: np.ndarray) -> tuple[list[int], tuple[str, ...]]:
    """Return the columns that are finite and not zero, and a note on each of the others."""
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.linalg.norm(columns, axis=0)
    notes = [
        f"{term.infix()} is {'zero' if norm == 0 else 'not finite'} on these samples: left out"
        for term, norm in zip(terms, norms, strict=True)
        if norm == 0 or not np.isfinite(norm)
    ]
    return [j for j, norm in enumerate(norms) if np.isfinite(norm) and norm > 0], tuple(notes)


def _distinct(
    columns: np.ndarray, terms: Sequence[Expression]
) -> tuple[list[int], tuple[str, ...]]:
    """Return the columns that repeat no earlier one, and a note on each of the others.

    Judged on the samples unweighted: columns that only the precision makes alike are different
    formulas, which other data may tell apart.
    """
    unit = columns / np.linalg.norm(columns, axis=0)
    kept: list[int] = []
    notes = []
    for j, term in enumerate(terms):
        others, column = unit[:, kept], unit[:, [j]]
        # The distance of unit vectors is their angle; one minus a product loses half the digits.
        angles = np.linalg.norm(others * np.sign(others.T @ column).T - column, axis=0)
        if (angles < _SAME).any():
            twin = terms[kept[int(angles.argmin())]].infix()
            notes.append(f"{term.infix()} is a constant times {twin} on these samples: left out")
        else:
            kept.append(j)
    return kept, tuple(notes)


def _conditioning(matrix: np.ndarray) -> tuple[str, ...]:
    rows, size = matrix.shape
    if rows < size:
        return (
            f"{size} library terms but only {rows} independent "
            f"direction{'s' * (rows > 1)} in these samples: only short sums are determined",
        )
    sizes = np.linalg.svd(matrix, compute_uv=False)
    if sizes[-1] * _ILL_CONDITIONED > sizes[0]:
        return ()
    return (
        f"the condition number of the library on these samples exceeds {_ILL_CONDITIONED:.0e}: "
        "sums of its terms are hard to tell apart",
    )
