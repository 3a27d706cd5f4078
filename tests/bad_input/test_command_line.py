"""A user's mistake at the command line: exit code 2, one message, no traceback, nothing written."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from campaigns import call
from residuum.cli import main
from residuum.cli.entry import USER_MISTAKE

GOOD = """\
seed: 0
datasets:
  d:
    data: {file: d.csv, time: t, states: {hare: h, lynx: l}}
    equations: {hare_t: alpha*hare - predation(hare, lynx), lynx_t: growth(hare, lynx)}
    parameters: {alpha: {value: 1.0}}
"""
ROWS = ["t,h,l", *(f"{k},{10 + k % 3},{5 + k % 4}" for k in range(12))]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with a good campaign and its data, away from where the command runs."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    made = tmp_path / "campaign"
    made.mkdir()
    (made / "c.yaml").write_text(GOOD)
    (made / "d.csv").write_text("\n".join(ROWS))
    return made


def files(folder: Path) -> set[Path]:
    return {path for path in folder.parent.rglob("*") if path.is_file()}


def refusal(capsys, *arguments: str | Path) -> str:
    """The one message of a refused command."""
    code = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    assert code == USER_MISTAKE
    assert said.out == ""
    assert said.err.startswith("residuum: ")
    assert "Traceback" not in said.err
    return said.err


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_unedited_campaign_is_good(folder, capsys):
    assert main(["validate", str(folder / "c.yaml")]) == 0
    said = capsys.readouterr().out
    assert said == "d: experiments: 1; samples: 12; hidden terms: predation, growth\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed", "sead", "unknown key 'sead'"),
        ("hare_t", "haer_t", "unknown state 'haer'"),
        ("predation(hare, lynx)", "predation(hare, fox)", "undeclared argument 'fox'"),
        ("time: t,", "time: t, units: {hare: qwerty},", "qwerty"),
        ("  d:\n", "  ../d:\n", "not a name"),
        ("  d:\n", "  d d:\n", "not a name"),
        ("  d:\n", "  __use_yte__:\n", "__use_yte__ is refused"),
        ("alpha*hare", "__import__('os').system('touch x')", "equations.hare_t"),
        ("alpha*hare", "alpha*hare**9**9**9", "equations.hare_t"),
        ("file: d.csv", "file: missing.csv", "missing.csv"),
        ("file: d.csv", "file: .", "campaign"),
        ("l}}", "l2}}", "l2"),
    ],
)
def test_mistakes_in_the_campaign(folder, capsys, old, new, said):
    before = files(folder)
    edit(folder / "c.yaml", old, new)
    assert said in refusal(capsys, "validate", folder / "c.yaml")
    assert files(folder) == before


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "empty"),
        (ROWS[:1], "d.csv"),
        (ROWS[:2], "d.csv"),
        ([ROWS[0], *(f"{k},7,{k % 3}" for k in range(12))], "constant"),
        ([*ROWS, ROWS[-1]], "d.csv"),
        ([*ROWS, "3.5,1,1"], "d.csv"),
        ([*ROWS, "20,inf,3"], "infinite"),
        ([*ROWS, "nan,2,3"], "d.csv"),
        ([*ROWS, "20,many,3"], "many"),
        (["t,h", *(row.rsplit(",", 1)[0] for row in ROWS[1:])], "'l'"),
    ],
    ids=[
        "empty", "header", "one-sample", "constant", "repeated", "unsorted", "inf", "nan-time",
        "text", "column-missing",
    ],
)  # fmt: skip
def test_mistakes_in_the_data(folder, capsys, rows, said):
    (folder / "d.csv").write_text("\n".join(rows))
    before = files(folder)
    message = refusal(capsys, "validate", folder / "c.yaml")
    assert said in message
    assert files(folder) == before


def test_a_pickled_file_is_refused_and_never_loaded(folder, capsys):
    class Hostile:
        def __reduce__(self):
            return Path.touch, (folder / "loaded",)

    np.savez(folder / "d.npz", t=np.arange(5.0), h=np.array([Hostile()] * 5), l=np.arange(5.0))
    edit(folder / "c.yaml", "d.csv", "d.npz")
    assert "d.npz" in refusal(capsys, "validate", folder / "c.yaml")
    assert not (folder / "loaded").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("prepare", "CONFIG", "../up"), "unknown dataset '../up'"),
        (("prepare", "CONFIG", "dd"), "did you mean 'd'?"),
        (("train", "CONFIG", "d", "pin"), "did you mean 'pinn'?"),
        (("train", "CONFIG", "d", "pinn"), "observations.nc"),
        (("distill", "CONFIG", "d", "pinn", "../sindy"), "unknown distiller '../sindy'"),
        (("select", "CONFIG", "d"), "observations.nc"),
        (("report", "CONFIG", "d"), "law.json"),
        (("summarize", "CONFIG"), "law.json"),
        (("validate", "nowhere.yaml"), "no such file"),
        (("run", "nowhere.yaml"), "no such file"),
    ],
)
@pytest.mark.slow
def test_mistakes_in_the_words(folder, capsys, words, said):
    before = files(folder)
    given = [str(folder / "c.yaml") if word == "CONFIG" else word for word in words]
    assert said in refusal(capsys, *given)
    assert files(folder) == before


def test_results_that_cannot_be_written(folder, capsys):
    Path("taken").touch()
    words = ("prepare", folder / "c.yaml", "d", "--results", "taken")
    assert re.search(r"cannot write.*", refusal(capsys, *words))


@pytest.mark.parametrize("words", [("run",), ("nothing",), ("run", "c.yaml", "--cores", "0")])
def test_words_that_no_command_takes(folder, capsys, words):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == USER_MISTAKE
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.slow
def test_run_refuses_before_it_starts(folder):
    edit(folder / "c.yaml", "  d:\n", "  __use_yte__: true\n  d:\n")
    before = files(folder)
    done = call("residuum", "run", folder / "c.yaml", "--directory", "out", cwd=Path.cwd())
    assert done.returncode == USER_MISTAKE
    assert done.stdout.count("\n") == 1
    assert "__use_yte__ is refused" in done.stdout
    assert files(folder) == before
