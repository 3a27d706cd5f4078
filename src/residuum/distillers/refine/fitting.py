"""Constants of one formula, some of them held, fitted to a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares

from residuum.distillers.regression import Table
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import CONSTANT, Expression

HELD = "held_constant_"


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted formula: mean squared residual, and the spread of each constant at unit noise.

    The spread is infinite where the data do not determine a constant, zero where it was held.
    """

    expression: Expression
    loss: float
    spreads: tuple[float, ...]

    @property
    def free(self) -> int:
        """How many constants were fitted."""
        return sum(spread > 0 for spread in self.spreads)


@dataclass(frozen=True, slots=True)
class Task:
    """What formulas are fitted to and how: `starts` begins, at most `iterations` steps each."""

    table: Table
    loss: str = "squared"
    starts: int = 1
    iterations: int = 200
    seed: int = 0

    @property
    def rows(self) -> int:
        """How many residuals there are."""
        return len(self.table.y) if self.table.target is None else len(self.table.target)

    @property
    def values(self) -> dict[str, np.ndarray]:
        """The columns of the table by name."""
        return dict(zip(self.table.variables, self.table.X.T, strict=True))


def fit(expression: Expression, task: Task, held: Mapping[int, float] | None = None) -> Fit:
    """Return a formula with fitted constants; `held` are those that keep a value, by place.

    A formula that has no finite value on the table has an infinite loss.
    """
    held = held or {}
    free = [k for k in range(len(expression.constants)) if k not in held]
    opened, table = _opened(expression, task.table, held)
    constants, loss, spread = _solve(opened, replace(task, table=table))
    whole = list(expression.constants)
    spreads = [0.0] * len(whole)
    for k, value in held.items():
        whole[k] = value
    for k, value, sd in zip(free, constants, spread, strict=True):
        whole[k], spreads[k] = float(value), float(sd)
    return Fit(expression.with_constants(whole), loss, tuple(spreads))


def _opened(
    expression: Expression, table: Table, held: Mapping[int, float]
) -> tuple[Expression, Table]:
    """Return the formula with held constants as variables, and the table with their columns."""
    if not held:
        return expression, table
    tokens: list[str] = []
    place = 0
    for token in expression.tokens:
        if token == CONSTANT:
            tokens.append(f"{HELD}{place}" if place in held else token)
            place += 1
        else:
            tokens.append(token)
    names = tuple(f"{HELD}{k}" for k in held)
    columns = np.broadcast_to(np.array(list(held.values())), (len(table.y), len(held)))
    free = [c for k, c in enumerate(expression.constants) if k not in held]
    wider = replace(
        table, variables=table.variables + names, X=np.column_stack([table.X, columns]), units=None
    )
    return Expression(tuple(tokens), tuple(free)), wider


def _solve(expression: Expression, task: Task) -> tuple[np.ndarray, float, np.ndarray]:
    if task.loss != "squared":
        raise ValueError(f"loss: only squared losses can be refined, found {task.loss!r}")
    table, values = task.table, task.values

    def residual(constants: np.ndarray) -> np.ndarray:
        found = np.broadcast_to(
            evaluate(expression.with_constants(constants.tolist()), values), table.y.shape
        )
        if table.whitening is not None:
            return table.whitening @ found - table.target
        weight = 1.0 if table.precision is None else np.sqrt(table.precision)
        return weight * (found - table.y)

    start = np.array(expression.constants)
    best, k = (math.inf, start), len(start)
    generator = np.random.default_rng(task.seed)
    for attempt in range(task.starts):
        begin = start * np.exp(0.5 * generator.standard_normal(k)) if attempt else start
        with np.errstate(all="ignore"):
            first = residual(begin)
        if not np.isfinite(first).all():
            continue
        if not k:
            best = (float(np.mean(first**2)), start)
            break
        if k > len(first):
            continue
        try:
            with np.errstate(all="ignore"):
                found = least_squares(
                    residual,
                    begin,
                    method="lm",
                    x_scale=np.maximum(np.abs(begin), 1e-3),
                    ftol=1e-15,
                    xtol=1e-15,
                    gtol=1e-15,
                    max_nfev=task.iterations * (k + 1),
                )
        except ValueError:
            continue
        loss = float(np.mean(found.fun**2))
        if loss < best[0]:
            best = (loss, found.x)
    return best[1], best[0], _spreads(residual, best[1]) if k else np.zeros(0)


def _spreads(residual: Callable[[np.ndarray], np.ndarray], constants: np.ndarray) -> np.ndarray:
    steps = 1e-6 * np.maximum(np.abs(constants), 1e-6)
    with np.errstate(all="ignore"):
        columns = [
            (residual(constants + h) - residual(constants - h)) / (2 * h[k])
            for k, h in enumerate(np.diag(steps))
        ]
        J = np.stack(columns, axis=1)
    if not np.isfinite(J).all():
        return np.full(len(constants), np.inf)
    size = np.linalg.norm(J, axis=0)
    size[size == 0] = 1.0
    _, s, V = np.linalg.svd(J / size, full_matrices=False)
    if not s.size or s[-1] <= 1e-10 * s[0]:
        return np.full(len(constants), np.inf)
    return np.sqrt(((V.T / s) ** 2).sum(axis=1)) / size
