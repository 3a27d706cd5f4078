"""The constants with which a found skeleton comes closest to the noise-free truth."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares

from residuum.distillers.regression import Table
from residuum.expressions.calculus import differentiate
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import CONSTANT, Expression
from residuum.expressions.jumps import jump_places, placed
from residuum.metrics.numeric import columns, relative_variance, values_of

STARTS = 5
SPREAD = 0.3
ITERATIONS = 200
PLACINGS = 4
ENOUGH = 1e-24
FAR = 1e30
VANISHED = 1e-40


def refit(
    found: Expression, table: Table, *, rng: np.random.Generator, starts: int = STARTS
) -> tuple[Expression, float]:
    """Return the formula with its constants fitted to the table, and its unexplained variance.

    Starts from its own constants, then from constants changed by factors about 30 % off. Constants
    are scaled by their start and residuals by the truth's size, so units do not matter. Each start
    is fitted with logarithmic, relative and squared errors in turn.
    """
    best, least = found, _unexplained(found, table)
    stages = _stages(table)
    for start in range(starts if found.constants else 0):
        if least <= ENOUGH:
            break
        factors = 1.0 + SPREAD * rng.standard_normal(len(found.constants)) * (start > 0)
        fitted = found.with_constants(tuple(np.asarray(found.constants) * factors))
        for loss, rows in stages:
            fitted = _placed(_fitted(found, np.asarray(fitted.constants), rows, loss), rows, loss)
            left = _unexplained(fitted, table)
            if left < least:
                best, least = fitted, left
    return best, least


def _placed(found: Expression, table: Table, loss: str) -> Expression:
    """Return the formula with constants inside jumps placed, in turn with a fit of the rest."""
    places = jump_places(found)

    def unexplained(constants: np.ndarray) -> float:
        return _unexplained(found.with_constants(constants.tolist()), table)

    for _ in range(PLACINGS if places else 0):
        constants, least = placed(np.asarray(found.constants), places, unexplained)
        if not least < unexplained(np.asarray(found.constants)):
            break
        found = _fitted(found, constants, table, loss)
    return found


def _stages(table: Table) -> list[tuple[str, Table]]:
    """Return the errors to fit, one after the other, and the rows that have them.

    Where values span decades, only errors of the logarithm or relative ones lead near the optimum;
    rows next to zero, where a law or a formula near it underflows, are left out of both.
    """
    kept = np.abs(table.y) > VANISHED * np.abs(table.y).max(initial=0.0)
    rows = replace(table, X=table.X[kept], y=table.y[kept], experiment=table.experiment[kept])
    losses = ["relative"] if kept.any() else []
    if losses and (np.all(rows.y > 0) or np.all(rows.y < 0)):
        losses.insert(0, "logarithmic")
    return [*((loss, rows) for loss in losses), ("squared", table)]


def _unexplained(expression: Expression, table: Table) -> float:
    values = values_of(expression, table)
    return np.inf if values is None else relative_variance(values, table.y)


def _fitted(found: Expression, constants: np.ndarray, table: Table, loss: str) -> Expression:
    """Return the formula at a least-squares optimum near `constants`."""
    unit = np.where(constants == 0.0, 1.0, constants)
    named = _named(found)
    slopes = [differentiate(named, _name(k)) for k in range(len(constants))]
    size = np.abs(table.y) if loss == "relative" else float(np.abs(table.y).max(initial=0.0)) or 1.0

    def residual(u: np.ndarray) -> np.ndarray:
        values = values_of(found.with_constants(tuple(u * unit)), table)
        if values is None:
            return np.full(len(table.y), FAR)
        with np.errstate(all="ignore"):
            r = np.log(values / table.y) if loss == "logarithmic" else (values - table.y) / size
        return np.clip(np.nan_to_num(r, nan=FAR), -FAR, FAR)

    def jacobian(u: np.ndarray) -> np.ndarray:
        at = dict(columns(table)) | {_name(k): np.float64(c) for k, c in enumerate(u * unit)}
        rows = [np.broadcast_to(evaluate(slope, at), len(table.y)) for slope in slopes]
        with np.errstate(all="ignore"):
            over = evaluate(named, at) if loss == "logarithmic" else size
            J = np.stack(rows, axis=1) * unit / np.broadcast_to(over, len(table.y))[:, None]
        return np.clip(np.nan_to_num(J), -FAR, FAR)

    with warnings.catch_warnings():
        # A start far off makes scipy's step control overflow; it recovers or gives up.
        warnings.simplefilter("ignore", RuntimeWarning)
        answer = least_squares(
            residual,
            constants / unit,
            jac=jacobian,
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
            x_scale="jac",
            max_nfev=ITERATIONS,
        )
    return found.with_constants(tuple(answer.x * unit))


def _named(found: Expression) -> Expression:
    """Return the formula with its constants as variables."""
    count = itertools.count()
    return Expression(tuple(_name(next(count)) if t == CONSTANT else t for t in found.tokens))


def _name(index: int) -> str:
    return f"fitted_constant_{index}"
