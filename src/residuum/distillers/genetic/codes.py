"""Between expressions and the postfix arrays of the compiled kernels.

`codes[n]` and `args[n]` are int16: an opcode of the primitive table, or `VARIABLE` (a column),
`CONSTANT` (a place), `INTEGER_POWER` (an exponent) or `LITERAL` (an integer, never fitted).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from residuum.distillers.genetic.planning import LITERAL
from residuum.errors import unknown_name
from residuum.expressions.expression import CONSTANT as HASH
from residuum.expressions.expression import MAX_EXPONENT, Expression, is_integer
from residuum.expressions.primitives import PRIMITIVES
from residuum.expressions.program import CONSTANT, INTEGER_POWER, VARIABLE

BASE = 10_000  # digits of literals that do not fit in 16 bits
SYMBOLS = {row.opcode: row for row in PRIMITIVES.values()}
Steps = list[tuple[int, int]]


def program_arrays(
    expression: Expression, variables: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `codes[n]`, `args[n]` (int16) and `constants[k]` of a formula.

    An integer literal of more than four digits becomes a sum of products of smaller ones, of
    the same value. Raises UserError where a name is not among `variables`.
    """
    columns = {name: index for index, name in enumerate(variables)}
    numbered = expression.with_constants(range(len(expression.constants)))

    def leaf(token: str, place: float | None) -> Steps:
        if token == HASH:
            return [(CONSTANT, int(place or 0))]
        if is_integer(token):
            return _literal(int(token))
        if token not in columns:
            raise unknown_name(token, variables, what="variable")
        return [(VARIABLE, columns[token])]

    steps: Steps = numbered.fold(leaf, _joined)
    table = np.array(steps, dtype=np.int16).reshape(-1, 2)
    constants = np.array(expression.constants, dtype=np.float64)
    return np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1]), constants


def expression_of(
    codes: np.ndarray,
    args: np.ndarray,
    length: int,
    constants: np.ndarray,
    variables: Sequence[str],
) -> Expression:
    """Return the formula of a program; raises ValueError where it is not one formula."""
    stack: list[Expression] = []
    for code, arg in zip(codes[:length].tolist(), args[:length].tolist(), strict=True):
        if code == VARIABLE:
            stack.append(Expression.variable(variables[arg]))
        elif code == CONSTANT:
            stack.append(Expression.number(float(constants[arg])))
        elif code == LITERAL:
            stack.append(Expression.integer(arg))
        elif code == INTEGER_POWER:
            stack.append(stack.pop() ** Expression.integer(arg))
        else:
            operator = SYMBOLS[code]
            operands = stack[len(stack) - operator.arity :]
            del stack[len(stack) - operator.arity :]
            stack.append(Expression.apply(operator.symbol, *operands))
    if len(stack) != 1:
        raise ValueError("expected the program of one formula")
    return stack[0]


def _joined(operator: str, *parts: Steps) -> Steps:
    if operator == "**" and len(parts[1]) == 1:
        code, exponent = parts[1][0]
        if code == LITERAL and abs(exponent) <= MAX_EXPONENT:
            return [*parts[0], (INTEGER_POWER, exponent)]
    return [*(step for part in parts for step in part), (PRIMITIVES[operator].opcode, 0)]


def _literal(value: int) -> Steps:
    """Return the instructions that leave an integer on the stack."""
    if abs(value) < BASE:
        return [(LITERAL, value)]
    sign = 1 if value > 0 else -1
    high, low = divmod(abs(value), BASE)
    product = [*_literal(sign * high), (LITERAL, BASE), (PRIMITIVES["*"].opcode, 0)]
    return [*product, (LITERAL, sign * low), (PRIMITIVES["+"].opcode, 0)]
