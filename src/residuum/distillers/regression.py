"""What a formula is fitted to: a table of arguments and values, with weights and units."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from residuum.distillers.whitening import whiten_likelihood
from residuum.hidden.samples import HiddenSamples

Dimensions = tuple[Fraction, ...]


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
    whitening, target = _whitening(samples)
    return Table(
        variables=tuple(samples.arguments[index] for index in alive),
        X=samples.X[order][:, alive],
        y=samples.values[order],
        experiment=np.unique(samples.experiment[order], return_inverse=True)[1],
        whitening=None if whitening is None else whitening[:, order],
        target=target,
    )


def _whitening(samples: HiddenSamples) -> tuple[np.ndarray | None, np.ndarray | None]:
    if samples.prior is not None:
        mean = np.zeros_like(samples.values) if samples.prior_mean is None else samples.prior_mean
        found = whiten_likelihood(samples.covariance, samples.values, samples.prior, mean)
        if found is not None:
            return found.rows, found.target
    return None, None
