"""Formulas made shorter by rules, without sympy: fast, and it always ends.

A formula is brought into the normal form of `normal_form` by the rules of `normal_rules` and
written again. What came out is kept only when it is smaller (fewer constants at no greater
complexity, then shorter, then fewer variables and quotients),
so the rewriting ends, and doing it twice is doing it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache

from residuum.expressions.expression import Expression, is_variable
from residuum.expressions.normal_form import Sum
from residuum.expressions.normal_rules import apply, number, variable
from residuum.expressions.rendering import render

Skeleton = tuple[str, ...]
# Formulas that differ in one part share all others, so most simplifications were done before.
REMEMBERED = 20_000


@lru_cache(maxsize=REMEMBERED)
def simplify_rules(expression: Expression) -> Expression:
    """Return an equal formula of at most the same complexity and number of constants.

    Equal wherever the formula given is defined, up to rounding; it may be defined in more points
    (`x/x` is 1). Constants that meet become one: `2.0*x/(4.0 + 2.0*y)` is `x/(2.0 + y)`.

    >>> from residuum.expressions.parser import parse
    >>> simplify_rules(parse("2.0*(3.0*x)*x + x*(x - x)")).infix()
    '6.0*x**2'
    """
    current = expression
    while True:
        found = _rewritten(current)
        if found is None or not _smaller(found, current):
            found = _by_parts(current)
        if not _smaller(found, current):
            return _in_order(current)
        current = found


def _in_order(simple: Expression) -> Expression:
    """Return the formula as the normal form writes it, if that is as short and stays as it is."""
    found = _rewritten(simple)
    if found is None or found == simple or _size(found)[:-1] != _size(simple)[:-1]:
        return simple
    settled = _rewritten(found) == found and not _smaller(_by_parts(found), found)
    return found if settled else simple


def normal(expression: Expression) -> Sum:
    """Return the normal form; raises ArithmeticError where the constants do not admit one."""
    return expression.fold(_leaf, apply)


def _leaf(token: str, constant: float | None) -> Sum:
    if constant is not None:
        return number(float(constant))
    return variable(token) if is_variable(token) else number(Fraction(token))


def _rewritten(expression: Expression) -> Expression | None:
    try:
        return render(normal(expression))
    except (ArithmeticError, ValueError):
        # Constants that overflow, vanish or have no real value: the formula stays as it is.
        return None


def _by_parts(expression: Expression) -> Expression:
    """Return the formula with each operand simplified by itself."""
    operands = expression.operands
    if not operands:
        return expression
    return Expression.apply(expression.head, *(simplify_rules(part) for part in operands))


def _smaller(found: Expression, than: Expression) -> bool:
    if found.complexity > than.complexity or len(found.constants) > len(than.constants):
        return False
    return _size(found) < _size(than)


def _size(expression: Expression) -> tuple[int, int, int, int, Skeleton]:
    tokens = expression.tokens
    leaves = sum(is_variable(token) for token in tokens)
    return (len(expression.constants), expression.complexity, leaves, tokens.count("/"), tokens)


def absorb_scales(
    expression: Expression, scales: Mapping[str, float], *, scale: float = 1.0
) -> Expression:
    r"""Return the formula in :math:`v` of one found in :math:`v' = v/s_v`, times `scale`.

    The factors are taken in by the constants nearby; where there is none a new one appears.

    >>> from residuum.expressions.parser import parse
    >>> absorb_scales(parse("2.0*v/(3.0 + w)"), {"v": 4.0, "w": 0.5}).infix()
    '0.25*v/(w + 1.5)'

    Raises ValueError when a scale is zero or not finite.
    """
    for name, value in (*scales.items(), ("scale", scale)):
        if not (abs(value) > 0 and abs(value) < float("inf")):
            raise ValueError(f"{name}: expected a finite scale that is not zero, found {value}")
    units = {
        name: Expression.number(1.0 / value) * Expression.variable(name)
        for name, value in scales.items()
        if value != 1.0
    }
    scaled = expression.substitute(units)
    return simplify_rules(scaled if scale == 1.0 else Expression.number(scale) * scaled)


@lru_cache(maxsize=REMEMBERED)
def skeleton(expression: Expression) -> Skeleton:
    """Return the tokens with constants forgotten, operands of sums and products in one order.

    Hashable; formulas that differ by their constants (their signs, too), the order of
    commutative operands or what the rules simplify have the same.
    """
    simple = simplify_rules(expression)
    try:
        return render(normal(simple), signs=False).tokens
    except (ArithmeticError, ValueError):
        return simple.tokens
