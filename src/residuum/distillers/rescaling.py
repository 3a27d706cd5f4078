"""A formula found in scaled columns, written in the user's numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import CONSTANT, Expression, is_integer

_LARGEST, _SMALLEST = 1e300, 1e-300


def in_user_numbers(
    expression: Expression, factors: Mapping[str, float], value: float
) -> Expression:
    r"""Return :math:`f(s_1 x_1, s_2 x_2, \ldots)/s` for `factors` :math:`s_j` and `value` s.

    Numbers are gathered in front of products and powers, so `f = x0*x1` stays one product with
    one constant.

    >>> from residuum.expressions.parser import parse
    >>> in_user_numbers(parse("2.0*x**2"), {"x": 10.0}, 1.0).infix()
    '200.0*x**2'
    """
    if value == 1 and all(factors.get(name, 1.0) == 1 for name in expression.variables):
        return expression

    def leaf(token: str, constant: float | None) -> _Scaled:
        if token == CONSTANT or is_integer(token):
            number = float(token) if constant is None else constant
            return _Scaled(
                number, None, Expression((token,), () if constant is None else (number,))
            )
        return _Scaled(factors.get(token, 1.0), Expression.variable(token))

    whole = expression.fold(leaf, _node)
    if _sound(whole.factor / value):
        return _Scaled(whole.factor / value, whole.rest).written()
    return Expression.number(1 / value) * whole.written()


def in_computable_numbers(
    expression: Expression,
    factors: Mapping[str, float],
    value: float,
    columns: Mapping[str, np.ndarray],
) -> Expression:
    """Return the formula in user's numbers that is finite on the most rows of `columns[name][n]`.

    Gathered numbers read better; next to 1e300 they may overflow where scaled columns do not.
    """
    gathered = in_user_numbers(expression, factors, value)
    if np.isfinite(evaluate(gathered, columns)).all():
        return gathered
    scaled = {name: Expression.number(factors[name]) * Expression.variable(name)
              for name in expression.variables}  # fmt: skip
    plain = Expression.number(1 / value) * expression.substitute(scaled)
    finite = [np.isfinite(evaluate(form, columns)).sum() for form in (gathered, plain)]
    return gathered if finite[0] >= finite[1] else plain


@dataclass(frozen=True, slots=True)
class _Scaled:
    """`factor * rest`; a pure number has no rest and remembers how it was written."""

    factor: float
    rest: Expression | None
    number: Expression | None = None

    def written(self) -> Expression:
        if self.rest is None:
            return self.number or Expression.number(self.factor)
        return self.rest if self.factor == 1 else _times(self.factor, self.rest)


def _times(factor: float, rest: Expression) -> Expression:
    """Return `factor*rest` with the number at the left end of products and quotients."""
    number = Expression.number(factor)
    if rest.head in ("*", "/"):
        left, right = rest.operands
        unit = left == Expression.number(1.0) and rest.head == "/"
        return Expression.apply(rest.head, number if unit else _times(factor, left), right)
    return number * rest


def _sound(factor: float) -> bool:
    return factor == 0 or _SMALLEST < abs(factor) < _LARGEST


def _node(operator: str, *parts: _Scaled) -> _Scaled:
    found = _RULES.get(operator, _apart)(operator, *parts)
    if _sound(found.factor) and (found.rest is None or found.factor != 0):
        return found
    return _apart(operator, *parts)


def _apart(operator: str, *parts: _Scaled) -> _Scaled:
    """Write every operand with its number."""
    return _Scaled(1.0, Expression.apply(operator, *(part.written() for part in parts)))


def _product(operator: str, a: _Scaled, b: _Scaled) -> _Scaled:
    if operator == "/" and b.factor == 0:
        return _apart(operator, a, b)
    factor = a.factor * b.factor if operator == "*" else a.factor / b.factor
    if b.rest is None:
        return _Scaled(factor, a.rest)
    if a.rest is None:
        inverse = Expression.number(1.0) / b.rest
        return _Scaled(factor, b.rest if operator == "*" else inverse)
    return _Scaled(factor, Expression.apply(operator, a.rest, b.rest))


def _power(operator: str, a: _Scaled, b: _Scaled) -> _Scaled:
    if b.rest is not None or b.number is None or a.rest is None:
        return _apart(operator, a, b)
    if a.factor < 0 and not is_integer(b.number.head):
        return _apart(operator, a, b)
    try:
        factor = a.factor**b.factor
    except (OverflowError, ZeroDivisionError):
        return _apart(operator, a, b)
    return _Scaled(factor, Expression.apply(operator, a.rest, b.number))


def _same(operator: str, a: _Scaled, b: _Scaled) -> _Scaled:
    """Pull a number out that both operands share."""
    if a.rest is None or b.rest is None or a.factor != b.factor or a.factor <= 0:
        return _apart(operator, a, b)
    return _Scaled(a.factor, Expression.apply(operator, a.rest, b.rest))


def _one(operator: str, a: _Scaled) -> _Scaled:
    if a.rest is None or (operator == "sqrt" and a.factor < 0):
        return _apart(operator, a)
    if operator == "neg":
        return _Scaled(-a.factor, a.rest)
    factor = math.sqrt(a.factor) if operator == "sqrt" else abs(a.factor)
    return _Scaled(factor, Expression.apply(operator, a.rest))


_RULES: dict[str, Callable[..., _Scaled]] = {
    "*": _product, "/": _product, "**": _power,
    "+": _same, "-": _same, "min": _same, "max": _same,
    "neg": _one, "sqrt": _one, "abs": _one,
}  # fmt: skip
