"""What a name in the equation language may be, and what its derivative suffix says.

A left-hand side or a derivative is `STATE_AXES`: `hare_t`, `theta_tt`. State names may hold
underscores; only the last piece is read as axes, and only where it consists of axes alone.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection

from residuum.errors import UserError
from residuum.expressions.primitives import PRIMITIVES

AXES = ("t",)
MAX_ORDER = 2
PAIR_SUM = "sum"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")


def split_suffix(name: str, axes: Collection[str] = AXES) -> tuple[str, str] | None:
    """Return `(state, axes)` of a derivative's name, or None where there is no suffix of axes.

    >>> split_suffix("prey_a_tt")
    ('prey_a', 'tt')
    >>> split_suffix("prey_a") is None
    True
    """
    state, _, suffix = name.rpartition("_")
    if not state or not suffix or any(letter not in axes for letter in suffix):
        return None
    return state, suffix


def derivative(state: str, order: int) -> str:
    """Return the name of the time derivative of that order; order 0 is the state itself.

    >>> derivative("theta", 2)
    'theta_tt'
    """
    return f"{state}_{'t' * order}" if order else state


def check_name(name: object, *, what: str, where: str) -> str:
    """Return `name` where it may name a `what`; raise UserError, located at `where`, if not."""
    if not isinstance(name, str) or not NAME.match(name) or "__" in name:
        raise UserError(
            f"{name!r} cannot name a {what}",
            where=where,
            expected="a letter, then letters, digits and single underscores, at most 64 in all",
        )
    if name in AXES or name in PRIMITIVES or name == PAIR_SUM or keyword.iskeyword(name):
        meaning = "an axis" if name in AXES else "a reserved word"
        if name in PRIMITIVES or name == PAIR_SUM:
            meaning = "an operator"
        raise UserError(
            f"{name!r} cannot name a {what}: it is {meaning} of the equation language",
            where=where,
            hint="choose another name",
        )
    return name
