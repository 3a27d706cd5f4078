"""How this folder is compiled: once for a machine, again when any of its files changes.

Numba keeps machine code beside the file that defines a function and drops it when that file
changes. It does not look at the other files whose functions were compiled into it, nor at the
primitive table whose opcodes were baked in. Numba names its files after the qualified name of
a function, so a digest of all of them in that name gives every state of the folder files of its
own: no stale code, nothing private of numba, and processes of two versions do not disturb
each other.
"""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit

from residuum.expressions.primitives import PRIMITIVES

# Sums may be reordered, which lets reductions use vector registers; NaN and infinity stay as
# they are (no nnan, no ninf), since a formula outside its domain must be seen.
RELAXED = frozenset({"reassoc", "contract", "nsz", "arcp"})
EXACT = frozenset({"contract"})


def compiled(function: Callable[..., Any]) -> Any:
    """Return the function compiled with relaxed sums, cached on disk where that is possible."""
    return _compile(function, fastmath=RELAXED, forceinline=False)


def inlined(function: Callable[..., Any]) -> Any:
    """Return a small function compiled into each of its callers, with relaxed sums."""
    return _compile(function, fastmath=RELAXED, forceinline=True)


def exact(function: Callable[..., Any]) -> Any:
    """Return a small function whose sums keep their order, compiled into its callers."""
    return _compile(function, fastmath=EXACT, forceinline=True)


def merged(function: Callable[..., Any]) -> Any:
    """Return a function that is made part of its one caller, which saves compiling it twice."""
    return njit(inline="always", error_model="numpy")(function)


def _compile(function: Callable[..., Any], *, fastmath: frozenset[str], forceinline: bool) -> Any:
    function.__qualname__ = f"{function.__qualname__}-{digest(Path(__file__).parent)}"
    options: dict[str, Any] = {"error_model": "numpy", "fastmath": set(fastmath)}
    options["forceinline"] = forceinline
    options["no_cfunc_wrapper"] = True  # half the entry points to compile
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to write to: compile in every process
        return njit(**options)(function)


def is_kept(function: Any) -> bool:
    """Tell whether the machine code of a compiled function lies on disk, or has no place there."""
    folder = function.stats.cache_path
    name = function.py_func.__qualname__
    return folder is None or any(Path(folder).glob(f"*.{glob.escape(name)}-*.nbi"))


@cache
def digest(folder: Path) -> str:
    """Return a short digest of a folder's compiled sources and of the opcodes they know."""
    found = hashlib.sha256(repr([(p.symbol, p.opcode) for p in PRIMITIVES.values()]).encode())
    for path in compiled_files(folder):
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:12]


def compiled_files(folder: Path) -> list[Path]:
    """Return the files of a folder that hold compiled functions, and those they import from it."""
    imports = {
        path.stem: set(re.findall(rf"^from [\w.]*{folder.name}\.(\w+) import", text, re.M))
        for path in folder.glob("*.py")
        for text in [path.read_text(encoding="utf-8")]
    }
    own = Path(__file__).stem
    pending = {own, *(name for name, used in imports.items() if own in used)}
    reached: set[str] = set()
    while pending:
        name = pending.pop()
        reached.add(name)
        pending |= imports.get(name, set()) - reached
    return sorted(folder / f"{name}.py" for name in reached if name in imports)
