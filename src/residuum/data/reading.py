"""What every reader of a file needs: names checked, sizes checked, failures said in one way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import numpy as np

from residuum.errors import UserError, unknown_name

MAX_VALUES = 100_000_000

Columns = dict[str, np.ndarray]
Reader = Callable[[Path, Collection[str]], Columns]


def choose(path: Path, wanted: Collection[str], available: Iterable[str]) -> None:
    """Raise UserError, with the nearest name, when a wanted column is not available."""
    names = [str(name) for name in available]
    for name in wanted:
        if name not in names:
            raise unknown_name(name, names, what="column", where=str(path))


def check_size(path: Path, name: str, shape: Iterable[int]) -> None:
    """Raise UserError when an array is too large to load, by the shape in its header."""
    count = 1
    for length in shape:
        count *= int(length)
    if count > MAX_VALUES:
        raise UserError(
            "too large to load",
            where=f"{path}: {name}",
            expected=f"at most {MAX_VALUES:,} values",
            found=f"{count:,} (from the header)",
        )


def unreadable(path: Path, kind: str, problem: object) -> UserError:
    """Return the error for a file that a library could not read."""
    detail = str(problem).splitlines()[0][:200] if str(problem) else type(problem).__name__
    return UserError(f"cannot be read as {kind}: {detail}", where=str(path))
