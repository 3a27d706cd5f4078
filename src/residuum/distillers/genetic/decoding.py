"""A row of a store as a formula of the language."""

from __future__ import annotations

from collections.abc import Sequence

from residuum.distillers.genetic.trees import LITERAL
from residuum.expressions.expression import Expression
from residuum.expressions.primitives import PRIMITIVES
from residuum.expressions.program import CONSTANT, INTEGER_POWER, VARIABLE

_SYMBOLS = {row.opcode: row for row in PRIMITIVES.values()}


def postfix_formula(
    codes: Sequence[int],
    args: Sequence[int],
    constants: Sequence[float | Expression],
    columns: Sequence[Expression],
) -> Expression:
    """Return the formula of postfix instructions over columns that are formulas themselves.

    So may constants be, the name of one that differs between experiments.
    """
    stack: list[Expression] = []
    for code, arg in zip(codes, args, strict=True):
        if code == VARIABLE:
            stack.append(columns[arg])
        elif code == CONSTANT:
            value = constants[arg]
            if not isinstance(value, Expression):
                value = Expression.number(float(value))
            stack.append(value)
        elif code == LITERAL:
            stack.append(Expression.integer(int(arg)))
        elif code == INTEGER_POWER:
            stack.append(_power(stack.pop(), int(arg)))
        else:
            row = _SYMBOLS[int(code)]
            operands = [stack.pop() for _ in range(row.arity)][::-1]
            stack.append(Expression.apply(row.symbol, *operands))
    return stack[0]


def _power(base: Expression, power: int) -> Expression:
    if power >= 0:
        return base ** Expression.integer(power)
    below = base if power == -1 else base ** Expression.integer(-power)
    return Expression.number(1.0) / below


def with_linear(core: Expression, scale: float, offset: float, wrap: int) -> Expression:
    """Return `scale*core + offset`, as far as the formula has them."""
    if wrap == 0:
        return core
    scaled = Expression.number(scale) * core
    return scaled if wrap == 1 else scaled + Expression.number(offset)
