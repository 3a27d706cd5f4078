"""YAML 1.2 within bounds, against values known from the specification."""

import math
from pathlib import Path

import pytest

from residuum.yaml_file import read_yaml


def read(tmp_path: Path, text: str) -> dict[str, object]:
    path = tmp_path / "f.yaml"
    path.write_text(text)
    return read_yaml(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("-1.5E+2", -150.0),
        ("no", "no"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("~", None),
        ("0o17", 15),
        (".inf", math.inf),
        ("'1'", "1"),
        ("[1, 2.0, a]", [1, 2.0, "a"]),
    ],
)
def test_scalars(tmp_path: Path, text: str, value: object) -> None:
    found = read(tmp_path, f"a: {text}\n")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{u_t: a*f(u, v), v_t: f(u, v)}", {"u_t": "a*f(u, v)", "v_t": "f(u, v)"}),
        ("{u_t: f(u, g, (h, k)) - 1}", {"u_t": "f(u, g, (h, k)) - 1"}),
        ("{u_t: 'f(u, v)'}", {"u_t": "f(u, v)"}),
        ("{u_t: (u, v: w}", {"u_t": "(u", "v": "w"}),
        ("{a: b, c}", {"a": "b", "c": None}),
    ],
)
def test_commas_inside_calls_belong_to_the_call(tmp_path: Path, text: str, value: object) -> None:
    assert read(tmp_path, f"a: {text}\n")["a"] == value


def test_small_aliases_and_merges_are_allowed(tmp_path: Path) -> None:
    found = read(tmp_path, "a: &a {k: 1, m: 2}\nb: *a\nc: {<<: *a, k: 3}\n")
    assert found == {"a": {"k": 1, "m": 2}, "b": {"k": 1, "m": 2}, "c": {"k": 3, "m": 2}}
