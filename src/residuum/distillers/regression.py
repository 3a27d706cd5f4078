"""What a formula is fitted to: a table of arguments and values, with weights and units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from residuum.distillers.library import build_library, evaluate_library
from residuum.distillers.whitening import Whitening, whiten, whiten_likelihood
from residuum.hidden.samples import HiddenSamples
from residuum.problem.unit_space import Unit

Dimensions = tuple[Fraction, ...]
_LARGEST_ROOT = 12
# Degree of the polynomials under which the size of an unknown error is estimated, by the number
# of arguments (more: 1).
_DEGREES = {0: 0, 1: 6, 2: 4, 3: 3, 4: 2, 5: 2}


@dataclass(frozen=True, slots=True)
class Table:
    """Arguments `X[n, p]` and values `y[n]` of an unknown formula, in the user's units.

    Residuals are `sqrt(precision) * (f - y)`, or `whitening @ f - target` where the errors are
    correlated (`whitening[r, n]`). Rows are sorted by `experiment[n]`, numbered from zero.
    `units` holds the exponents of the base dimensions of each argument and `unit` those of the
    value; None where nothing is known of them.
    """

    variables: tuple[str, ...]
    X: np.ndarray
    y: np.ndarray
    experiment: np.ndarray
    precision: np.ndarray | None = None
    whitening: np.ndarray | None = None
    target: np.ndarray | None = None
    units: tuple[Dimensions, ...] | None = None
    unit: Dimensions | None = None

    @classmethod
    def of(cls, variables: tuple[str, ...], X: np.ndarray, y: np.ndarray) -> Table:
        """Return the table of one experiment with equal weights and no units."""
        return cls(variables, X, y, np.zeros(len(y), dtype=np.int64))

    @property
    def experiments(self) -> int:
        """How many experiments the rows come from."""
        return int(self.experiment.max(initial=0)) + 1


def table_of(samples: HiddenSamples) -> Table:
    """Return the table of a hidden term's samples in its alive arguments."""
    alive = [index for index, on in enumerate(samples.alive) if on]
    order = np.argsort(samples.experiment, kind="stable")
    whitening = _whitening(samples, alive)
    weights = whitening.independent
    units, unit = _dimensions(samples, alive)
    return Table(
        variables=tuple(samples.arguments[index] for index in alive),
        X=samples.X[order][:, alive],
        y=samples.values[order],
        experiment=np.unique(samples.experiment[order], return_inverse=True)[1],
        precision=None if weights is None else weights[order] ** 2,
        whitening=whitening.rows[:, order] if weights is None else None,
        target=whitening.target if weights is None else None,
        units=units,
        unit=unit,
    )


def _whitening(samples: HiddenSamples, alive: Sequence[int]) -> Whitening:
    """Return the weights of the samples: the data's precision, else a covariance with a floor."""
    if samples.prior is not None:
        mean = np.zeros_like(samples.values) if samples.prior_mean is None else samples.prior_mean
        found = whiten_likelihood(samples.covariance, samples.values, samples.prior, mean)
        if found is not None:
            return found
    names = [samples.arguments[index] for index in alive]
    library = build_library(names, degree=_DEGREES.get(len(alive), 1))
    columns = evaluate_library(library, names, samples.X[:, alive])
    usable = np.isfinite(columns).all(axis=0) & columns.any(axis=0)
    return whiten(samples.covariance, samples.values, columns[:, usable])


def _dimensions(
    samples: HiddenSamples, alive: Sequence[int]
) -> tuple[tuple[Dimensions, ...] | None, Dimensions | None]:
    """Return the dimensions of the alive arguments and of the value, None where any is unknown.

    Sizes do not matter: constants are fitted in the user's units.
    """
    texts = [samples.unit, *(samples.units[index] for index in alive if samples.units)]
    if samples.units is None or not all(texts):
        return None, None
    powers = [Unit.read(text).powers for text in texts if text]
    axes = sorted({axis for row in powers for axis in row})
    value, *arguments = (
        tuple(Fraction(row.get(axis, 0.0)).limit_denominator(_LARGEST_ROOT) for axis in axes)
        for row in powers
    )
    return tuple(arguments), value
