"""What a formula's constants do: which multiply a whole term, which stand inside one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from residuum.expressions.calculus import ONE, terms
from residuum.expressions.expression import CONSTANT, Expression

Coefficient = tuple[int, float]


def skeleton(expression: Expression) -> tuple[str, ...]:
    """Return the tokens with constants as placeholders, sums and products in a fixed order.

    Formulas of one skeleton are one family of functions; the converse does not hold.
    """
    if expression.head in ("*", "/"):
        factors = sorted(_factors(expression))
        free = factors.count(CONSTANT)
        return ("*", *factors[max(free - 1, 0) :])
    if expression.head in ("+", "-"):
        return ("+", *sorted(_summands(expression)))
    return (expression.head, *(_word(operand) for operand in expression.operands))


def _word(expression: Expression) -> str:
    found = skeleton(expression)
    return found[0] if len(found) == 1 else f"({' '.join(found)})"


def _factors(expression: Expression) -> list[str]:
    if expression.head == "*":
        left, right = expression.operands
        return _factors(left) + _factors(right)
    if expression.head == "/":
        left, right = expression.operands
        below = [f if f == CONSTANT else f"1/{f}" for f in _factors(right)]
        return _factors(left) + below
    return [_word(expression)]


def _summands(expression: Expression) -> list[str]:
    if expression.head == "+":
        left, right = expression.operands
        return _summands(left) + _summands(right)
    if expression.head == "-":
        left, right = expression.operands
        return _summands(left) + [_negated(word) for word in _summands(right)]
    return [_word(expression)]


def _negated(word: str) -> str:
    # A free coefficient takes either sign. "#" sorts before every other factor.
    free = word == CONSTANT or word.startswith(f"(* {CONSTANT} ")
    return word if free else f"-{word}"


def coefficients(expression: Expression) -> list[Coefficient | None]:
    """Return for each term `(k, r)` where its coefficient is `r` times constant `k`, else None.

    The terms are those of `calculus.terms`. A constant stands in one term only, so a coefficient
    of one constant is free of all others.
    """
    base = _generic(len(expression.constants))
    found = [c for c, _ in terms(expression.with_constants(base))]
    places: list[dict[int, float]] = [{} for _ in found]
    for k in range(len(base)):
        changed = [*base[:k], 2.0 * base[k], *base[k + 1 :]]
        for term, (value, _) in enumerate(terms(expression.with_constants(changed))):
            if not math.isclose(value, found[term], rel_tol=1e-9):
                places[term][k] = value / found[term]
    return [_proportional(rows, found[i], base) for i, rows in enumerate(places)]


def _generic(count: int) -> list[float]:
    """Return different positive numbers: none of them hides what the others do."""
    return [1.0 + 0.37 * math.sqrt(k + 2.0) for k in range(count)]


def _proportional(
    rows: dict[int, float], value: float, base: Sequence[float]
) -> Coefficient | None:
    if len(rows) != 1:
        return None
    ((place, ratio),) = rows.items()
    return (place, value / base[place]) if math.isclose(ratio, 2.0, rel_tol=1e-9) else None


def inside(expression: Expression) -> list[int | None]:
    """Return for each constant the index of the term that it stands inside, None for the others."""
    found: list[int | None] = []
    base = _generic(len(expression.constants))
    parts = [part for _, part in terms(expression.with_constants(base))]
    for value in base:
        holders = [i for i, part in enumerate(parts) if value in part.constants]
        found.append(holders[0] if holders else None)
    return found


def is_linear(expression: Expression) -> bool:
    """Tell whether a formula is a sum of terms without constants or sums of their own.

    Two of them are the same function only where they have the same terms.
    """
    parts = [part for _, part in terms(expression)]
    return not any(part.constants or {"+", "-"} & set(part.tokens) for part in parts)


def tidy(expression: Expression) -> Expression:
    """Return the formula with one constant in the coefficient of every term that has some.

    `2*x/(3*y)` holds two constants that no data can tell apart; `0.667*(x/y)` holds one. A formula
    whose coefficients are such already comes back as it is.
    """
    places = coefficients(expression)
    inner = sum(place is not None for place in inside(expression))
    if len(expression.constants) - inner == sum(place is not None for place in places):
        return expression
    total: Expression | None = None
    for value, part in terms(expression):
        number = Expression.number(value)
        product = number if part == ONE else number * part
        total = product if total is None else total + product
    return expression if total is None else total
