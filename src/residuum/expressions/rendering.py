"""Sums in normal form as formulas again, in the shortest of a few ways to write them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import reduce

from residuum.expressions.expression import Expression
from residuum.expressions.normal_form import (
    HALF,
    NONE,
    UNIT,
    Call,
    Number,
    Product,
    Sum,
    content,
    product_order,
    scale,
    whole,
)

ONE = Expression.integer(1)


def render(a: Sum, *, signs: bool = True) -> Expression:
    """Return a sum as a formula; without `signs`, every fitted constant is written as added."""
    found = [_plain(a, signs)]
    if len(a.terms) + bool(a.constant) > 1:
        c, inner = content(a, free=False)
        if isinstance(c, Fraction) and abs(c) != 1:
            found.append(_product(c, ((inner, UNIT),), signs))
        if not a.constant:
            found += _factored(a, signs)
    return _shortest(found)


def _shortest(found: Sequence[Expression]) -> Expression:
    return min(found, key=lambda e: (len(e.constants), e.complexity))


def _factored(a: Sum, signs: bool) -> list[Expression]:
    """Return the sum with the powers that all its terms share before it."""
    shared = [dict(product) for product, _ in a.terms]
    common = {
        base: min((part[base] for part in shared), key=math.fabs)
        for base in shared[0]
        if all(base in part for part in shared)
        and len({part[base] > 0 for part in shared}) == 1
        and all(isinstance(part[base], Fraction) for part in shared)
    }
    if not common:
        return []
    rest = []
    constant: Number = NONE
    for product, c in a.terms:
        left = tuple((b, e - common.get(b, 0)) for b, e in product if e != common.get(b))
        if left:
            rest.append((left, c))
        else:
            constant = c
    outside = tuple(sorted(common.items(), key=lambda part: product_order((part,))))
    inner = Sum(constant, tuple(sorted(rest, key=lambda pair: product_order(pair[0]))))
    return [_product(UNIT, (*outside, (inner, UNIT)), signs)]


def _plain(a: Sum, signs: bool) -> Expression:
    """Return the terms one after the other, one that is added before those subtracted."""
    parts: list[tuple[Number, Product]] = [(c, product) for product, c in a.terms]
    if a.constant or not parts:
        parts.append((a.constant, ()))
    added = [k for k, (c, _) in enumerate(parts) if not _subtracted(c, signs)]
    if not added and all(isinstance(c, Fraction) for c, _ in parts) and len(parts) > 1:
        return -_plain(scale(a, Fraction(-1)), signs)
    first = added[0] if added else _float_place(parts)
    parts.insert(0, parts.pop(first))
    total = _product(*parts[0], signs)
    for c, product in parts[1:]:
        minus = _subtracted(c, signs)
        part = _product(-c if minus else c, product, signs)
        total = total - part if minus else total + part
    return total


def _float_place(parts: Sequence[tuple[Number, Product]]) -> int:
    return next((k for k, (c, _) in enumerate(parts) if isinstance(c, float)), 0)


def _subtracted(c: Number, signs: bool) -> bool:
    return c < 0 and (signs or isinstance(c, Fraction))


def _product(c: Number, product: Product, signs: bool) -> Expression:
    """Return a coefficient times powers, its sign where that costs least."""
    if c != -1 or not product:
        return _quotient(c, product, signs)
    found = [-_quotient(UNIT, product, signs)]
    for k, (base, exponent) in enumerate(product):
        flipped = _flipped(base) if whole(exponent) and int(exponent) % 2 else None
        if flipped is not None:
            other = (*product[:k], (flipped, exponent), *product[k + 1 :])
            found.append(_quotient(UNIT, other, signs))
    return _shortest(found)


def _flipped(base: Call | Sum) -> Call | Sum | None:
    """Return minus a base where that is a base too."""
    if isinstance(base, Sum):
        return scale(base, Fraction(-1))
    if base.head in _ODD:
        return Call(base.head, (scale(base.operands[0], Fraction(-1)),))
    return None


_ODD = frozenset({"sin", "tan", "tanh", "sinh", "asin", "atan", "sign"})


def _quotient(c: Number, product: Product, signs: bool) -> Expression:
    over, under = _powers(product, signs)
    if isinstance(c, float):
        over.insert(0, Expression.number(c))
    else:
        if abs(c.numerator) != 1 or (c < 0 and not over):
            over.insert(0, Expression.integer(c.numerator))
        elif c < 0:
            over[0] = -over[0]
        if c.denominator != 1:
            under.insert(0, Expression.integer(c.denominator))
    if not over and len(under) == 1 and under[0].head == "**":
        base, exponent = under[0].operands
        if exponent.tokens[0].isdigit():
            return base ** Expression.integer(-int(exponent.tokens[0]))
    if not under:
        return _times(over) if over else ONE
    return (_times(over) if over else ONE) / _times(under)


def _times(parts: Iterable[Expression]) -> Expression:
    return reduce(lambda a, b: a * b, parts)


def _powers(product: Product, signs: bool) -> tuple[list[Expression], list[Expression]]:
    """Return what stands over and under the line; factors of one exponent stand together."""
    groups: dict[Fraction, tuple[list[Expression], list[Expression]]] = {}
    over: list[Expression] = []
    under: list[Expression] = []
    for base, exponent in product:
        body = _base(base, signs)
        if not isinstance(exponent, Fraction) or exponent.denominator > 2:
            value = render(Sum(exponent), signs=signs)
            over.append(body**value)
            continue
        for part in _split(abs(exponent)):
            groups.setdefault(part, ([], []))[exponent < 0].append(body)
    for part in sorted(groups, key=lambda p: (p != 1, p)):
        up, down = groups[part]
        if part == 1:
            over += up
            under += down
            continue
        inside = _times(up) / _times(down) if up and down else _times(up or down)
        (over if up else under).append(_raised(inside, part))
    return over, under


def _split(exponent: Fraction) -> list[Fraction]:
    """Return an exponent as a whole part and a half."""
    if exponent.denominator == 1:
        return [exponent]
    return [HALF] if exponent == HALF else [exponent - HALF, HALF]


def _raised(inside: Expression, exponent: Fraction) -> Expression:
    if exponent == HALF:
        return Expression.apply("sqrt", inside)
    return inside ** Expression.integer(int(exponent))


def _base(base: Call | Sum, signs: bool) -> Expression:
    if isinstance(base, Sum):
        return render(base, signs=signs)
    if not base.operands:
        return Expression.variable(base.head)
    if base.head == "neg":
        return -render(base.operands[0], signs=signs)
    return Expression.apply(base.head, *(render(part, signs=signs) for part in base.operands))
