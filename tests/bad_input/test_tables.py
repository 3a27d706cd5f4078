"""Tables that are wrong: one message each, in Python and at the command line, nothing written."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from residuum import regress
from residuum.cli import main
from residuum.distillers.settings import GeneticSettings
from residuum.errors import UserError

X = np.random.default_rng(0).uniform(1, 2, (8, 2))
Y = X[:, 0] * X[:, 1]
GOOD = ["a,b,c", *(f"{row[0]},{row[1]},{value}" for row, value in zip(X, Y, strict=True))]


@pytest.fixture(autouse=True)
def unsearched(monkeypatch):
    """Nothing that is wrong may reach the search."""

    def search(*arguments, **words):
        raise AssertionError("the search was started")

    module = ModuleType("residuum.distillers.genetic.search")
    module.search = search
    monkeypatch.setitem(sys.modules, module.__name__, module)


def changed(array: np.ndarray, value: object) -> np.ndarray:
    copy = array.astype(object if isinstance(value, str) else float)
    copy[(2, 1) if array.ndim == 2 else 2] = value
    return copy


def refused(*parts: str, X=X, y=Y, **words) -> None:
    with pytest.raises(UserError) as caught:
        regress(X, y, **words)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message


@pytest.mark.parametrize(
    ("table", "values", "parts"),
    [
        (X[:0], Y[:0], ["empty table", "at least 3 rows", "found 0"]),
        (X[:1], Y[:1], ["too few rows", "at least 3 rows", "found 1"]),
        (X[:, :0], Y, ["no columns"]),
        ({}, Y, ["no columns"]),
        (X[:, 0], Y, ["not a table", "reshape"]),
        (X[0, 0], Y, ["not a table"]),
        ([[1, 2], [3]], Y, ["not a table"]),
        (changed(X, np.nan), Y, ["x1, row 3", "missing value", "NaN"]),
        (changed(X, np.inf), Y, ["x1, row 3", "infinite value"]),
        (changed(X, "two"), Y, ["x1, row 3", "text in a column of numbers", "'two'"]),
        (X, changed(Y, np.nan), ["y, row 3", "missing value"]),
        (X, changed(Y, -np.inf), ["y, row 3", "infinite value", "-inf"]),
        (X, changed(Y, "many"), ["y, row 3", "text", "'many'"]),
        (X + 1j, Y, ["x0", "complex"]),
        (X, Y[:-1], ["y", "wrong length", "8", "found 7"]),
        (X, X, ["y", "not a column"]),
        ({"a": X[:, 0], "b": X[:-1, 1]}, Y, ["b", "wrong length"]),
        (pd.DataFrame({"a": X[:, 0], "b c": Y}), Y, ["'b c' cannot name a variable"]),
        (np.ones((8, 2)), Y, ["y changes but no variable does", "x0 is constant"]),
    ],
)
def test_tables(table, values, parts):
    refused(*parts, X=table, y=values)


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["a"], ["wrong number of names", "2"]),
        (["a", "a"], ["'a' appears twice"]),
        (["a", "2b"], ["'2b' cannot name a variable"]),
        (["a", "__import__('os')"], ["cannot name a variable"]),
        (["a", "lambda"], ["'lambda' cannot name"]),
        (["a", "nan"], ["'nan' cannot name"]),
        (["a", "exp"], ["'exp' is an operator"]),
        (["a", 7], ["7 cannot name"]),
    ],
)
def test_names(names, parts):
    refused(*parts, variables=names)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ({"weights": [1.0] * 7}, ["weights", "wrong length"]),
        ({"weights": [-1.0] + [1.0] * 7}, ["weights", "at least zero", "-1"]),
        ({"weights": [0.0] * 8}, ["weights", "zero everywhere"]),
        ({"covariance": np.eye(7)}, ["covariance", "(8, 8)", "(7, 7)"]),
        ({"covariance": -np.eye(8)}, ["covariance", "positive definite"]),
        ({"covariance": np.eye(8), "weights": [1.0] * 8}, ["give one"]),
        ({"experiment": ["a"] * 7}, ["experiment", "wrong length"]),
        ({"value": "x0"}, ["'x0' names a variable and the value"]),
        ({"budget": 0}, ["budget", "positive number of evaluations", "found 0"]),
        ({"budget": "0 s"}, ["budget", "found '0 s'"]),
        ({"budget": "soon"}, ["budget", "found 'soon'"]),
        ({"complexity": 0}, ["complexity", "3 to 60"]),
        ({"operators": ["+", "exo"]}, ["operators", "'exo'"]),
        ({"operators": []}, ["no operators"]),
        ({"loss": "cubed"}, ["loss", "'cubed'"]),
        ({"workers": 0}, ["too few workers"]),
    ],
)
def test_words(words, parts):
    refused(*parts, **words)


def units(a: str, b: str, **more: str) -> dict[str, object]:
    return {"variables": ["a", "b"], "units": {"a": a, "b": b, **more}, "unit": "s"}


def test_units_that_admit_no_formula():
    settings = GeneticSettings(wildcards=0)
    words = units("m", "kg")
    refused("no formula", "unit of y", "'s'", "a in m, b in kg", settings=settings, **words)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (units("m", "qwerty"), ["units of b", "'qwerty' is not a unit"]),
        (units("m", "degC"), ["b", "offset"]),
        (units("m", "s", d="m"), ["unknown variable 'd'"]),
        ({**units("m", "s"), "units": {"a": "m"}}, ["no unit of 'b'"]),
        ({**units("m", "s"), "unit": None}, ["unit", "units of some only"]),
        ({"unit": "m"}, ["units of some only"]),
    ],
)
def test_units_that_are_none(words, parts):
    refused(*parts, **words)


def test_extreme_numbers_with_units():
    refused("numbers too extreme", "b", "another unit", X=X * [1, 1e300], **units("m", "s"))


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ({"forbidden": ("x0", "x1")}, ["every variable is forbidden"]),
        ({"required": ("x0*x1",), "forbidden": ("x1",)}, ["'x0*x1' is required", "forbidden"]),
        ({"required": ("x0*x1*x0*x1",), "complexity": 3}, ["too complex", "at most 3"]),
        ({"sign": "negative"}, ["no value is negative"]),
        ({"hypotheses": ("x0*g(q)",)}, ["unknown variable 'q'"]),
        ({"required": ("x0 +",)}, ["required", "cannot read"]),
        ({"seeds": ("__import__('os').system('touch x')",)}, ["seeds"]),
    ],
)
def test_constraints_that_forbid_everything(words, parts):
    refused(*parts, settings=GeneticSettings(**words))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("\n".join(GOOD))
    return tmp_path


def said(capsys, *words: str) -> str:
    """The one message of a refused command, which wrote nothing."""
    before = sorted(path for path in Path.cwd().rglob("*"))
    code = main(["distill", *words])
    output = capsys.readouterr()
    assert (code, output.out) == (2, "")
    assert output.err.startswith("residuum: ")
    assert output.err.count("\n") == 1
    assert sorted(path for path in Path.cwd().rglob("*")) == before
    return output.err


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        ([], "empty file"),
        (GOOD[:1], "no rows"),
        (GOOD[:2], "too few rows"),
        ([*GOOD, "1,,2"], "b, row 9: missing value"),
        ([*GOOD, "1,inf,2"], "b, row 9: infinite value"),
        ([*GOOD, "1,2,1e999"], "c, row 9: infinite value"),
        ([*GOOD, "1,two,2"], "b, row 9: text"),
        (["a,a,c", *GOOD[1:]], "'a' appears twice"),
        (["a,b c,d", *GOOD[1:]], "'b c' cannot name"),
        (["a,b,exp", *GOOD[1:]], "'exp' is an operator"),
        (["c", *(row.split(",")[0] for row in GOOD[1:])], "one column only"),
        (["a,b,c", *(f"1,2,{k}" for k in range(9))], "c changes but no variable does"),
    ],
)
def test_files(folder, capsys, rows, part):
    (folder / "t.csv").write_text("\n".join(rows))
    assert part in said(capsys, "--samples", "t.csv", "--front", "out/front.json")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("", "no CONFIG"),
        ("c.yaml d pinn", "no DISTILLER"),
        ("c.yaml --samples t.csv --front f.json", "two forms of this command"),
        ("c.yaml d pinn sindy --front f.json", "--front without --samples"),
        ("c.yaml d pinn sindy --distiller genetic", "--distiller without --samples"),
        ("--samples t.csv", "--samples without --front"),
        ("--samples none.csv --front f.json", "no such file"),
        ("--samples t.xlsx --front f.json", "unsupported kind of file"),
        ("--samples t.csv --front .", "cannot write"),
        ("--samples t.csv --front t.csv/f.json", "cannot write"),
        ("--samples t.csv --front f.json --distiller genetics", "did you mean 'genetic'?"),
        ("--samples t.csv --front f.json --budget 0", "budget"),
        ("--samples t.csv --front f.json --budget 1y", "found '1y'"),
        ("--samples t.csv --front f.json --complexity 1", "complexity"),
        ("--samples t.csv --front f.json --operators +,exo", "'exo'"),
        ("--samples t.csv --front f.json --units a=m,c=m", "no unit of 'b'"),
        ("--samples t.csv --front f.json --units a", "x=m,y=s"),
        ("--samples t.csv --front f.json --units a=m,a=s", "two units of 'a'"),
        ("--samples t.csv --front f.json --units a=m,b=s", "units of some only"),
        ("--samples t.csv --front f.json --units a=m,b=q,c=m", "'q' is not a unit"),
        ("--samples t.csv --front f.json --experiment d", "unknown column 'd'"),
    ],
)
def test_command_lines(folder, capsys, words, part):
    assert part in said(capsys, *words.split())
