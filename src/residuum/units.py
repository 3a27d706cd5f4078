"""What a unit that a user wrote means, and what factor leads from one to another.

CF spellings (`m s-1`, `kg m-2`) and plain ones (`m/s`) are read alike. A pure number is a unit
too: `1000` counts in thousands.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from residuum.errors import UserError, nearest

if TYPE_CHECKING:
    import pint

MAX_LENGTH = 64
_ALLOWED = re.compile(r"[\w .*/^()+%°·-]+\Z")
# Pint computes powers of numbers as written, and towers of them could run for ever: a power has
# a short number as its exponent, stands on no parenthesis, and no power follows it.
_POWER = re.compile(r"\*\*|\^")
_PLAIN_POWER = re.compile(r"(?<=[\w.])(\*\*|\^)[+-]?[0-9]{1,2}(\.[0-9]{1,3})?(?![0-9.])(?!\*\*|\^)")
_WORD = re.compile(r"[^\W\d]+|°[A-Za-z]")
_PLAIN_LETTERS = str.maketrans({"\u03a9": "ohm", "\u2126": "ohm", "\u00b5": "u", "\u03bc": "u"})
_COMMON = (
    *("s", "second", "min", "minute", "h", "hour", "day", "week", "month", "yr", "year", "ms"),
    *("m", "meter", "km", "cm", "mm", "um", "g", "kg", "mg", "mol", "mmol", "K", "kelvin", "rad"),
    *("radian", "degree", "A", "ampere", "V", "volt", "N", "newton", "J", "joule", "Pa", "W"),
    *("watt", "Hz", "hertz", "L", "liter", "count", "percent", "dimensionless"),
)


@cache
def _registry() -> pint.UnitRegistry[Any]:
    # Building the registry takes a second; many runs never need it.
    from cf_xarray.units import units

    return units


def parse_unit(text: str | float, where: str = "") -> pint.Quantity[Any]:
    """Return the quantity that one of this unit is.

    Raises UserError, located at `where`, where the text is no unit, is zero or negative, or has
    an offset (such as degC).
    """
    text = str(text).strip()
    if not _is_plain(text):
        raise _no_unit(text, where)
    try:
        with np.errstate(all="ignore"):
            quantity = _registry().parse_expression(text)
            size = _number(quantity.magnitude)
        offset = any(_has_offset(word) for word in _WORD.findall(text))
    except Exception:  # pint raises its own, AssertionError and what `tokenize` raises
        raise _no_unit(text, where) from None
    if not (math.isfinite(size) and size > 0):
        raise _no_unit(text, where)
    if offset:
        raise UserError(
            f"unit {text!r} has an offset",
            where=where or None,
            expected="a unit whose zero is zero",
            hint="convert the data to K, or use delta_degC for differences",
        )
    return quantity


def _is_plain(text: str) -> bool:
    tight = re.sub(r"\s*(\*\*|\^)\s*", r"\1", text)
    powers, plain = len(_POWER.findall(tight)), len(_PLAIN_POWER.findall(tight))
    return len(text) <= MAX_LENGTH and bool(_ALLOWED.match(text)) and powers == plain


def _has_offset(word: str) -> bool:
    # Pint shifts an offset unit to its base inside products, silently: degC/day is not 274 K/day.
    return not _registry().Quantity(1.0, word)._is_multiplicative


def _no_unit(text: str, where: str) -> UserError:
    word = re.search(r"[A-Za-z_]+", text)
    close = nearest(word.group(), _COMMON) if word else None
    return UserError(
        f"{text!r} is not a unit",
        where=where or None,
        expected="a unit such as yr, m s-1, 1/day, 1000 or 1",
        hint=f"did you mean {close!r}?" if close and close != text else None,
    )


def conversion_factor(source: str | float, target: str | float, where: str = "") -> float:
    """Return by what numbers in `source` are multiplied to be numbers in `target`.

    Raises UserError, located at `where`, where the dimensions differ.
    """
    a, b = parse_unit(source, where), parse_unit(target, where)
    if a.dimensionality != b.dimensionality:
        raise UserError(
            "units do not fit",
            where=where or None,
            expected=f"a unit compatible with {str(target)!r}",
            found=repr(str(source)),
        )
    return base_size(a) / base_size(b)


def dimensions(quantity: pint.Quantity[Any]) -> dict[str, float]:
    """Return the exponents of the base dimensions, such as `{"[length]": 1, "[time]": -1}`."""
    return {name: _number(power) for name, power in quantity.dimensionality.items() if power}


def base_size(quantity: pint.Quantity[Any]) -> float:
    """Return the size of the quantity in base (SI) units."""
    return _number(quantity.to_base_units().magnitude)


def _number(magnitude: Any) -> float:
    return float(magnitude)


def atoms(quantity: pint.Quantity[Any]) -> list[str]:
    """Return the names of the units that a unit is made of: `m s-1` is of meter and second."""
    return [name for name, _ in quantity.unit_items()]


def write_unit(size: float, powers: Mapping[str, float]) -> str:
    """Return the CF text of `size` times a product of powers of named units.

    >>> write_unit(1.0, {"meter": 1.0, "second": -1.0})
    'm s-1'
    """
    unit = _registry().Unit("")
    for name, power in powers.items():
        unit *= _registry().Unit(name) ** (int(power) if float(power).is_integer() else power)
    # What is written must be read back, and CF exponents follow plain letters only.
    text = f"{unit:cf}".translate(_PLAIN_LETTERS)
    if text in ("", "1"):
        return f"{size:.12g}"
    return text if math.isclose(size, 1.0, rel_tol=1e-12) else f"{size:.12g} {text}"
