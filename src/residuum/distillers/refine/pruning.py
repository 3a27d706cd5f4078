"""Every formula that is one step simpler than a given one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from residuum.expressions.calculus import ONE, ZERO
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import CONSTANT, Expression
from residuum.expressions.simplification import Skeleton, simplify_rules, skeleton

Values = dict[str, np.ndarray]


def reductions(expression: Expression, values: Values) -> dict[Skeleton, Expression]:
    """Return `{skeleton: formula}` of what is left when one part goes, all of less complexity.

    A part that is no leaf becomes its median value on `values` or one of its operands; a constant
    becomes 0. A sum thereby loses each of its terms.
    """
    return _distinct(expression, _replaced(expression, partial(_simpler, values=values)))


def with_ones(expression: Expression) -> dict[Skeleton, Expression]:
    """Return `{skeleton: formula}` with one constant 1 or -1, all of less complexity."""
    return _distinct(expression, _replaced(expression, _ones))


def _distinct(expression: Expression, changed: Iterable[Expression]) -> dict[Skeleton, Expression]:
    found: dict[Skeleton, Expression] = {}
    for reduced in changed:
        simple = simplify_rules(reduced)
        size = (simple.complexity, len(simple.constants))
        if size < (expression.complexity, len(expression.constants)):
            found.setdefault(skeleton(simple), simple)
    return found


def _replaced(
    expression: Expression, simpler: Callable[[Expression], Iterator[Expression]]
) -> Iterator[Expression]:
    """Yield the formula with each part replaced by each simpler one, outermost first."""
    yield from simpler(expression)
    operands = expression.operands
    for k, operand in enumerate(operands):
        rebuild = _rebuilder(expression.head, operands, k)
        yield from (rebuild(part) for part in _replaced(operand, simpler))


def _rebuilder(
    head: str, operands: tuple[Expression, ...], place: int
) -> Callable[[Expression], Expression]:
    def rebuild(part: Expression) -> Expression:
        return Expression.apply(head, *operands[:place], part, *operands[place + 1 :])

    return rebuild


def _ones(part: Expression) -> Iterator[Expression]:
    if part.tokens == (CONSTANT,):
        yield from (ONE, Expression.integer(-1))


def _simpler(part: Expression, values: Values) -> Iterator[Expression]:
    if part.tokens == (CONSTANT,):
        yield ZERO
        return
    if not part.operands:
        return
    with np.errstate(all="ignore"):
        middle = float(np.nanmedian(evaluate(part, values)))
    if math.isfinite(middle) and part.variables:
        yield Expression.number(middle)
    yield from part.operands
    if part.head == "-":
        yield -part.operands[1]
