"""The rules of `simplification`: products, powers and functions of sums in normal form.

Every rule keeps the value wherever the formula it replaces is defined; some widen the domain
(`x/x` is 1, `sqrt(x)**2` is `x`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from residuum.expressions.normal_form import (
    HALF,
    NONE,
    UNIT,
    Call,
    Number,
    Product,
    Sum,
    add,
    checked,
    content,
    exponent_of,
    factors,
    literals,
    plus,
    product_order,
    raised,
    scale,
    times,
    whole,
)
from residuum.expressions.primitives import PRIMITIVES

Factors = Mapping[Call | Sum, Number]
ODD = frozenset({"sin", "tan", "tanh", "sinh", "asin", "atan", "sign"})
EVEN = frozenset({"cos", "cosh", "abs"})
INVERSES = {"sin": "asin", "cos": "acos", "tan": "atan"}
POSITIVE = frozenset({"exp", "cosh", "abs"})


def number(value: Number) -> Sum:
    """Return a number as a sum."""
    return Sum(checked(value))


def variable(name: str) -> Sum:
    """Return a variable as a sum."""
    return Sum(NONE, ((((Call(name), UNIT),), UNIT),))


def apply(operator: str, *operands: Sum) -> Sum:
    """Return an operator of the primitive table applied to sums; raises ArithmeticError."""
    rule = _RULES.get(operator)
    return rule(*operands) if rule else _call(operator, *operands)


def multiply(a: Sum, b: Sum) -> Sum:
    """Return `a * b`."""
    (c, left), (d, right) = factors(a), factors(b)
    return term(times(c, d), _joined(left, right))


def _joined(left: Factors, right: Factors) -> dict[Call | Sum, Number]:
    joined = dict(left)
    for base, exponent in right.items():
        joined[base] = exponent_of(plus(joined.get(base, NONE), exponent))
    return joined


def term(coefficient: Number, parts: Factors) -> Sum:
    """Return the product of a number and powers, in normal form."""
    if not coefficient:
        return Sum()
    coefficient, parts = _opened(coefficient, parts)
    coefficient, parts = _exponentials(coefficient, parts)
    coefficient, parts = _primitive(coefficient, parts)
    if isinstance(coefficient, float):
        coefficient, parts = _absorbed(coefficient, parts)
    if not parts:
        return Sum(coefficient)
    product: Product = tuple(sorted(parts.items(), key=lambda part: product_order((part,))))
    base, exponent = product[0]
    alone = len(product) == 1 and exponent == 1
    if alone and isinstance(base, Sum) and (abs(coefficient) == 1 or literals(base) <= 1):
        return scale(base, coefficient)
    return Sum(NONE, ((product, coefficient),))


def _opened(coefficient: Number, parts: Factors) -> tuple[Number, dict[Call | Sum, Number]]:
    """Return the factors with whole powers of products, numbers and `abs` taken apart."""
    opened: dict[Call | Sum, Number] = {}
    for base, exponent in parts.items():
        inner: Sum | None = None
        if isinstance(base, Sum) and whole(exponent) and len(base.numbers) < 2:
            inner = base
        elif isinstance(base, Call) and base.head == "abs" and _even(exponent):
            inner = base.operands[0]
        if inner is None or (inner.terms and factors(inner)[1] == {inner: UNIT}):
            opened = _joined(opened, {base if inner is None else inner: exponent})
            continue
        c, inside = factors(inner)
        coefficient = times(coefficient, raised(c, exponent))
        opened = _joined(opened, {b: exponent_of(times(e, exponent)) for b, e in inside.items()})
    return coefficient, {base: e for base, e in opened.items() if e}


def _even(exponent: Number) -> bool:
    return whole(exponent) and int(exponent) % 2 == 0


def _exponentials(coefficient: Number, parts: Factors) -> tuple[Number, Factors]:
    """Return the factors with all exponentials merged into one."""
    found = {b: e for b, e in parts.items() if isinstance(b, Call) and b.head == "exp"}
    if not found or (len(found) == 1 and next(iter(found.values())) == 1):
        return coefficient, parts
    exponent = Sum()
    for base, power in found.items():
        exponent = add(exponent, multiply(base.operands[0], Sum(power)))
    c, merged = factors(_exp(exponent))
    rest = {b: e for b, e in parts.items() if b not in found}
    return times(coefficient, c), {b: e for b, e in _joined(rest, merged).items() if e}


def _primitive(coefficient: Number, parts: Factors) -> tuple[Number, Factors]:
    """Return the factors with the contents of all sums multiplied into the coefficient."""
    for free in (False, True):
        shorter: dict[Call | Sum, Number] = {}
        for base, exponent in parts.items():
            if not isinstance(base, Sum) or len(base.numbers) < 2:
                shorter = _joined(shorter, {base: exponent})
                continue
            c, inner = content(base, free=free and isinstance(coefficient, float))
            if not whole(exponent):
                c, inner = _positive(c, inner)
            coefficient = times(coefficient, raised(c, exponent))
            shorter = _joined(shorter, {inner: exponent})
        parts = {base: e for base, e in shorter.items() if e}
    return coefficient, parts


def _positive(c: Number, inner: Sum) -> tuple[Number, Sum]:
    """Return a content that has every real power, the rest left in the sum."""
    if isinstance(c, Fraction):
        return UNIT, scale(inner, c)
    return abs(c), scale(inner, Fraction(-1)) if c < 0 else inner


def _root(value: Fraction) -> Fraction | None:
    """Return the square root of a literal where it is a literal."""
    over, under = math.isqrt(value.numerator), math.isqrt(value.denominator)
    exact = over**2 == value.numerator and under**2 == value.denominator
    return Fraction(over, under) if exact else None


def _absorbed(coefficient: float, parts: Factors) -> tuple[Number, Factors]:
    """Return the factors without those that hold no variable, which a float takes in."""
    kept, value = dict(parts), float(coefficient)
    for base, exponent in parts.items():
        if base.fixed:
            value *= _value(base) ** float(exponent)
            del kept[base]
    return checked(value, coefficient), kept


def _value(part: Call | Sum) -> float:
    """Return the value of a part without variables."""
    if isinstance(part, Call):
        return _computed(part.head, [_value(operand) for operand in part.operands])
    products = [
        float(c) * math.prod(_value(b) ** float(e) for b, e in product) for product, c in part.terms
    ]
    return float(part.constant) + math.fsum(products)


def _computed(head: str, values: list[float]) -> float:
    with np.errstate(all="ignore"):
        return float(checked(float(PRIMITIVES[head].numpy(*values))))


def power(a: Sum, exponent: Number) -> Sum:
    """Return a sum to a constant power."""
    exponent = exponent_of(exponent)
    c, parts = factors(a)
    if whole(exponent):
        return term(raised(c, exponent), {b: exponent_of(e * exponent) for b, e in parts.items()})
    if not parts and c < 0:
        raise ZeroDivisionError("the root of a negative number")
    outside, inside = _split(c, exponent)
    if inside == 1 and (len(parts) == 1 or all(_even(e) for e in parts.values())):
        found = Sum(outside)
        for base, e in parts.items():
            found = multiply(found, _root_of(base, e, exponent))
        return found
    return term(outside, {term(inside, parts): exponent})


def _split(c: Number, exponent: Number) -> tuple[Number, Number]:
    """Return a coefficient as what leaves the power `exponent` and what stays under it."""
    if isinstance(c, float):
        return raised(abs(c), exponent), UNIT if c > 0 else -UNIT
    root = _root(abs(c)) if isinstance(exponent, Fraction) and exponent.denominator == 2 else None
    if root is not None:
        return raised(root, 2 * exponent), UNIT if c > 0 else -UNIT
    if isinstance(exponent, float) and abs(c) != 1:
        return raised(abs(float(c)), exponent), UNIT if c > 0 else -UNIT
    return UNIT, c


def _root_of(base: Call | Sum, inner: Number, outer: Number) -> Sum:
    """Return `(base**inner)**outer` for an `outer` that is no integer."""
    exponent = exponent_of(inner * outer)
    if _even(inner) and not (isinstance(base, Call) and base.head in POSITIVE):
        found = _abs(base if isinstance(base, Sum) else Sum(NONE, ((((base, UNIT),), UNIT),)))
        return power(found, exponent)
    return term(UNIT, {base: exponent})


def _add(a: Sum, b: Sum) -> Sum:
    return _logarithms(_settled(add(a, b)))


def _settled(a: Sum) -> Sum:
    """Return a sum whose float constant has taken in the terms without variables."""
    fixed = [pair for pair in a.terms if all(base.fixed for base, _ in pair[0])]
    if not isinstance(a.constant, float) or not fixed:
        return a
    value = _value(Sum(a.constant, tuple(fixed)))
    return Sum(checked(value), tuple(pair for pair in a.terms if pair not in fixed))


def _logarithms(a: Sum) -> Sum:
    """Return a sum with the logarithms that have no coefficient merged into one."""
    logs = [(p[0][0], c) for p, c in a.terms if _bare_logarithm(p, c)]
    found = [(base.operands[0], c) for base, c in logs if isinstance(base, Call)]
    if len(found) < 2:
        return a
    argument = Sum(UNIT)
    for operand, c in found:
        argument = multiply(argument, power(operand, c))
    rest = Sum(a.constant, tuple(pair for pair in a.terms if not _bare_logarithm(*pair)))
    return add(rest, _log(argument))


def _bare_logarithm(product: Product, c: Number) -> bool:
    base, exponent = product[0]
    alone = len(product) == 1 and exponent == 1 and isinstance(c, Fraction) and abs(c) == 1
    return alone and isinstance(base, Call) and base.head == "log"


def _power(a: Sum, b: Sum) -> Sum:
    if b.terms:
        return _call("**", a, b)
    if not b.constant:
        return Sum(UNIT)
    if not a.terms and isinstance(b.constant, float):
        return number(raised(float(a.constant), b.constant))
    return power(a, b.constant)


def _exp(a: Sum) -> Sum:
    rest = Sum(NONE if isinstance(a.constant, float) else a.constant, a.terms)
    outside = checked(math.exp(a.constant)) if isinstance(a.constant, float) else UNIT
    if not rest.terms and not rest.constant:
        return number(outside)
    found, kept = Sum(outside), []
    for product, c in rest.terms:
        base, exponent = product[0]
        if len(product) == 1 and exponent == 1 and isinstance(base, Call) and base.head == "log":
            found = multiply(found, power(base.operands[0], c))
        else:
            kept.append((product, c))
    rest = Sum(rest.constant, tuple(kept))
    if not rest.terms and not rest.constant:
        return found
    return multiply(found, Sum(NONE, ((((Call("exp", (rest,)), UNIT),), UNIT),)))


def _log(a: Sum) -> Sum:
    c, parts = factors(a)
    if len(parts) == 1 and next(iter(parts)) is a:
        c, inner = content(a, free=False)
        if isinstance(c, float):
            parts = {inner: UNIT}
        else:
            c = UNIT
    outside: Number = NONE
    if isinstance(c, float):
        outside, c = checked(math.log(abs(c))), UNIT if c > 0 else -UNIT
    found = Sum(outside)
    for base, exponent in list(parts.items()):
        if isinstance(base, Call) and base.head == "exp":
            found = add(found, multiply(base.operands[0], Sum(exponent)))
            parts = {b: e for b, e in parts.items() if b != base}
    if not parts and c == 1:
        return found
    base, exponent = next(iter(parts.items()), (Sum(c), UNIT))
    if len(parts) == 1 and c == 1 and not _even(exponent):
        return add(found, multiply(Sum(exponent), _call("log", term(UNIT, {base: UNIT}))))
    return add(found, _call("log", term(c, parts)))


def _abs(a: Sum) -> Sum:
    c, parts = factors(a)
    outside = {b: e for b, e in parts.items() if _nonnegative(b, e)}
    inside = {b: e for b, e in parts.items() if b not in outside}
    size: Number = -c if c < 0 else c
    found = term(size, outside)
    if not inside:
        return found
    return multiply(found, _even_call("abs", term(UNIT, inside)))


def _nonnegative(base: Call | Sum, exponent: Number) -> bool:
    positive = isinstance(base, Call) and base.head in POSITIVE
    return positive or _even(exponent) or not whole(exponent)


def _even_call(head: str, a: Sum) -> Sum:
    return _call(head, scale(a, Fraction(-1)) if _negative(a) else a)


def _odd_call(head: str, a: Sum) -> Sum:
    if head == "sign" and len(factors(a)[1]) and factors(a)[1] != {a: UNIT}:
        c, parts = factors(a)
        a = term(UNIT if c > 0 else -UNIT, parts)
    if _negative(a):
        return scale(_call(head, scale(a, Fraction(-1))), Fraction(-1))
    return _call(head, a)


def _negative(a: Sum) -> bool:
    return bool(a.terms) and a.terms[0][1] < 0


def _call(head: str, *operands: Sum) -> Sum:
    """Return a function of sums; of floats alone its value, of literals where that is one."""
    inverse = INVERSES.get(head)
    if inverse:
        base = next(iter(factors(operands[0])[1]), None)
        if (
            isinstance(base, Call)
            and base.head == inverse
            and operands[0] == term(UNIT, {base: UNIT})
        ):
            return base.operands[0]
    if not any(part.terms for part in operands):
        values = [part.constant for part in operands]
        found = _computed(head, [float(v) for v in values])
        if any(isinstance(v, float) for v in values):
            return number(found)
        if (head, float(values[0])) in _EXACT or head in ("min", "max"):
            return number(Fraction(found))
    return Sum(NONE, ((((Call(head, operands), UNIT),), UNIT),))


_EXACT = {(f, 0.0) for f in ("sin", "cos", "tan", "tanh", "sinh", "cosh", "asin", "atan", "sign")}
_EXACT |= {("log", 1.0), ("exp", 0.0)}


def _extreme(head: str, a: Sum, b: Sum) -> Sum:
    if a == b:
        return a
    return _call(head, *sorted((a, b), key=lambda part: part.order))


_RULES: dict[str, Callable[..., Sum]] = {
    "+": _add,
    "-": lambda a, b: _add(a, scale(b, Fraction(-1))),
    "neg": lambda a: scale(a, Fraction(-1)),
    "*": multiply,
    "/": lambda a, b: multiply(a, power(b, Fraction(-1))),
    "**": _power,
    "sqrt": lambda a: power(a, HALF),
    "exp": _exp,
    "log": _log,
    "abs": _abs,
    "min": lambda a, b: _extreme("min", a, b),
    "max": lambda a, b: _extreme("max", a, b),
    **{name: lambda a, name=name: _odd_call(name, a) for name in ODD},
    **{name: lambda a, name=name: _even_call(name, a) for name in EVEN - {"abs"}},
}
