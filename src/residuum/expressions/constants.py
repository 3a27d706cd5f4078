"""How many digits of a constant are worth reading."""

from __future__ import annotations

import math

from residuum.expressions.expression import Expression

MOST_DIGITS = 15


def rounded(expression: Expression, digits: int = 4) -> Expression:
    """Return the formula with its constants rounded to `digits` significant digits.

    >>> from residuum.expressions.parser import parse
    >>> rounded(parse("0.0278123*x*y"), 3).infix()
    '0.0278*x*y'
    """
    return expression.with_constants([float(f"{c:.{digits}g}") for c in expression.constants])


def supported_digits(value: float, interval: tuple[float, float]) -> int:
    """Return how many significant digits of `value` its interval supports.

    Two digits of the half width are kept, as is usual for uncertainties; at least one digit of
    the value, at most 15. An unbounded or empty interval supports two, respectively all.

    >>> supported_digits(0.54023, (0.5121, 0.5689))
    3
    """
    width = (interval[1] - interval[0]) / 2
    if not math.isfinite(width) or not math.isfinite(value):
        return 2
    if width <= 0:
        return MOST_DIGITS
    if value == 0:
        return 1
    digits = math.floor(math.log10(abs(value))) - math.floor(math.log10(width)) + 2
    return min(max(digits, 1), MOST_DIGITS)


def display(value: float, interval: tuple[float, float]) -> str:
    """Return `value` with the digits that its interval supports.

    >>> display(0.54023, (0.5121, 0.5689)), display(1234.5, (1200.0, 1270.0))
    ('0.540', '1234')
    """
    digits = supported_digits(value, interval)
    text = f"{value:#.{digits}g}"
    return text.rstrip(".")
