"""The constants of one expression, fitted to the limit of float64.

The compiled steps work with the normal equations, which lose half of the digits where constants
are nearly dependent. The last steps therefore are Gauss-Newton with the QR decomposition of the
scaled Jacobian, columns pivoted (Businger and Golub 1965, doi:10.1007/BF01436084).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, solve_triangular

from residuum.distillers.genetic.codes import program_arrays
from residuum.distillers.genetic.levenberg import fit
from residuum.distillers.genetic.workspace import Data, Work, data_of, make_work
from residuum.distillers.regression import Table
from residuum.errors import UserError
from residuum.expressions.expression import Expression
from residuum.seeds import generator

DEPENDENT = 1e-10
ROUNDS, HALVINGS = 60, 12


@dataclass(frozen=True, slots=True)
class Fitted:
    """A formula with fitted constants.

    `loss` is the mean of the squared residuals, infinite where a value is not finite; `rank` how
    many constants the data identify. `covariance[k, k]` of the constants is None where it does not
    exist; without known errors it takes those of the residuals.
    """

    expression: Expression
    loss: float
    rank: int
    evaluations: int
    covariance: np.ndarray | None


@dataclass(slots=True)
class _Task:
    """One program with its data and scratch; counts its evaluations."""

    codes: np.ndarray
    args: np.ndarray
    data: Data
    work: Work
    count: int
    evaluations: int = 0

    def improve(self, constants: np.ndarray, iterations: int) -> float:
        """Fit `constants[k]` in place by the compiled steps; return the loss."""
        rows, none = constants[None, :], np.zeros(self.count, dtype=np.bool_)
        loss, used, _ = fit(
            self.codes,
            self.args,
            len(self.codes),
            rows,
            none,
            self.count,
            0,
            np.array([1.0, 0.0]),
            self.data,
            iterations,
            self.work,
        )
        self.evaluations += used
        return float(loss)

    def linearized(self, constants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return residuals `[r]` and Jacobian `[r, k]`: a step of a copy leaves them in scratch."""
        self.improve(constants.copy(), 1)
        white, k, n = len(self.data.target), self.count, len(self.data.y)
        if white:
            rows = self.work.whitened[: k + 1]
        else:
            stride = (n + 7) // 8 * 8
            rows = self.work.adjoint[: (k + 1) * stride].reshape(k + 1, stride)[:, :n]
        return rows[k].copy(), rows[:k].T.copy()


def fit_expression(
    expression: Expression,
    table: Table,
    *,
    loss: str = "squared",
    iterations: int = 200,
    starts: int = 1,
    rng: np.random.Generator | None = None,
    tolerance: float = 1e-14,
) -> Fitted:
    """Return the expression with the constants that fit the table best.

    The first of several `starts` is the expression's own constants, the others are changed by
    random factors. `tolerance` is the relative decrease of the loss that still counts. Integer
    literals stay. Raises UserError for a loss the table does not allow.
    """
    if starts < 1:
        raise UserError("a fit needs a start", expected="starts of 1 or more", found=str(starts))
    task = _task(expression, table, loss)
    first = np.array(expression.constants, dtype=np.float64)
    random = generator(0, "fit_expression") if rng is None else rng
    best, lowest = first, np.inf
    for start in range(starts):
        constants = first.copy() if start == 0 else _perturbed(first, random)
        reached = task.improve(constants, iterations)
        if reached < lowest:
            best, lowest = constants, reached
    if task.count == 0 or not np.isfinite(lowest):
        return Fitted(expression, lowest, 0, task.evaluations, None)
    lowest = _polish(task, best, lowest, iterations, tolerance)
    rank, covariance = _uncertainty(task, best, table)
    fitted = expression.with_constants(best.tolist())
    return Fitted(fitted, lowest, rank, task.evaluations, covariance)


def _task(expression: Expression, table: Table, loss: str) -> _Task:
    codes, args, constants = program_arrays(expression, table.variables)
    data, k = data_of(table, loss), len(constants)
    work = make_work(len(data.y), max(len(codes), 1), max(k, 1), 1, len(data.target))
    return _Task(codes, args, data, work, k)


def _perturbed(constants: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return constants of other sizes and, one in four, another sign."""
    size = np.where(constants == 0.0, 1.0, constants)
    signs = np.where(rng.random(len(size)) < 0.25, -1.0, 1.0)
    return size * signs * np.exp(rng.standard_normal(len(size)))


def _polish(
    task: _Task, constants: np.ndarray, loss: float, iterations: int, tolerance: float
) -> float:
    """Move `constants` in place until the loss stays; return it."""
    for _ in range(ROUNDS):
        before = loss
        loss = _newton(task, constants, loss)
        if loss > 0.5 * before:  # slow: the damped steps may find a way where these do not
            other = constants.copy()
            reached = task.improve(other, iterations)
            if reached < loss:
                constants[:], loss = other, reached
        if not loss < before * (1.0 - tolerance):
            break
    return loss


def _newton(task: _Task, constants: np.ndarray, loss: float) -> float:
    """Take one Gauss-Newton step, halved until the loss decreases."""
    residuals, jacobian = task.linearized(constants)
    if not np.all(np.isfinite(jacobian)):
        return loss
    rank, order, q, r, scale = _decomposed(jacobian)
    step = np.zeros(task.count)
    kept = order[:rank]
    if rank:
        step[kept] = -solve_triangular(r[:rank, :rank], q[:, :rank].T @ residuals) * scale[kept]
    for halving in range(HALVINGS):
        trial = constants + 0.5**halving * step
        reached = task.improve(trial, 0)
        if reached < loss:
            constants[:] = trial
            return reached
    return loss


def _decomposed(
    jacobian: np.ndarray,
) -> tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return rank, order of columns, Q, R and scales of the Jacobian with columns of length 1."""
    norms = np.linalg.norm(jacobian, axis=0)
    scale = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0.0)
    q, r, order = qr(jacobian * scale, mode="economic", pivoting=True)
    pivots = np.abs(np.diag(r))
    rank = int(np.sum(pivots > DEPENDENT * max(pivots[0], 1e-300))) if len(pivots) else 0
    return (rank if pivots[0] > 0.0 else 0), order, q, r, scale


def _uncertainty(task: _Task, constants: np.ndarray, table: Table) -> tuple[int, np.ndarray | None]:
    """Return the rank and the covariance of the constants."""
    residuals, jacobian = task.linearized(constants)
    if not np.all(np.isfinite(jacobian)):
        return 0, None
    rank, order, _, r, scale = _decomposed(jacobian)
    known = table.precision is not None or table.whitening is not None
    left = len(residuals) - rank
    if rank < task.count or (left <= 0 and not known):
        return rank, None
    inverse = solve_triangular(r, np.eye(rank))
    covariance = np.empty((rank, rank))
    covariance[np.ix_(order, order)] = inverse @ inverse.T
    variance = 1.0 if known else float(residuals @ residuals) / left
    return rank, covariance * np.outer(scale, scale) * variance
