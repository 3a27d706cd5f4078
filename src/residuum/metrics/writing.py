"""How a sum of products of powers is written with few tokens."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from residuum.expressions.expression import MAX_EXPONENT, Expression

Factors = frozenset[tuple[Expression, float]]
Sum = dict[Factors, float]
ONE = Expression.number(1.0)


def order(expression: Expression) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return what formulas are sorted by, so that equal sums are written alike."""
    return expression.tokens, expression.constants


def written(total: Sum) -> Expression:
    """Return the formula of a sum: common numbers and factors once, signs as differences."""
    if not total:
        return Expression.number(0.0)
    common = _common_factors(total) if len(total) > 1 else frozenset()
    scale = _common_number(total)
    terms = {_without(key, common): value / scale for key, value in total.items()}
    if len(terms) == 1:
        ((key, value),) = total.items()
        return written_term(key, value)
    inner = _written_sum(_joined_logarithms(terms))
    if not common and scale == 1.0:
        return inner
    return written_term(frozenset({*common, (inner, 1.0)}), scale)


def _common_factors(total: Sum) -> Factors:
    first, *others = (dict(key) for key in total)
    shared = []
    for base, exponent in first.items():
        found = [exponent, *(other.get(base, 0.0) for other in others)]
        if all(value > 0 for value in found):
            shared.append((base, min(found)))
        elif all(value < 0 for value in found):
            shared.append((base, max(found)))
    return frozenset(shared)


def _without(key: Factors, common: Factors) -> Factors:
    taken = dict(common)
    left = ((base, exponent - taken.get(base, 0.0)) for base, exponent in key)
    return frozenset((base, exponent) for base, exponent in left if exponent)


def _common_number(total: Sum) -> float:
    """Return a number to take out of a sum if that leaves fewer numbers, else one."""
    sizes = [abs(value) for key, value in total.items() if key]
    if len(total) < 2 or not sizes:
        return 1.0
    best = max(sizes, key=sizes.count)
    return best if sizes.count(best) > sizes.count(1.0) + 1 else 1.0


def _joined_logarithms(terms: Sum) -> Sum:
    """Return the sum with logarithms of equal weight joined: `log a - log b` is `log(a/b)`."""
    logs = [(key, next(iter(key))[0]) for key in terms if _is_logarithm(key)]
    sizes = {abs(terms[key]) for key, _ in logs}
    joined = dict(terms)
    for size in sizes:
        group = [(base, terms[key]) for key, base in logs if abs(terms[key]) == size]
        if len(group) < 2:
            continue
        for key, _ in logs:
            if abs(terms[key]) == size:
                del joined[key]
        up = max(value for _, value in group)
        inside = _product_of((base.operands[0], value / up) for base, value in group)
        joined[frozenset({(Expression.apply("log", inside), 1.0)})] = up
    return joined


def _is_logarithm(key: Factors) -> bool:
    return len(key) == 1 and next(iter(key))[0].head == "log" and next(iter(key))[1] == 1.0


def _written_sum(terms: Sum) -> Expression:
    if len(terms) == 1:
        ((key, value),) = terms.items()
        return written_term(key, value)
    parts = [
        (value > 0 or not key, written_term(key, abs(value) if key else value), key)
        for key, value in terms.items()
    ]
    # Numbers last, what is added before what is taken away.
    parts.sort(key=lambda part: (not part[0], not part[2], order(part[1])))
    first_added, total, first_key = parts[0]
    if not first_added:
        total = written_term(first_key, terms[first_key])
    for added, piece, key in parts[1:]:
        if not key and terms[key] < 0:
            total = total - Expression.number(-terms[key])
        else:
            total = total + piece if added else total - piece
    return total


def written_term(key: Factors, value: float) -> Expression:
    """Return the formula of one term: number, factors of equal power together, one quotient."""
    over, under = _split(key)
    if over is None:
        number = Expression.number(value)
        return number if under is None else number / under
    body = over if under is None else over / under
    if value == 1.0:
        return body
    if value == -1.0:
        return -body
    return Expression.number(value) * body


def _split(key: Factors) -> tuple[Expression | None, Expression | None]:
    """Return what stands over and under the line."""
    sides: dict[bool, list[Expression]] = {True: [], False: []}
    for power in sorted({p for _, p in key}, key=lambda p: (abs(p), p)):
        bases = sorted((base for base, p in key if p == power), key=order)
        sides[power > 0].append(_raised(reduce(lambda a, b: a * b, bases), abs(power)))
    over, under = (
        reduce(lambda a, b: a * b, s) if (s := sides[up]) else None for up in (True, False)
    )
    return over, under


def _raised(base: Expression, power: float) -> Expression:
    if power == 1.0:
        return base
    if power == 0.5:
        return Expression.apply("sqrt", base)
    if power.is_integer() and power <= MAX_EXPONENT:
        return base ** Expression.integer(int(power))
    return base ** Expression.number(power)


def _product_of(parts: Iterable[tuple[Expression, float]]) -> Expression:
    """Return a product of formulas over a product of others, by the sign of their weight."""
    sides: dict[bool, list[Expression]] = {True: [], False: []}
    for part, weight in parts:
        sides[weight > 0].append(part)
    up = reduce(lambda a, b: a * b, sorted(sides[True], key=order)) if sides[True] else ONE
    if not sides[False]:
        return up
    return up / reduce(lambda a, b: a * b, sorted(sides[False], key=order))
