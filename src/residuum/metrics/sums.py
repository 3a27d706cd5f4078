r"""A formula as a sum of products of powers, in which equal parts meet.

:math:`e = \sum_j c_j \prod_k b_{jk}^{p_{jk}}` with numbers :math:`c_j, p_{jk}` and bases
:math:`b_{jk}` that are variables, calls or sums of several terms. Numbers are folded and move out
of products, quotients, powers, `log` and `exp`. Laws that hold wherever both sides are defined
are used and no others: `sqrt(x**2)` is not `x`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import CONSTANT, Expression, is_variable
from residuum.metrics.writing import Factors, Sum, written

NUMBER: Factors = frozenset()
MOST_TERMS = 200
MOST_POWER = 12
ODD = frozenset({"sin", "tan", "asin", "atan", "tanh", "sinh", "sign"})
EVEN = frozenset({"cos", "cosh", "abs"})


class Unsuitable(ValueError):
    """A number in the formula leaves the range of a float64, so it stays as it is."""


def sum_of(expression: Expression, *, expand: bool = False) -> Sum:
    """Return the sum `{factors: coefficient}`, where `factors` holds pairs (base, exponent).

    With `expand`, products and whole powers of sums are multiplied out (to at most 200 terms).
    Raises Unsuitable where a number overflows, underflows or is divided by zero.
    """

    def leaf(token: str, constant: float | None) -> Sum:
        if is_variable(token):
            return {frozenset({(Expression.variable(token), 1.0)}): 1.0}
        return number(float(token) if token != CONSTANT else float(constant or 0.0))

    def node(symbol: str, *operands: Sum) -> Sum:
        if symbol in BINARY:
            return BINARY[symbol](operands[0], operands[1], expand)
        if symbol in UNARY:
            return UNARY[symbol](operands[0], expand)
        return call(symbol, *operands)

    return expression.fold(leaf, node)


def number(value: float) -> Sum:
    """Return the sum that is one number; raises Unsuitable for what is not finite."""
    if not math.isfinite(value):
        raise Unsuitable
    return {NUMBER: value} if value else {}


def constant_of(total: Sum) -> float | None:
    """Return the value of a sum without variables, else None."""
    if not total:
        return 0.0
    return total[NUMBER] if set(total) == {NUMBER} else None


def scaled(total: Sum, factor: float) -> Sum:
    """Return `factor*total`."""
    if factor == 0.0:
        return {}
    return {key: checked(factor * value) for key, value in total.items()}


def checked(value: float) -> float:
    """Return a product of numbers other than zero; raises Unsuitable where it left the range."""
    if not math.isfinite(value) or value == 0.0:
        raise Unsuitable
    return value


def add(a: Sum, b: Sum, sign: float = 1.0) -> Sum:
    """Return `a + sign*b` with equal terms merged."""
    total = dict(a)
    for key, value in b.items():
        merged = total.pop(key, 0.0) + sign * value
        if merged:
            total[key] = merged
    return total


def multiply(a: Sum, b: Sum, expand: bool) -> Sum:
    """Return `a*b`; sums of several terms stay whole unless `expand`."""
    for first, second in ((a, b), (b, a)):
        value = constant_of(first)
        if value is not None:
            return scaled(second, value)
    if not expand or len(a) * len(b) > MOST_TERMS:
        a, b = whole(a), whole(b)
    total: Sum = {}
    for left, c in a.items():
        for right, d in b.items():
            total = add(total, {product(left, right): checked(c * d)})
    return total


def product(a: Factors, b: Factors) -> Factors:
    """Return the product of powers with the exponents of equal bases added."""
    powers = dict(a)
    for base, exponent in b:
        powers[base] = powers.get(base, 0.0) + exponent
    return joined(frozenset((base, exponent) for base, exponent in powers.items() if exponent))


def joined(factors: Factors) -> Factors:
    """Return the factors with at most one exponential, of power one or minus one."""
    exponentials = [(base, p) for base, p in factors if base.head == "exp"]
    if not exponentials or (len(exponentials) == 1 and abs(exponentials[0][1]) == 1.0):
        return factors
    total: Sum = {}
    for base, p in exponentials:
        total = add(total, scaled(sum_of(base.operands[0]), p))
    rest = factors - set(exponentials)
    return rest | _exponential_factor(total) if total else rest


def _exponential_factor(exponent: Sum) -> Factors:
    """Return `exp` of a sum without a constant; under the line where all signs are negative."""
    sign = -1.0 if all(value < 0 for value in exponent.values()) else 1.0
    return frozenset({(Expression.apply("exp", written(scaled(exponent, sign))), sign)})


def whole(total: Sum) -> Sum:
    """Return a sum of several terms as one factor with a number before it."""
    if len(total) == 1:
        return total
    leading = leading_number(total)
    base = written({key: checked(value / leading) for key, value in total.items()})
    return {frozenset({(base, 1.0)}): leading}


def leading_number(total: Sum) -> float:
    """Return the number that, taken out of a sum, leaves most terms without one of their own."""
    sizes = Counter(abs(value) for key, value in total.items() if key)
    best = max(sizes, key=lambda size: (sizes[size], size == 1.0))
    return -best if all(value < 0 for value in total.values()) else best


def power(a: Sum, b: Sum, expand: bool) -> Sum:
    """Return `a**b`: a number as exponent moves into the factors where that is always true."""
    exponent, base = constant_of(b), constant_of(a)
    if exponent is None:
        if base == 1.0:
            return a
        return atom(Expression.apply("**", written(a), written(b)))
    if base is not None:
        return number(numeric_power(base, exponent))
    if exponent == 0.0:
        return number(1.0)
    if exponent.is_integer():
        return whole_power(a, int(exponent), expand)
    ((factors, coefficient),) = whole(a).items()
    if coefficient < 0:
        return {frozenset({(written(a), exponent)}): 1.0}
    inner = only(factors) if len(factors) == 1 else None
    inside = inner if inner is not None else written({factors: 1.0})
    return {frozenset({(inside, exponent)}): checked(coefficient**exponent)}


def only(factors: Factors) -> Expression | None:
    """Return the base of a single factor with exponent one."""
    ((base, exponent),) = factors
    return base if exponent == 1.0 else None


def numeric_power(base: float, exponent: float) -> float:
    """Return a power of numbers; raises Unsuitable where it is not a finite real number."""
    try:
        value = base**exponent
    except (OverflowError, ZeroDivisionError):
        raise Unsuitable from None
    if isinstance(value, complex) or (value == 0.0 and base != 0.0):
        raise Unsuitable
    return value


def whole_power(a: Sum, exponent: int, expand: bool) -> Sum:
    """Return `a**exponent` for a whole exponent."""
    if expand and len(a) > 1 and 1 <= exponent <= MOST_POWER:
        total = number(1.0)
        for _ in range(exponent):
            total = multiply(total, a, True)
        return total
    ((factors, coefficient),) = whole(a).items()
    raised = joined(frozenset((base, p * exponent) for base, p in factors))
    return {raised: checked(numeric_power(coefficient, exponent))}


def divide(a: Sum, b: Sum, expand: bool) -> Sum:
    """Return `a/b`; raises Unsuitable for a division by zero."""
    if not b:
        raise Unsuitable
    return multiply(a, whole_power(b, -1, False), expand) if a else {}


def atom(expression: Expression) -> Sum:
    """Return a formula as a sum of one term that is not looked into."""
    return {frozenset({(expression, 1.0)}): 1.0}


def exponential(a: Sum, expand: bool) -> Sum:
    """Return `exp(a)`: a constant in the exponent becomes a factor."""
    rest = {key: value for key, value in a.items() if key}
    try:
        factor = math.exp(a.get(NUMBER, 0.0))
    except OverflowError:
        raise Unsuitable from None
    if not rest:
        return number(factor)
    return {_exponential_factor(rest): checked(factor)}


def logarithm(a: Sum, expand: bool) -> Sum:
    """Return `log(a)`: a positive factor becomes a term."""
    value = constant_of(a)
    if value is not None:
        if value <= 0:
            raise Unsuitable
        return number(math.log(value))
    ((factors, coefficient),) = whole(a).items()
    if coefficient < 0:
        return atom(Expression.apply("log", written(a)))
    rest = atom(Expression.apply("log", written({factors: 1.0})))
    return add(rest, number(math.log(coefficient)))


def call(symbol: str, *operands: Sum) -> Sum:
    """Return any other operator, with the sign of its operand outside where it is odd or even."""
    constants = [constant_of(operand) for operand in operands]
    if all(value is not None for value in constants):
        parts = [Expression.number(value) for value in constants if value is not None]
        return number(float(evaluate(Expression.apply(symbol, *parts), {})))
    sign = 1.0
    if symbol in ODD | EVEN and all(value < 0 for value in operands[0].values()):
        operands = (scaled(operands[0], -1.0),)
        sign = -1.0 if symbol in ODD else 1.0
    if symbol in ("sin", "cos"):
        shifted = quarter_turns(symbol, operands[0])
        if shifted is not None:
            return scaled(shifted, sign)
    return scaled(atom(Expression.apply(symbol, *map(written, operands))), sign)


def quarter_turns(symbol: str, angle: Sum) -> Sum | None:
    """Return `sin` or `cos` of an angle with a phase that is a multiple of a right angle."""
    turns = angle.get(NUMBER, 0.0) / (math.pi / 2)
    if not turns or abs(turns - round(turns)) > 1e-12 * max(1.0, abs(turns)):
        return None
    rest = {key: value for key, value in angle.items() if key}
    # sin(a + k pi/2) runs through sin, cos, -sin, -cos; cos is one step ahead of sin.
    step = (round(turns) + (symbol == "cos")) % 4
    sign = -1.0 if step >= 2 else 1.0
    return scaled(call("cos" if step % 2 else "sin", rest), sign)


BINARY: dict[str, Callable[[Sum, Sum, bool], Sum]] = {
    "+": lambda a, b, expand: add(a, b),
    "-": lambda a, b, expand: add(a, b, -1.0),
    "*": multiply,
    "/": divide,
    "**": power,
}
UNARY: dict[str, Callable[[Sum, bool], Sum]] = {
    "neg": lambda a, expand: scaled(a, -1.0),
    "sqrt": lambda a, expand: power(a, {NUMBER: 0.5}, expand),
    "exp": exponential,
    "log": logarithm,
}
