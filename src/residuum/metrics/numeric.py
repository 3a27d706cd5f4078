r"""How much of the truth's variance a formula leaves unexplained."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from residuum.distillers.regression import Table
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression

NUMERIC = 1.19e-7  # the spacing of float32 numbers at one


def unexplained_variance(found: Expression, table: Table) -> float:
    r"""Return :math:`\sum_i (f(x_i) - y_i)^2 / \sum_i (y_i - \bar y)^2` over the table's rows.

    A constant truth is measured by its size instead of its variance. Infinite where the formula is
    not finite at a row, or needs a variable that the table does not have. At most 1.19e-7 on clean
    held-out rows is the numeric measure of "recovered".
    """
    values = values_of(found, table)
    if values is None:
        return np.inf
    return relative_variance(values, table.y)


def values_of(expression: Expression, table: Table) -> np.ndarray | None:
    """Return the formula's values `[n]` at the rows of a table; None where one is not finite."""
    if not set(expression.variables) <= set(table.variables):
        return None
    values = np.broadcast_to(evaluate(expression, columns(table)), table.y.shape)
    return values if np.isfinite(values).all() else None


def columns(table: Table) -> Mapping[str, np.ndarray]:
    """Return the columns of a table by the names of its variables."""
    return dict(zip(table.variables, table.X.T, strict=True))


def relative_variance(values: np.ndarray, truth: np.ndarray) -> float:
    """Return the squared distance of two vectors over the variance of the second, unit by unit."""
    unit = float(np.abs(truth).max(initial=0.0)) or 1.0
    # Scaled first: the square of 1e-200 is zero, that of 1e200 infinite.
    y, f = truth / unit, values / unit
    with np.errstate(over="ignore"):
        spread = float(np.sum((y - y.mean()) ** 2))
        if spread <= (len(y) * np.finfo(float).eps) ** 2:
            spread = float(np.sum(y**2)) or 1.0
        return float(np.sum((f - y) ** 2)) / spread
