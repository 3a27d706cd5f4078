"""Every column of a table file, in its order: csv, tsv, parquet or npz."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from residuum.data.importers import read_columns
from residuum.data.reading import Columns, unreadable
from residuum.data.text_files import header_names
from residuum.errors import UserError


def read_table_file(path: Path, *, fewest: int = 2) -> Columns:
    """Return all columns of a file, numbers or text as they are, in the file's order.

    Raises UserError, located in the file, on anything that is no readable table of at least
    `fewest` columns.
    """
    path = Path(path)
    names = _NAMES.get(path.suffix.lower())
    if names is None:
        raise UserError(
            "unsupported kind of file",
            where=str(path),
            expected=f"a name ending in {', '.join(_NAMES)}",
            found=path.suffix or "no suffix",
        )
    read_columns(path, ())  # says what is wrong with the file itself
    found = names(path)
    if len(found) < fewest:
        raise UserError(
            "one column only",
            where=str(path),
            expected="columns of variables and, last, of values",
            found=", ".join(found) or "none",
        )
    return {name: _read(column) for name, column in read_columns(path, found).items()}


def _read(column: np.ndarray) -> np.ndarray:
    """Return a column in which what reads as a number is one: one word makes all of them text."""
    if column.dtype.kind != "O" or not any(isinstance(value, str) for value in column):
        return column
    values = np.empty(len(column), dtype=object)
    values[:] = [_value(value) for value in column]
    return values


def _value(value: object) -> object:
    if not isinstance(value, str) or "_" in value:
        return value
    try:
        return float(value)
    except ValueError:
        return value


def _comma_separated(path: Path) -> list[str]:
    return header_names(path, ",")


def _tab_separated(path: Path) -> list[str]:
    return header_names(path, "\t")


def _parquet(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return [str(name) for name in file.schema_arrow.names]


def _npz(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError) as problem:
        raise unreadable(path, "npz", problem) from None


_NAMES: dict[str, Callable[[Path], list[str]]] = {
    ".csv": _comma_separated,
    ".tsv": _tab_separated,
    ".parquet": _parquet,
    ".npz": _npz,
}
