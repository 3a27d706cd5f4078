"""How text tables are read: csv and tsv with a header."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Collection
from pathlib import Path

from residuum.data.reading import Columns, choose, unreadable
from residuum.errors import UserError

MAX_TEXT_BYTES = 2_000_000_000


def read_csv(path: Path, wanted: Collection[str]) -> Columns:
    """Read comma-separated text with a header."""
    return _read_text(path, wanted, ",")


def read_tsv(path: Path, wanted: Collection[str]) -> Columns:
    """Read tab-separated text with a header."""
    return _read_text(path, wanted, "\t")


def _read_text(path: Path, wanted: Collection[str], separator: str) -> Columns:
    import pandas as pd

    if path.stat().st_size > MAX_TEXT_BYTES:
        raise UserError("too large to load", where=str(path), expected="at most 2 GB of text")
    try:
        header = header_names(path, separator)
        choose(path, wanted, header)
        with warnings.catch_warnings():
            # A row longer than the header would be cut with no more than a warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path, sep=separator, header=0, names=header,
                index_col=False, skipinitialspace=True, encoding="utf-8-sig", low_memory=False,
            )  # fmt: skip
    except UnicodeDecodeError:
        raise UserError("not a text file in UTF-8", where=str(path)) from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error, ValueError) as problem:
        raise unreadable(path, "a table", problem) from None
    if frame.empty:
        raise UserError("no rows under the header", where=str(path), expected="measurements")
    return {name: frame[name].to_numpy() for name in wanted}


def header_names(path: Path, separator: str) -> list[str]:
    """Return the names in the header of a text table; raise UserError if they are not names."""
    with path.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        names = [name.strip() for name in next((row for row in rows if row), [])]
    if not names:
        raise UserError("empty file", where=str(path), expected="a header and measurements")
    if len(names) != len(set(names)):
        repeated = next(name for name in names if names.count(name) > 1)
        raise UserError(f"column {repeated!r} appears twice in the header", where=str(path))
    if len(names) == 1 and any(mark in names[0] for mark in ";\t,"):
        raise UserError(
            "one column only", where=str(path), hint=f"columns are separated by {separator!r}"
        )
    return names
