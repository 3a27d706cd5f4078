"""What numbers and labels a column holds, and where in it a fault stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from residuum.errors import UserError


def numbers(path: Path, name: str, values: np.ndarray) -> np.ndarray:
    """Return a column as float64; raises UserError at the first entry that is no number."""
    plain = values.dtype.kind in "fiu"
    numbers = values.astype(float) if plain else _parse(path, name, values)
    infinite = np.isinf(numbers)
    if infinite.any():
        raise UserError(
            "infinite value", where=place(path, name, infinite), expected="a finite one"
        )
    return numbers


def _parse(path: Path, name: str, values: np.ndarray) -> np.ndarray:
    if values.dtype.kind in "mMcV":
        raise UserError(
            "not a column of numbers", where=f"{path}: {name}", found=f"values of {values.dtype}"
        )
    numbers = np.empty(values.shape)
    for index in np.ndindex(values.shape):
        entry = values[index]
        try:
            missing = entry is None or entry == ""
            numbers[index] = np.nan if missing else _number(entry)
        except (TypeError, ValueError):
            mask = np.zeros(values.shape, bool)
            mask[index] = True
            raise UserError(
                "text in a column of numbers",
                where=place(path, name, mask),
                expected="a number",
                found=repr(str(entry)[:40]),
            ) from None
    return numbers


def _number(entry: object) -> float:
    # float() also reads "1_000", which other programs write for nothing a user means.
    if isinstance(entry, bool | np.bool_) or (isinstance(entry, str) and "_" in entry):
        raise ValueError
    return float(entry)  # type: ignore[arg-type]


def place(path: Path, name: str, mask: np.ndarray) -> str:
    """Say where the first True of a mask stands; rows count from 1, as below a header."""
    index = np.argwhere(mask)[0]
    place = f"row {index[-1] + 1}" if len(index) == 1 else f"index {tuple(map(int, index))}"
    return f"{path}: {name}, {place}"


def check_labels(path: Path, name: str, labels: np.ndarray, what: str = "an experiment") -> None:
    """Raise UserError at the first label that is missing."""
    missing = np.array([v is None or v != v for v in labels.tolist()])
    if missing.any():
        raise UserError(f"missing label of {what}", where=place(path, name, missing))


def check_increasing(
    where: str,
    owner: str,
    t: np.ndarray,
    rows: np.ndarray | None = None,
    hint: str = "several experiments need an `experiment` column",
) -> None:
    """Raise UserError unless times are known and increase; `rows` says where each stands."""

    def at(index: int) -> str:
        row = index if rows is None else int(rows[index])
        return f"{where}, row {row + 1} ({owner})"

    missing = np.flatnonzero(np.isnan(t))
    if len(missing):
        raise UserError("missing time", where=at(missing[0]), expected="a number", found="NaN")
    steps = np.diff(t)
    if (wrong := np.flatnonzero(steps <= 0)).size:
        first = int(wrong[0])
        raise UserError(
            "duplicate time" if steps[first] == 0 else "times are not sorted",
            where=at(first + 1),
            expected="increasing times",
            found=f"{t[first + 1]:g} after {t[first]:g}",
            hint=None if steps[first] == 0 else hint,
        )
