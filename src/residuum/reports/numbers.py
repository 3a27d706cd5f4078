"""How a number is written for a reader: as many digits as its interval supports, no more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

MISSING = "\u2013"
MINUS = "\u2212"
_SUPERSCRIPT = str.maketrans(
    "-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
)


def is_number(value: object) -> bool:
    """Tell whether a JSON value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def significant(value: object, digits: int = 3) -> str:
    """Return the number with `digits` significant digits; a dash where there is none.

    >>> significant(0.027214), significant(-12345.6), significant(None)
    ('0.0272', '−12346', '–')
    """
    if not isinstance(value, int | float) or not is_number(value):
        return MISSING
    if value == 0:
        return "0"
    exponent = _exponent(value, digits)
    if not -4 <= exponent <= 5:
        return _scientific(value, exponent, digits - 1)
    return _sign(f"{value:.{max(0, digits - 1 - exponent)}f}")


def with_interval(value: object, bounds: Sequence[object] | None) -> tuple[str, str]:
    """Return the value and its interval, both to two digits of the interval's half width.

    >>> with_interval(0.54023, (0.5121, 0.5689))
    ('0.540', '0.512 to 0.569')
    """
    numbers = [value, *(bounds or ())]
    finite = [float(x) for x in numbers if isinstance(x, int | float) and is_number(x)]
    if len(finite) != 3 or finite[2] <= finite[1]:
        ends = [significant(x, 4) for x in (bounds or ())]
        return significant(value, 4), " to ".join(ends) or MISSING
    size = max(abs(x) for x in finite)
    half = (finite[2] - finite[1]) / 2
    # Not more than seven digits: an interval of rounding errors deserves no parade.
    digits = min(7, max(2, _exponent(size, 2) - _exponent(half, 2) + 2))
    texts = _aligned(finite, _exponent(size, digits), digits)
    return texts[0], f"{texts[1]} to {texts[2]}"


def tenths(value: object) -> str:
    """Return the number with one decimal where it has one: `0.4`, `6.2`, `58`.

    >>> tenths(0.41), tenths(58.0), tenths(-1234.56)
    ('0.4', '58', '−1235')
    """
    if not isinstance(value, int | float) or not is_number(value):
        return MISSING
    rounded = round(value) if abs(value) >= 100 else round(value, 1)
    return _sign(f"{rounded:.1f}".removesuffix(".0"))


def power_of_ten(value: float) -> str:
    """Return a tick of a logarithmic axis: `0.01`, `100`, `10⁻⁶`."""
    exponent = _exponent(value, 1)
    if -2 <= exponent <= 3:
        return f"{value:g}"
    if not f"{value:.0e}".startswith("1e"):
        return significant(value, 1)
    return f"10{str(exponent).translate(_SUPERSCRIPT)}"


def duration(seconds: object) -> str:
    """Return a wall time in words: `0.42 s`, `35 s`, `2 min 5 s`, `1 h 3 min`."""
    if not isinstance(seconds, int | float) or not is_number(seconds):
        return MISSING
    if seconds < 10:
        return f"{significant(float(seconds), 2)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def count(number: int, noun: str = "") -> str:
    """Return a number in words up to nine, with its noun: `one rival`, `12 rivals`."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    text = words[number] if 0 <= number < len(words) else str(number)
    if not noun:
        return text
    return f"{text} {noun}" if number == 1 else f"{text} {noun}s"


def listing(items: Sequence[str]) -> str:
    """Return `a`, `a and b` or `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _exponent(value: float, digits: int) -> int:
    """Return the decimal exponent after rounding to `digits` digits; 0 for zero."""
    return int(f"{value:.{digits - 1}e}".partition("e")[2]) if value else 0


def _aligned(values: Sequence[float], exponent: int, digits: int) -> list[str]:
    """Return the values with the same decimals, the largest with `digits` digits."""
    if -4 <= exponent <= 5:
        return [_sign(f"{x:.{max(0, digits - 1 - exponent)}f}") for x in values]
    return [_scientific(x, exponent, digits - 1) for x in values]


def _scientific(value: float, exponent: int, decimals: int) -> str:
    power = str(exponent).translate(_SUPERSCRIPT)
    mantissa = Decimal(value).scaleb(-exponent)  # floats cannot hold every power of ten
    return f"{_sign(f'{mantissa:.{decimals}f}')}\u00a0\u00d7\u00a010{power}"


def _sign(text: str) -> str:
    zero = not text.strip("-0.")
    return text.lstrip("-") if zero else text.replace("-", MINUS)
