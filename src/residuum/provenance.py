"""Which source files a stage depends on, and what a result was made with.

Snakemake does not see that an imported module was edited. `code_digest` hashes exactly the files
that a module imports, directly and through others, so a rule that carries the digest among its
parameters runs again when, and only when, one of them changes.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGE = "residuum"
ROOT = Path(__file__).parent
REPORTED = ("numpy", "scipy", "torch", "pysindy", "snakemake")


@cache
def module_files() -> Mapping[str, Path]:
    """Return every module of the package by its dotted name."""
    return {_dotted(path): path for path in sorted(ROOT.rglob("*.py"))}


def dependencies(module: str) -> tuple[str, ...]:
    """Return the modules of the package that `module` imports, itself included, sorted.

    Imports inside functions count; those under `if TYPE_CHECKING` do not, since they never run.
    The package's own `__init__` only names things lazily, so it is left out.
    """
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(imported_modules(name))
    return tuple(sorted(found - {PACKAGE}))


def code_digest(module: str) -> str:
    """Return the sha256 of the sources that `module` depends on, templates beside them included."""
    digest = hashlib.sha256()
    names = dependencies(module)
    paths = {module_files()[name] for name in names}
    for folder in {path.parent for path in paths} - {ROOT}:
        paths.update(_package_data(folder))
    for path in sorted(paths):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@cache
def imported_modules(module: str) -> frozenset[str]:
    """Return the modules of the package that the source of `module` imports, and their packages."""
    path = module_files()[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    names: set[str] = set()
    for node in _running_nodes(ast.parse(path.read_bytes(), filename=str(path))):
        names.update(_named_by(node, package))
    known = {name for name in names if name in module_files()}
    return frozenset(parent for name in known for parent in _with_parents(name))


def versions() -> dict[str, str]:
    """Return the versions of Python, this package and those whose numbers enter a law."""
    found = {"python": platform.python_version()}
    for name in (PACKAGE, *REPORTED):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def json_digest(value: Any) -> str:
    """Return the sha256 of a JSON value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join((PACKAGE, *(part for part in parts if part != "__init__")))


def _package_data(folder: Path) -> Iterator[Path]:
    """Yield the files of a package folder that are not Python: templates, tables."""
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts:
            yield path


def _running_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree without the bodies of `if TYPE_CHECKING`."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
        else:
            waiting.extend(ast.iter_child_nodes(node))


def _named_by(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute(node, package)
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if node.level == 0:
        return node.module or ""
    parents = package.split(".")
    kept = parents[: len(parents) - node.level + 1]
    return ".".join([*kept, node.module] if node.module else kept)


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    yield from (".".join(parts[:depth]) for depth in range(1, len(parts) + 1))
