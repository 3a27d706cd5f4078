"""Results on disk: one JSON line a draw, appended as it ends, so that a run can go on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from residuum.files import write_text


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of JSON lines; a line torn by a kill is passed over."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def append_line(path: Path, row: Mapping[str, Any]) -> None:
    """Append one row, on a line of its own even after a torn one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        torn = False
        if file.tell():
            file.seek(-1, 2)
            torn = file.read(1) != b"\n"
        text = json.dumps(plain(row), allow_nan=False)
        file.write((("\n" if torn else "") + text + "\n").encode())


def write_result(path: Path, result: Mapping[str, Any]) -> None:
    """Write a result as JSON, whole or not at all."""
    write_text(path, json.dumps(plain(result), indent=1, allow_nan=False) + "\n")


def read_result(path: Path) -> dict[str, Any]:
    """Return a result, or an empty one when the case was not run."""
    return json.loads(path.read_text()) if path.exists() else {}


def plain(value: Any) -> Any:
    """Return a value as JSON has it: numpy numbers as numbers, what is not finite as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, str | bool) or value is None:
        return value
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return value
