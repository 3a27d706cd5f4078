"""`residuum export` and `residuum predict` on law.json and front.json."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from residuum.cli import main
from residuum.distillers.front import Candidate
from residuum.expressions.parser import parse
from residuum.files import write_json
from residuum.io.fronts import FRONT
from residuum.laws.law import Law, LawParameter, Verdict
from residuum.regression import Regression
from residuum.stages.paths import LAW


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    equations = {"x_tt": parse("-w*x + push"), "z_t": parse("-0.5*z")}
    parameters = {"w": LawParameter(4.0, None, None, True)}
    law = Law("spring", equations, {}, parameters, {}, Verdict({}, None, None))
    write_json("law.json", law.to_json(), LAW)
    row = Candidate("force", parse("2.5*m*a"), 0.0, 0.0, "genetic")
    write_json("front.json", Regression("force", ("m", "a"), (row,), 0).to_json(), FRONT)
    t = np.linspace(0, 2, 9)
    columns = {"t": t, "x": 1.0, "x_t": 0.0, "z": 3.0, "push": 0.0}
    pd.DataFrame(columns).to_csv("t.csv", index=False)
    pd.DataFrame({"a": [1.0, 2.0], "m": [3.0, 4.0]}).to_csv("m.csv", index=False)


def table(capsys) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(capsys.readouterr().out))


def test_a_law_is_rolled_out(capsys):
    assert main(["predict", "law.json", "t.csv"]) == 0
    found = table(capsys)
    np.testing.assert_allclose(found["x"], np.cos(2 * found["t"]), atol=1e-7)
    np.testing.assert_allclose(found["x_t"], -2 * np.sin(2 * found["t"]), atol=1e-7)
    np.testing.assert_allclose(found["z"], 3 * np.exp(-found["t"] / 2), atol=1e-7)


def test_a_formula_is_evaluated_on_every_row(capsys):
    assert main(["predict", "front.json", "m.csv", "--output", "out.csv"]) == 0
    assert pd.read_csv("out.csv")["force"].tolist() == [7.5, 20.0]


@pytest.mark.parametrize("language", ["python", "torch", "c", "julia", "latex"])
def test_both_are_exported(capsys, language):
    for path in ("law.json", "front.json"):
        assert main(["export", path, "--to", language]) == 0
        assert "2.5" in capsys.readouterr().out or path == "law.json"


def test_an_exported_law_gives_derivatives_in_order(capsys):
    assert main(["export", "law.json", "--to", "python", "--output", "law.py"]) == 0
    names: dict = {}
    with open("law.py") as file:  # noqa: PTH123
        exec(compile(file.read(), "law.py", "exec"), names)  # noqa: S102 (written here)
    np.testing.assert_allclose(names["law"](0.0, 1.0, 2.0, 3.0, 0.5), [2.0, -3.5, -1.5])


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("export none.json --to c", "cannot read"),
        ("export t.csv --to c", "torn or not a result file"),
        ("export law.json --to fortran", "unknown language 'fortran'"),
        ("predict law.json m.csv", "no column 't'"),
        ("predict front.json t.csv", "no column 'm'"),
    ],
)
def test_mistakes(capsys, words, part):
    assert main(words.split()) == 2
    output = capsys.readouterr()
    assert part in output.err
    assert output.err.count("\n") == 1
    assert output.out == ""
