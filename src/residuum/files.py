"""How a file is written whole or not at all, and how a JSON file proves that it is whole."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from residuum.errors import UserError

HASH = "sha256"
AGAIN = "delete it and run the stage again"

T = TypeVar("T")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; on success sync it and rename it to `path`.

    Raises UserError when the disk is full or the folder cannot be written; nothing is left then
    and an earlier file of the same name is untouched.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # what a killed writer left: two never write the same file at a time
        for left in path.parent.glob(f".{escape(path.name)}.*.tmp"):
            left.unlink(missing_ok=True)
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    except OSError as problem:
        detail = problem.strerror or str(problem)
        raise UserError(f"cannot write: {detail}", where=str(path)) from problem
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole, such as a page or a formula."""
    write_bytes(path, text.encode())


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows as csv; the columns are the keys in order of first appearance."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    table = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_text(path, text.getvalue())


def read_bytes(path: Path) -> bytes:
    """Return a file's content; raises UserError when it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as problem:
        detail = problem.strerror or str(problem)
        raise UserError(f"cannot read: {detail}", where=str(path)) from None


def write_json(path: Path, content: Mapping[str, Any], schema: str) -> None:
    """Write a mapping with its schema and hash; NaN and infinities become null."""
    body = {"schema": schema, **plain(content)}
    if body["schema"] != schema:
        raise ValueError(f"expected schema {schema!r}, found {body['schema']!r}")
    body.pop(HASH, None)
    whole = {**body, HASH: digest_of(body)}
    write_text(path, json.dumps(whole, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path, schema: str) -> dict[str, Any]:
    """Return what `write_json` wrote, without schema and hash.

    Raises UserError when the file is missing, torn, edited or of another schema.
    """
    try:
        body = json.loads(read_bytes(path).decode())
        found = body.pop("schema") if isinstance(body, dict) else None
        digest = body.pop(HASH)
        actual = digest_of({"schema": found, **body})
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise UserError("torn or not a result file", where=str(path), hint=AGAIN) from None
    if found != schema:
        raise UserError("another schema", where=str(path), expected=schema, found=str(found))
    if digest != actual:
        raise UserError("does not match its hash", where=str(path), hint=AGAIN)
    return dict(body)


def plain(value: Any) -> Any:
    """Return a value in JSON's own types: numpy arrays become lists, NaN and infinities None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def digest_of(body: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a mapping's canonical JSON."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def built(path: Path, build: Callable[[Mapping[str, Any]], T], body: Mapping[str, Any]) -> T:
    """Build a value from a file's content; what does not fit is the file's fault."""
    try:
        return build(body)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise UserError(f"holds what no stage wrote: {problem}", where=str(path)) from None
