"""The constants with which a found skeleton comes closest to the noise-free truth."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from residuum.distillers.regression import Table
from residuum.expressions.expression import Expression
from residuum.metrics.numeric import relative_variance, values_of

STARTS = 5
SPREAD = 0.3
ITERATIONS = 200
ENOUGH = 1e-24


def refit(
    found: Expression, table: Table, *, rng: np.random.Generator, starts: int = STARTS
) -> tuple[Expression, float]:
    """Return the formula with its constants fitted to the table, and its unexplained variance.

    Starts from its own constants, then from constants changed by factors about 30 % off. Constants
    are scaled by their start and residuals by the truth's size, so units do not matter.
    """
    best, least = found, _unexplained(found, table)
    for start in range(starts if found.constants else 0):
        if least <= ENOUGH:
            break
        factors = 1.0 + SPREAD * rng.standard_normal(len(found.constants)) * (start > 0)
        fitted = _fitted(found, np.asarray(found.constants) * factors, table)
        left = _unexplained(fitted, table)
        if left < least:
            best, least = fitted, left
    return best, least


def _unexplained(expression: Expression, table: Table) -> float:
    values = values_of(expression, table)
    return np.inf if values is None else relative_variance(values, table.y)


def _fitted(found: Expression, constants: np.ndarray, table: Table) -> Expression:
    unit = np.where(constants == 0.0, 1.0, constants)
    scale = float(np.abs(table.y).max(initial=0.0)) or 1.0

    def residual(u: np.ndarray) -> np.ndarray:
        values = values_of(found.with_constants(tuple(u * unit)), table)
        return np.full(len(table.y), 1e6) if values is None else (values - table.y) / scale

    answer = least_squares(
        residual,
        constants / unit,
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
        x_scale="jac",
        max_nfev=ITERATIONS,
    )
    return found.with_constants(tuple(answer.x * unit))
