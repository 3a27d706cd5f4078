"""Whether a formula has the true structure: its skeleton becomes the truth at the same size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from residuum.distillers.regression import Table
from residuum.expressions.expression import Expression
from residuum.metrics.numeric import values_of
from residuum.metrics.refitting import refit
from residuum.metrics.size import merged, size

STRUCTURAL = 1e-18
LARGER = 1.2
SLACK = 1e-3
RIGHT_ANGLE = math.pi / 2
CLOSE = 1e-6
MOST_STEPS = 1e6


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
    numbers are merged. A number of the found formula counts as 0, 1, -1, a half, a right angle or
    another of its numbers, where that merges it away, the found formula changes by at most `slack`
    of its rms when the number is replaced, and the refitted one stays the truth. So `1.0004*x` is
    as good as `x`, and `x + 5` is not; with noise, `slack` is what the noise cannot tell.
    """
    true_size, found = size(truth), merged(found)
    values = values_of(truth, table)
    if values is None or not set(found.variables) <= set(table.variables):
        return Structure(False, found, math.inf, size(found), true_size)
    clean = replace(table, y=values, precision=None, whitening=None, target=None)
    refitted, unexplained = refit(found, clean, rng=rng)
    if unexplained <= STRUCTURAL:
        found, refitted = _without_idle(found, refitted, clean, slack, rng)
    # Counted with the numbers that were found: a refit can bring an idle one to exactly zero.
    count = size(found)
    right = unexplained <= STRUCTURAL and count <= LARGER * true_size
    return Structure(right, refitted, unexplained, count, true_size)


def _without_idle(
    found: Expression, refitted: Expression, table: Table, slack: float, rng: np.random.Generator
) -> tuple[Expression, Expression]:
    """Return both formulas without the numbers that do nothing, one after the other."""
    original = found
    pending = list(_shorter(found, refitted))
    while pending:
        shorter = pending.pop(0)
        if _change(original, shorter, table) > slack:
            continue
        fitted, left = refit(shorter, table, rng=rng, starts=1)
        if left <= STRUCTURAL:
            found, refitted = shorter, fitted
            pending = list(_shorter(found, refitted))
    return found, refitted


def _shorter(found: Expression, refitted: Expression) -> Iterator[Expression]:
    """Yield what the formula becomes where a number stands for a simpler one."""
    for index in range(len(found.constants)):
        for value in _candidates(found.constants, refitted.constants, index):
            tried = merged(_with(found, index, value))
            if len(tried.tokens) < len(found.tokens):
                yield tried


def _candidates(found: tuple[float, ...], refitted: tuple[float, ...], index: int) -> list[float]:
    """Return what a constant may stand for: 0, 1, -1, a half, a right angle, another constant."""
    value = refitted[index]
    near = (1.0, 0.5, RIGHT_ANGLE) if abs(value) < MOST_STEPS else ()
    steps = [unit * round(value / unit) for unit in near]
    others = list(zip(found[:index], refitted[:index], strict=True))
    twins = [sign * a for sign in (1.0, -1.0) for a, b in others if _close(sign * b, value)]
    return [0.0, *(step for step in steps if _close(step, value)), *twins]


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= CLOSE * abs(b)


def _with(expression: Expression, index: int, value: float) -> Expression:
    constants = list(expression.constants)
    constants[index] = value
    return expression.with_constants(constants)


def _change(before: Expression, after: Expression, table: Table) -> float:
    """Return the rms difference of two formulas over the rms of the first."""
    a, b = values_of(before, table), values_of(after, table)
    if a is None or b is None:
        return math.inf
    unit = float(np.abs(a).max(initial=0.0)) or 1.0
    return float(np.sqrt(np.mean(((b - a) / unit) ** 2) / np.mean((a / unit) ** 2)))
