r"""Formulas as sums of products of powers: the arithmetic behind `simplification`.

.. math:: S = c_0 + \sum_j c_j \prod_i b_{ji}^{e_{ji}}

A base `b` is a function call or variable (`Call`) or again a sum of several terms. Numbers are of
two kinds: a `float` is a constant that may be fitted, a `Fraction` an integer literal or a
quotient of such, part of the structure. What meets a float becomes part of it. Sums are not
multiplied out: that would need more constants than there were.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from residuum.expressions.expression import MAX_EXPONENT

Number = Fraction | float
NONE, UNIT, HALF = Fraction(0), Fraction(1), Fraction(1, 2)
# A float so near to a whole number is that number; constants outside the range are left alone.
ROUNDING = 1e-15
RANGE = (1e-150, 1e150)
LARGEST = 10**15


@dataclass(frozen=True)
class Call:
    """A function of sums, or a variable (no operands)."""

    head: str
    operands: tuple[Sum, ...] = ()

    @cached_property
    def order(self) -> str:
        """Text that sorts, the same whatever the values of the floats."""
        inside = ",".join(part.order for part in self.operands)
        return f"{self.head}({inside})" if self.operands else self.head

    @cached_property
    def fixed(self) -> bool:
        """Whether no variable stands in it."""
        return bool(self.operands) and all(part.fixed for part in self.operands)


Product = tuple[tuple["Call | Sum", Number], ...]


@dataclass(frozen=True)
class Sum:
    """`constant` plus coefficients times products; equal sums are equal objects."""

    constant: Number = NONE
    terms: tuple[tuple[Product, Number], ...] = ()

    @cached_property
    def order(self) -> str:
        """Text that sorts, the same whatever the values of the floats."""
        parts = [f"{_text(c)}*{product_order(p)}" for p, c in self.terms]
        return "+".join([*parts, _text(self.constant)])

    @cached_property
    def fixed(self) -> bool:
        """Whether no variable stands in it."""
        return all(base.fixed for product, _ in self.terms for base, _ in product)

    @property
    def numbers(self) -> list[Number]:
        """The coefficients, and the constant where it is not zero."""
        return [*(c for _, c in self.terms), *([self.constant] if self.constant else [])]


def _text(value: Number) -> str:
    return "#" if isinstance(value, float) else str(value)


def product_order(product: Product) -> str:
    """Return text by which products sort, variables before sums."""
    return "*".join(
        f"{'~' if isinstance(base, Sum) else ''}({base.order})^{_text(exponent)}"
        for base, exponent in product
    )


def checked(value: Number, *parts: Number) -> Number:
    """Return a number that came from `parts`; raises ArithmeticError where digits were lost."""
    if isinstance(value, Fraction):
        if max(abs(value.numerator), value.denominator) > LARGEST:
            raise OverflowError("a literal too long")
        return value
    if not math.isfinite(value) or (value and not RANGE[0] < abs(value) < RANGE[1]):
        raise OverflowError("a constant out of range")
    if value == 0 and all(parts) and parts:
        raise OverflowError("a constant too small")
    near = round(value)
    if abs(near) == 1 and abs(value - near) <= ROUNDING:
        return Fraction(near)
    return value if value else NONE


def plus(a: Number, b: Number) -> Number:
    """Return `a + b`; what rounding leaves of a difference of equals is zero."""
    found = a + b
    largest = max(math.fabs(a), math.fabs(b))
    if isinstance(found, float) and abs(found) <= ROUNDING * largest:
        return NONE
    return checked(found)


def times(a: Number, b: Number) -> Number:
    """Return `a * b`."""
    return checked(a * b, a, b)


def raised(value: Number, exponent: Number) -> Number:
    """Return a number to a power; raises ArithmeticError where that is no real number."""
    if isinstance(value, Fraction) and isinstance(exponent, Fraction):
        if exponent.denominator != 1 or abs(exponent) > MAX_EXPONENT:
            raise OverflowError("not a literal")
        return checked(value**exponent.numerator)
    if value < 0 and not whole(exponent):
        raise ZeroDivisionError("the root of a negative number")
    return checked(math.pow(value, exponent), value)


def whole(exponent: Number) -> bool:
    """Tell whether an exponent is an integer."""
    return isinstance(exponent, Fraction) and exponent.denominator == 1


def exponent_of(value: Number) -> Number:
    """Return an exponent, structure where it is an integer or a half."""
    if 2 * value == round(2 * value):
        value = Fraction(round(2 * value), 2)
    if isinstance(value, Fraction) and abs(value) > MAX_EXPONENT:
        raise OverflowError("an exponent too large")
    return value


def total(constant: Number, pairs: Iterable[tuple[Product, Number]]) -> Sum:
    """Return the sum of a constant and weighted products, equal products merged."""
    merged: dict[Product, Number] = {}
    for product, coefficient in pairs:
        merged[product] = plus(merged.get(product, NONE), coefficient)
    kept = [(p, c) for p, c in merged.items() if c]
    return Sum(constant, tuple(sorted(kept, key=lambda pair: product_order(pair[0]))))


def add(a: Sum, b: Sum) -> Sum:
    """Return `a + b`."""
    return total(plus(a.constant, b.constant), [*a.terms, *b.terms])


def scale(a: Sum, factor: Number) -> Sum:
    """Return `factor * a`, every number multiplied."""
    return Sum(
        times(a.constant, factor) if a.constant else NONE,
        tuple((p, times(c, factor)) for p, c in a.terms),
    )


def factors(a: Sum) -> tuple[Number, Mapping[Call | Sum, Number]]:
    """Return a sum as a coefficient and `{base: exponent}`."""
    if not a.terms:
        return a.constant, {}
    if len(a.terms) == 1 and not a.constant:
        product, coefficient = a.terms[0]
        return coefficient, dict(product)
    return UNIT, {a: UNIT}


def literals(a: Sum) -> int:
    """Return how many of a sum's numbers are structure."""
    return sum(isinstance(c, Fraction) for c in a.numbers)


def content(a: Sum, *, free: bool) -> tuple[Number, Sum]:
    """Return `(c, b)` with `a = c*b`, where `b` has one constant less, or shorter literals.

    `free` tells whether a float stands before the sum already, so that one more costs nothing.
    """
    numbers, pivot = a.numbers, a.terms[0][1]
    if isinstance(pivot, float) and literals(a) <= free:
        return pivot, Sum(
            checked(a.constant / pivot) if a.constant else NONE,
            tuple((p, checked(c / pivot)) for p, c in a.terms),
        )
    if all(isinstance(c, Fraction) for c in numbers):
        common = _common([Fraction(c) for c in numbers])
        common = -common if a.terms[0][1] < 0 else common
        return common, scale(a, 1 / common)
    return UNIT, a


def _common(values: list[Fraction]) -> Fraction:
    over = math.gcd(*(v.numerator for v in values))
    return Fraction(over, math.lcm(*(v.denominator for v in values)))
