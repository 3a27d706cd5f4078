"""Whether a formula has the true structure: its skeleton becomes the truth at the same size."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from residuum.distillers.regression import Table
from residuum.expressions.expression import Expression
from residuum.metrics.numeric import relative_variance, values_of
from residuum.metrics.refitting import refit
from residuum.metrics.size import size

STRUCTURAL = 1e-18
LARGER = 1.2
SLACK = 1e-3
RIGHT_ANGLE = math.pi / 2


@dataclass(frozen=True, slots=True)
class Structure:
    """The verdict, the refitted formula, its unexplained variance, and both sizes."""

    recovered: bool
    refitted: Expression
    unexplained: float
    size: int
    true_size: int


def structural(
    found: Expression,
    truth: Expression,
    table: Table,
    *,
    rng: np.random.Generator,
    slack: float = SLACK,
) -> Structure:
    """Return whether the found skeleton, refitted to the noise-free truth, is the truth.

    It is when it leaves at most 1e-18 of the variance of `truth` at the table's rows unexplained
    and its size is at most 1.2 times the truth's. The size of both is `metrics.size`: tokens after
    numbers are merged. A number of the found formula counts as 0, 1, -1 or a phase as a multiple of
    pi/2, and is merged away, where the found formula changes by at most `slack` of its rms when
    the number is replaced, and the refitted one stays the truth. So `1.0004*x` is as good as `x`,
    and `x + 5` is not; with noise, `slack` is what the noise cannot tell.
    """
    true_size = size(truth)
    values = values_of(truth, table)
    if values is None or not set(found.variables) <= set(table.variables):
        return Structure(False, found, math.inf, size(found), true_size)
    clean = replace(table, y=values, precision=None, whitening=None, target=None)
    refitted, unexplained = refit(found, clean, rng=rng)
    if unexplained <= STRUCTURAL:
        found, refitted = _without_idle(found, refitted, clean, slack)
    # Counted with the numbers that were found: a refit can bring an idle one to exactly zero.
    count = size(found)
    right = unexplained <= STRUCTURAL and count <= LARGER * true_size
    return Structure(right, refitted, unexplained, count, true_size)


def _without_idle(
    found: Expression, refitted: Expression, table: Table, slack: float
) -> tuple[Expression, Expression]:
    """Return both formulas with numbers that do nothing set to 0, 1, -1 or a right angle."""
    original = found
    for index in range(len(found.constants)):
        for value in _candidates(refitted.constants[index]):
            shorter, tried = _with(found, index, value), _with(refitted, index, value)
            if (
                size(shorter) < size(found)
                and _change(original, _with(original, index, value), table) <= slack
                and _unexplained(tried, table) <= STRUCTURAL
            ):
                found, refitted = shorter, tried
                break
    return found, refitted


def _candidates(value: float) -> tuple[float, ...]:
    turns = round(value / RIGHT_ANGLE) if abs(value) < 1e6 else 0
    phase = (RIGHT_ANGLE * turns,) if turns else ()
    return (0.0, math.copysign(1.0, value), *phase)


def _with(expression: Expression, index: int, value: float) -> Expression:
    constants = list(expression.constants)
    constants[index] = value
    return expression.with_constants(constants)


def _unexplained(expression: Expression, table: Table) -> float:
    values = values_of(expression, table)
    return math.inf if values is None else relative_variance(values, table.y)


def _change(before: Expression, after: Expression, table: Table) -> float:
    """Return the rms difference of two formulas over the rms of the first."""
    a, b = values_of(before, table), values_of(after, table)
    if a is None or b is None:
        return math.inf
    unit = float(np.abs(a).max(initial=0.0)) or 1.0
    return float(np.sqrt(np.mean(((b - a) / unit) ** 2) / np.mean((a / unit) ** 2)))
