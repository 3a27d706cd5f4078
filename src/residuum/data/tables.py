"""Which numbers a user's table holds, whatever it is made of; every doubt is one message."""

from __future__ import annotations

import keyword
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from residuum.errors import UserError
from residuum.expressions.expression import NAME
from residuum.expressions.parser import NOT_NAMES
from residuum.expressions.primitives import PRIMITIVES

FEWEST_ROWS = 3


@dataclass(frozen=True, slots=True)
class NumberTable:
    """Columns `X[n, p]` under distinct names, float64 and finite."""

    names: tuple[str, ...]
    X: np.ndarray


def number_table(X: Any, names: Sequence[str] | None = None) -> NumberTable:
    """Return the columns of an array `[n, p]`, a pandas DataFrame or a mapping of columns.

    Columns of an array are called x0, x1, ... where no names are given. Raises UserError,
    located at the column and row, on what is no table of finite numbers.
    """
    found, columns = _columns(X)
    chosen = check_names(found if names is None else names)
    if len(chosen) != len(columns):
        raise UserError(
            "wrong number of names",
            where="variables",
            expected=f"one for each of {len(columns)} columns",
            found=str(len(chosen)),
        )
    arrays = [numbers(column, name) for name, column in zip(chosen, columns, strict=True)]
    for name, array in zip(chosen, arrays, strict=True):
        check_length(array, len(arrays[0]), name, f"as many rows as {chosen[0]}")
    return NumberTable(chosen, np.stack(arrays, axis=1))


def _columns(X: Any) -> tuple[list[str], list[Any]]:
    """Return the names and columns of a table of any kind."""
    if isinstance(X, Mapping) or _is_frame(X):
        names = list(X.keys())
        if len(names) != len(set(names)):
            twice = next(name for name in names if names.count(name) > 1)
            raise UserError(f"column {twice!r} appears twice", where="X")
        if not names:
            raise UserError("no columns", where="X", expected="at least one variable")
        return names, [X[name] for name in names]
    try:
        array = np.asarray(X)
    except ValueError as ragged:
        raise UserError(
            "not a table", where="X", expected="rows of equal length", found=str(ragged)
        ) from None
    if array.ndim != 2:
        raise UserError(
            "not a table",
            where="X",
            expected="shape (rows, variables)",
            found=str(array.shape),
            hint="one variable is X.reshape(-1, 1)" if array.ndim == 1 else None,
        )
    if array.shape[1] == 0:
        raise UserError("no columns", where="X", expected="at least one variable")
    return [f"x{k}" for k in range(array.shape[1])], list(array.T)


def _is_frame(X: Any) -> bool:
    pandas = sys.modules.get("pandas")  # without pandas loaded, nothing is a frame
    return pandas is not None and isinstance(X, pandas.DataFrame)


def check_names(names: Sequence[Any], where: str = "variables") -> tuple[str, ...]:
    """Return names that may stand for variables in a formula; raise UserError if one may not."""
    names = (names,) if isinstance(names, str) else tuple(names)
    for name in names:
        check_name(name, where)
        if names.count(name) > 1:
            raise UserError(f"name {name!r} appears twice", where=where)
    return names


def check_name(name: Any, where: str = "variables") -> str:
    """Return a name that may stand for a variable; raise UserError if it may not."""
    if isinstance(name, str) and name in PRIMITIVES:
        raise UserError(
            f"{name!r} is an operator and cannot name a variable", where=where, hint="rename it"
        )
    if not isinstance(name, str) or not is_name(name):
        raise UserError(
            f"{name!r} cannot name a variable",
            where=where,
            expected="a letter, then letters, digits and single underscores, at most 64 in all",
            hint="rename it",
        )
    return name


def is_name(name: str) -> bool:
    """Tell whether a text may name a variable in a formula."""
    plain = NAME.match(name) is not None and "@" not in name and "__" not in name
    reserved = name in PRIMITIVES or keyword.iskeyword(name) or name.lower() in NOT_NAMES
    return plain and name[0].isalpha() and not reserved


def numbers(values: Any, name: str) -> np.ndarray:
    """Return a column as finite float64 `[n]`; raise UserError, located in it, on anything else."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise UserError(
            "not a column of numbers", where=name, expected="shape (rows,)", found=str(array.shape)
        )
    if array.dtype.kind not in "fiub":
        array = _from_objects(array, name)
    with np.errstate(over="ignore"):
        array = array.astype(np.float64)
    wrong = np.flatnonzero(~np.isfinite(array))
    if len(wrong):
        missing = math.isnan(array[wrong[0]])
        raise UserError(
            "missing value" if missing else "infinite value",
            where=f"{name}, row {wrong[0] + 1}",
            expected="a finite number",
            found="NaN" if missing else str(array[wrong[0]]),
            hint=f"leave out {len(wrong)} such row{'s' * (len(wrong) > 1)}, or fill them in",
        )
    return array


def _from_objects(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype.kind not in "OUST":
        raise UserError(
            "not a column of numbers", where=name, expected="numbers", found=str(array.dtype)
        )
    return np.array([_number(value, f"{name}, row {k + 1}") for k, value in enumerate(array)])


def _number(value: Any, where: str) -> float:
    if value is None or type(value).__name__ == "NAType":
        return math.nan
    if isinstance(value, str | bytes):
        raise UserError("text in a column of numbers", where=where, found=repr(value)[:60])
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        found = type(value).__name__
        raise UserError("not a number", where=where, expected="a number", found=found) from None


def check_length(array: np.ndarray, rows: int, name: str, expected: str) -> None:
    """Raise UserError unless a column has so many rows."""
    if len(array) != rows:
        raise UserError(
            "wrong length", where=name, expected=f"{expected}: {rows}", found=str(len(array))
        )


def check_rows(rows: int, fewest: int = FEWEST_ROWS) -> None:
    """Raise UserError where there are too few rows for any formula to be tested."""
    if rows < fewest:
        what = "empty table" if rows == 0 else "too few rows"
        raise UserError(what, where="X", expected=f"at least {fewest} rows", found=str(rows))
