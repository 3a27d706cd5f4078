"""How pydantic's complaints become messages for a user: YAML path, expected, found, hint."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from residuum.config_schema import NAME_PATTERN, keys_at
from residuum.errors import UserError, nearest

Path = tuple[str | int, ...]

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "dataclass_exact_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
}
_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,80}\Z")


@dataclass(frozen=True, slots=True)
class _Fault:
    path: Path
    kind: str
    expected: str | None
    detail: str


def messages(invalid: ValidationError, raw: Mapping[str, Any]) -> list[str]:
    """Return one message for each mistake in `raw`, in the order of the file's keys."""
    faults = [_fault(error, raw) for error in invalid.errors(include_url=False)]
    # A value that fits no member of a union is reported once for each member: keep what is
    # deeper, and merge what is expected at the same place.
    kept = [f for f in faults if f.expected is None or not _deeper(f.path, faults)]
    paths = dict.fromkeys(f.path for f in kept)
    return [_message(path, [f for f in kept if f.path == path], raw) for path in paths]


def _deeper(path: Path, faults: list[_Fault]) -> bool:
    return any(len(f.path) > len(path) and f.path[: len(path)] == path for f in faults)


def _fault(error: Mapping[str, Any], raw: Mapping[str, Any]) -> _Fault:
    kind, detail = str(error["type"]), str(error["msg"])
    path = _resolve(tuple(error["loc"]), raw, kind)
    expected = _EXPECTED.get(kind)
    if kind == "literal_error":
        expected = str(error["ctx"]["expected"]).replace("'", "")
    if kind in ("too_long", "too_short"):
        length = error["ctx"].get("max_length", error["ctx"].get("min_length"))
        expected = f"a list of {length}"
    if kind == "value_error":
        detail = detail.removeprefix("Value error, ")
        field, _, rest = detail.partition(": ")
        if field in keys_at(path):
            path, detail = (*path, field), rest
    return _Fault(path, kind, expected, detail)


def _resolve(loc: Path, raw: Any, kind: str) -> Path:
    """Return the part of pydantic's location that the file holds; the rest names union members."""
    path: list[str | int] = []
    for index, step in enumerate(loc):
        if _holds(raw, step):
            raw = raw[step]
        elif not (kind in ("missing", "missing_argument") and index == len(loc) - 1):
            continue
        path.append(step)
    return tuple(path)


def _holds(raw: Any, step: str | int) -> bool:
    if isinstance(raw, list):
        return isinstance(step, int) and step < len(raw)
    return isinstance(raw, Mapping) and step in raw


def _message(path: Path, faults: list[_Fault], raw: Mapping[str, Any]) -> str:
    fault, where = faults[0], dotted(path) or "the file"
    if fault.kind in _UNKNOWN:
        return str(_unknown_key(path))
    if fault.kind in ("missing", "missing_argument"):
        what = f"{path[-1]!r} is missing" if isinstance(path[-1], str) else "too few values"
        return str(UserError(what, where=dotted(path[:-1]) or None))
    if fault.kind == "string_pattern_mismatch":
        pattern = NAME_PATTERN.strip("^$")
        expected = f"letters, digits, _ and -, at most 64 ({pattern})"
        return str(UserError("not a name", where=where, expected=expected))
    expected_parts = list(dict.fromkeys(f.expected for f in faults if f.expected))
    if expected_parts:
        found = _shown(_value(path, raw))
        cut = found == "null" and "equations" in path
        hint = "inside {...} a comma ends a text: quote the equation" if cut else None
        expected = " or ".join(expected_parts)
        return str(UserError("wrong value", where=where, expected=expected, found=found, hint=hint))
    return str(UserError(fault.detail, where=where))


def _unknown_key(path: Path) -> UserError:
    known = keys_at(path[:-1])
    close = nearest(str(path[-1]), known)
    return UserError(
        f"unknown key {str(path[-1])!r}",
        where=dotted(path[:-1]) or None,
        expected=f"one of {', '.join(known)}" if known else None,
        hint=f"did you mean {close!r}?" if close else None,
    )


def dotted(path: Path) -> str:
    """Return a YAML path as text: `datasets.springs.data.simulate.initial[1].x`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        plain = step if _PLAIN.match(step) else ascii(step[:80])
        text += f".{plain}" if text else plain
    return text


def _value(path: Path, raw: Any) -> Any:
    for step in path:
        raw = raw[step]
    return raw


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
