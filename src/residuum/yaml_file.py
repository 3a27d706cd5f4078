"""How a YAML 1.2 file becomes plain values, within bounds that hostile files cannot pass.

`1e-3` is a number and `no` is text, as YAML 1.2 says. In `{u_t: f(u, v)}` the comma belongs to
the call, though YAML would end the value there. Duplicate keys, tags, recursive or
exploding aliases, and `__use_yte__` (which would run code in templates) are refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeGuard

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from residuum.errors import UserError

MAX_BYTES = 2_000_000
MAX_NODES = 200_000
MAX_DEPTH = 32
TEMPLATES = "__use_yte__"

Plain = dict[str, Any] | list[Any] | str | int | float | bool | None


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Raises UserError, located at file and line, on anything else.
    """
    text = _text(path)
    where = str(path)
    try:
        yaml = YAML(typ="safe", pure=True)
        root = yaml.compose(text)
        if root is None:
            raise UserError("empty file", where=where, expected="seed: and datasets:")
        _check_size(root, where)
        value = yaml.constructor.construct_document(_rejoined(root))
    except DuplicateKeyError as problem:
        raise UserError(_duplicate(problem), where=_line(problem, where)) from None
    except MarkedYAMLError as problem:
        detail = problem.problem or "not YAML"
        raise UserError(f"cannot be read as YAML: {detail}", where=_line(problem, where)) from None
    except (YAMLError, ValueError, RecursionError, OverflowError, TypeError) as problem:
        detail = (str(problem).splitlines() or [type(problem).__name__])[0]
        raise UserError(f"cannot be read as YAML: {detail[:200]}", where=where) from None
    return check_plain(value, where)


def check_plain(value: object, where: str) -> dict[str, Any]:
    """Return `value` if it is a mapping of plain values with text as keys, else raise UserError."""
    if not isinstance(value, dict):
        found = "nothing" if value is None else f"a {type(value).__name__}"
        raise UserError("not a mapping", where=where, expected="seed: and datasets:", found=found)
    _check_value(value, where, ())
    return value


def _check_value(value: object, where: str, path: tuple[str, ...]) -> None:
    place = f"{where}: {'.'.join(path)}" if path else where
    if len(path) > MAX_DEPTH:
        raise UserError(f"nested deeper than {MAX_DEPTH} levels", where=where)
    if isinstance(value, dict):
        for key, item in value.items():
            _check_key(key, place)
            _check_value(item, where, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check_value(item, where, (*path, str(index)))
    elif not (value is None or isinstance(value, str | bool | int | float)):
        kind = type(value).__name__
        raise UserError(f"a {kind}", where=place, expected="text or a number", hint="quote it")


def _check_key(key: object, place: str) -> None:
    if key == TEMPLATES:
        raise UserError(
            f"{TEMPLATES} is refused", where=place, hint="templates in YAML run code; remove it"
        )
    if not isinstance(key, str):
        raise UserError(f"key {key!r} is not text", where=place, expected="a name", hint="quote it")


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            what = "not a file" if path.exists() else "no such file"
            raise UserError(what, where=str(path), expected="a campaign in YAML")
        if path.stat().st_size > MAX_BYTES:
            raise UserError("too large", where=str(path), expected=f"at most {MAX_BYTES} bytes")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise UserError(
            "not in UTF-8", where=str(path), found=f"byte {problem.start} is no character"
        ) from None
    except (OSError, ValueError) as problem:
        raise UserError(f"cannot open: {problem}", where=ascii(str(path))) from None


def _check_size(root: Node, where: str) -> None:
    """Refuse trees whose aliases, written out, would be recursive, deep or huge."""
    if _size(root, {}, (), where) > MAX_NODES:
        raise UserError(
            "too large with its aliases written out", where=where, expected=f"{MAX_NODES} values"
        )


def _size(node: Node, known: dict[int, int], above: tuple[int, ...], where: str) -> int:
    if not isinstance(node, CollectionNode):
        return 1
    if id(node) in above or len(above) > MAX_DEPTH:
        what = "an alias inside itself" if id(node) in above else f"deeper than {MAX_DEPTH} levels"
        raise UserError(what, where=f"{where}, line {node.start_mark.line + 1}")
    if id(node) not in known:
        mapping = isinstance(node, MappingNode)
        children = [part for pair in node.value for part in pair] if mapping else node.value
        inside = (*above, id(node))
        known[id(node)] = 1 + sum(_size(child, known, inside, where) for child in children)
    return known[id(node)]


def _rejoined(root: Node) -> Node:
    """Put back together the calls that commas inside `{...}` took apart."""
    pending, seen = [root], set()
    while pending:
        node = pending.pop()
        if not isinstance(node, CollectionNode) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            node.value = _joined_pairs(node.value) if node.flow_style else node.value
            pending.extend(part for pair in node.value for part in pair)
        else:
            pending.extend(node.value)
    return root


def _joined_pairs(pairs: list[tuple[Node, Node]]) -> list[tuple[Node, Node]]:
    joined: list[tuple[Node, Node]] = []
    for key, value in pairs:
        before = joined[-1][1] if joined else None
        if _plain_text(before) and _plain_text(key) and _is_open(before) and value.value == "":
            before.value = f"{before.value}, {key.value}"
            continue
        joined.append((key, value))
    return joined


def _plain_text(node: Node | None) -> TypeGuard[ScalarNode]:
    return isinstance(node, ScalarNode) and node.style is None and node.anchor is None


def _is_open(node: ScalarNode) -> bool:
    return str(node.value).count("(") > str(node.value).count(")")


def _line(problem: MarkedYAMLError, where: str) -> str:
    mark = problem.problem_mark or problem.context_mark
    return where if mark is None else f"{where}, line {mark.line + 1}"


def _duplicate(problem: DuplicateKeyError) -> str:
    text = (problem.problem or "").split(" with value")[0]
    return text.replace("found duplicate key", "duplicate key") or "duplicate key"
