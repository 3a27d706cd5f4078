r"""How well a formula predicts a value that its constants were not fitted to.

.. math:: E = \frac{1}{n} \sum_i \left(\frac{r_i}{1 - h_i}\right)^2, \qquad
   h = \operatorname{diag} J (J^T J)^{-1} J^T

with the weighted residuals :math:`r` and their derivatives :math:`J` by the fitted constants: the
mean square of what each value would leave if it were left out, exact where the formula is linear in
its constants (Allen 1974, doi:10.1080/00401706.1974.10489157). A constant that one value alone
determines makes :math:`h` one there, and so tells nothing.
"""

from __future__ import annotations

import math

import numpy as np

from residuum.distillers.refine.fitting import Fit, Task, differences
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression

# Losses whose residuals are squared as they are.
SQUARED = ("squared", "relative", "logarithmic")
RANK = 1e-10
FREE = 1e-9  # of 1 - h, below which a value is fitted, whatever it is


def left_out(found: Fit, task: Task) -> float:
    """Return E of the module, infinite where a value determines a constant alone.

    NaN for a loss that is no sum of squares, and for a formula without derivatives.
    """
    if task.loss not in SQUARED:
        return math.nan
    constants = np.array(found.expression.constants)
    free = np.array(found.spreads) > 0
    with np.errstate(all="ignore"):
        r = _residuals(found.expression, task)
        J = differences(
            lambda c: _residuals(found.expression.with_constants(c.tolist()), task), constants
        )[:, free]
    if not (np.isfinite(r).all() and np.isfinite(J).all()):
        return math.nan
    size = np.linalg.norm(J, axis=0)
    U, s, _ = np.linalg.svd(J / np.where(size > 0, size, 1.0), full_matrices=False)
    leverage = np.sum(U[:, s > RANK * s.max(initial=0.0)] ** 2, axis=1)
    if np.any(leverage > 1.0 - FREE):
        return math.inf
    return float(np.mean((r / (1.0 - leverage)) ** 2))


def _residuals(expression: Expression, task: Task) -> np.ndarray:
    table, y = task.table, task.table.y
    found = np.broadcast_to(evaluate(expression, task.values), y.shape)
    if table.whitening is not None:
        return np.asarray(table.whitening @ found - table.target)
    weight = 1.0 if table.precision is None else np.sqrt(table.precision)
    if task.loss == "logarithmic":
        return np.asarray(weight * np.log(found / y))
    return np.asarray(weight * (found - y) / (np.abs(y) if task.loss == "relative" else 1.0))
