"""A refined formula, and which of many formulas are worth keeping."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from residuum.distillers.regression import Table
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression

PROBES = 64
SAME = 1e-10
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refined:
    """A formula after polish, prune and snap.

    `loss` is the mean of the squared residuals; `intervals` holds a 95 % interval for each
    constant, empty (both ends the constant) for one that is a round number now; `local` the value
    in each experiment of the names in the formula that stand for constants of their own there;
    `left_out` the mean squared residual of values left out of the fit (`leaving_out`), NaN where it
    is not known.
    """

    expression: Expression
    loss: float
    intervals: tuple[tuple[float, float], ...] = ()
    status: str = "ok"
    local: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    left_out: float = math.nan

    @property
    def complexity(self) -> int:
        """Complexity of the formula by the primitive table."""
        return self.expression.complexity

    @property
    def free(self) -> int:
        """How many constants the data determine, round ones not counted."""
        return sum(low < high for low, high in self.intervals)


def nondominated(
    rows: Iterable[T], expression: Callable[[T], Expression], loss: Callable[[T], float]
) -> list[T]:
    """Return the rows that no other beats in both complexity and loss, simplest first."""
    best, kept = math.inf, []
    for row in sorted(rows, key=lambda r: by_size(expression(r), loss(r))):
        if loss(row) < best:
            best = loss(row)
            kept.append(row)
    return kept


def by_size(expression: Expression, loss: float) -> tuple[int, int, float, tuple[str, ...]]:
    """Return what formulas are sorted by, simplest first, then best."""
    size = math.inf if math.isnan(loss) else loss
    return expression.complexity, len(expression.constants), size, expression.tokens


def distinct(rows: Sequence[T], expression: Callable[[T], Expression], table: Table) -> list[T]:
    """Return the rows with different values on the table, of equal ones the simplest.

    Of equally simple ones, the first.
    """
    probes = np.unique(np.linspace(0, len(table.y) - 1, PROBES).astype(int))
    columns = dict(zip(table.variables, table.X[probes].T, strict=True))
    kept: list[T] = []
    seen: list[np.ndarray] = []
    for row in sorted(rows, key=lambda r: by_size(expression(r), 0.0)[:2]):
        values = np.broadcast_to(evaluate(expression(row), columns), probes.shape)
        if not any(_same(values, other) for other in seen):
            kept.append(row)
            seen.append(values)
    return kept


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    size = float(np.max(np.abs(b), initial=0.0))
    return bool(np.all(np.abs(a - b) <= SAME * size)) if math.isfinite(size) else False
