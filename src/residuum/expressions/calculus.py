"""The derivative of a formula as a formula, and a formula as a sum of terms."""

from __future__ import annotations

import math

from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression, is_integer

ZERO = Expression.integer(0)
ONE = Expression.integer(1)
TWO = Expression.integer(2)


def differentiate(expression: Expression, name: str) -> Expression:
    r"""Return :math:`\partial e / \partial x` for the variable `name`, lightly simplified.

    `abs` has derivative `sign` and `sign` has derivative zero, away from their kinks;
    `min` and `max` follow the smaller and the larger operand.
    """
    if name not in expression.tokens:
        return ZERO
    if expression.head == name:
        return ONE
    operands = expression.operands
    total = ZERO
    for index, operand in enumerate(operands):
        inner = differentiate(operand, name)
        if inner != ZERO:
            total = add(total, multiply(_partial(expression.head, operands, index), inner))
    return total


def add(a: Expression, b: Expression) -> Expression:
    """Return `a + b` without adding zeros."""
    if a == ZERO:
        return b
    return a if b == ZERO else a + b


def multiply(a: Expression, b: Expression) -> Expression:
    """Return `a*b` without multiplying by zero or one."""
    if ZERO in (a, b):
        return ZERO
    if a == ONE:
        return b
    return a if b == ONE else a * b


def _partial(operator: str, operands: tuple[Expression, ...], index: int) -> Expression:
    """Return the derivative of `operator(operands)` with respect to one operand."""
    if operator in _UNARY:
        return _UNARY[operator](operands[0])
    return _BINARY[operator](operands[0], operands[1], index)


def _power(a: Expression, b: Expression, index: int) -> Expression:
    if index == 1:
        return a**b * Expression.apply("log", a)
    if is_integer(b.head):
        n = int(b.head)
        lower = a if n == 2 else a ** Expression.integer(n - 1)
        return ONE if n == 1 else (ZERO if n == 0 else multiply(Expression.integer(n), lower))
    return b * a ** (b - ONE)


def _extreme(sign: int, a: Expression, b: Expression, index: int) -> Expression:
    # step((a - b)) written with sign, so that the derivative stays in the language
    direction = Expression.integer(sign if index == 0 else -sign)
    half = Expression.number(0.5)
    return half * (ONE + direction * Expression.apply("sign", a - b))


def _call(name: str, operand: Expression) -> Expression:
    return Expression.apply(name, operand)


_BINARY = {
    "+": lambda a, b, i: ONE,
    "-": lambda a, b, i: ONE if i == 0 else Expression.integer(-1),
    "*": lambda a, b, i: b if i == 0 else a,
    "/": lambda a, b, i: ONE / b if i == 0 else -(a / b**TWO),
    "**": _power,
    "max": lambda a, b, i: _extreme(1, a, b, i),
    "min": lambda a, b, i: _extreme(-1, a, b, i),
}
_UNARY = {
    "neg": lambda a: Expression.integer(-1),
    "abs": lambda a: _call("sign", a),
    "sign": lambda a: ZERO,
    "sqrt": lambda a: ONE / (TWO * _call("sqrt", a)),
    "exp": lambda a: _call("exp", a),
    "log": lambda a: ONE / a,
    "sin": lambda a: _call("cos", a),
    "cos": lambda a: -_call("sin", a),
    "tan": lambda a: ONE + _call("tan", a) ** TWO,
    "tanh": lambda a: ONE - _call("tanh", a) ** TWO,
    "sinh": lambda a: _call("cosh", a),
    "cosh": lambda a: _call("sinh", a),
    "asin": lambda a: ONE / _call("sqrt", ONE - a**TWO),
    "acos": lambda a: -(ONE / _call("sqrt", ONE - a**TWO)),
    "atan": lambda a: ONE / (ONE + a**TWO),
}


def terms(expression: Expression) -> list[tuple[float, Expression]]:
    """Return `[(coefficient, term), ...]` whose weighted sum is the formula.

    Sums, differences and signs are opened; a constant factor of a product is taken out. The
    terms hold no leading constant: `2*x - y*z/4` gives `[(2, x), (-0.25, y*z)]`. A formula
    without variables is its own coefficient with the term `1`.
    """
    head, operands = expression.head, expression.operands
    if head in ("+", "-"):
        right = terms(operands[1])
        return terms(operands[0]) + ([(-c, e) for c, e in right] if head == "-" else right)
    if head == "neg":
        return [(-c, e) for c, e in terms(operands[0])]
    return [_split_factor(expression)]


def _split_factor(expression: Expression) -> tuple[float, Expression]:
    if not expression.variables:
        value = float(evaluate(expression, {}))
        return (value, ONE) if math.isfinite(value) else (1.0, expression)
    if expression.head == "neg":
        factor, rest = _split_factor(expression.operands[0])
        return -factor, rest
    if expression.head not in ("*", "/"):
        return 1.0, expression
    (a, left), (b, right) = (_split_factor(operand) for operand in expression.operands)
    if expression.head == "*":
        return a * b, multiply(left, right)
    if b == 0:
        return a, left / expression.operands[1]
    return a / b, left if right == ONE else left / right
