"""Files are whole or absent, and JSON proves that it is whole."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from residuum.errors import UserError
from residuum.files import read_json, replacing, write_csv, write_json, write_text

SCHEMA = "residuum/test/1"


def test_json_comes_back_and_carries_schema_and_hash(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    write_json(path, {"x": 0.1 + 0.2, "a": np.arange(2), "s": np.float64(2.0), "é": "ü"}, SCHEMA)
    assert read_json(path, SCHEMA) == {"x": 0.1 + 0.2, "a": [0, 1], "s": 2.0, "é": "ü"}
    whole = json.loads(path.read_text())
    assert whole["schema"] == SCHEMA
    assert len(whole["sha256"]) == 64


def test_what_is_not_finite_is_null(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"x": math.nan, "y": [math.inf, -math.inf], "z": np.array([np.nan])}, SCHEMA)
    assert read_json(path, SCHEMA) == {"x": None, "y": [None, None], "z": [None]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.replace('"x": 1.5', '"x": 1.6'), "does not match its hash"),
        (lambda t: t[: len(t) // 2], "torn or not a result file"),
        (lambda t: t.replace("residuum/test/1", "residuum/test/2"), "another schema"),
        (lambda t: t.replace('"x": 1.5', '"x": NaN'), "torn or not a result file"),
        (lambda t: "", "torn"),
        (lambda t: "[" * 100_000, "torn"),
        (lambda t: "[1]", "torn"),
        (lambda t: "{}", "torn"),
    ],
)
def test_torn_or_edited_json_is_refused(tmp_path: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.json"
    write_json(path, {"x": 1.5, "many": list(range(30))}, SCHEMA)
    path.write_text(change(path.read_text()))
    with pytest.raises(UserError, match=message):
        read_json(path, SCHEMA)


def test_missing_files_are_one_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read: No such file"):
        read_json(tmp_path / "none.json", SCHEMA)


def _write_half(path: Path) -> None:
    path.write_text("half")
    raise RuntimeError


def test_a_failure_leaves_the_earlier_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "before")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        _write_half(temporary)
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["a.txt"]  # noqa: PTH208


def test_a_full_disk_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"a\.txt: cannot write: No space left"):
        write_text(tmp_path / "a.txt", "text")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_text(tmp_path / "folder" / "a.txt", "text")


def test_rows_of_csv_have_the_columns_of_all(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    write_csv(path, [{"round": 1, "loss": 0.5}, {"round": 2, "loss": 0.25, "note": "a, b"}])
    assert path.read_text() == 'round,loss,note\n1,0.5,\n2,0.25,"a, b"\n'


def test_a_schema_of_the_content_must_agree(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected schema"):
        write_json(tmp_path / "a.json", {"schema": "other"}, SCHEMA)
