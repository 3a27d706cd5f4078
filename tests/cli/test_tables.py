"""`residuum distill --samples`: a table file in, a front and its formulas out."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from fake_search import FakeSearch
from residuum import Regression
from residuum.cli import main
from residuum.files import read_json
from residuum.io.fronts import FRONT, read_fronts

X = np.random.default_rng(0).uniform(1, 3, (12, 2))
TABLE = pd.DataFrame({"m": X[:, 0], "a": X[:, 1], "force": 2.5 * X[:, 0] * X[:, 1]})


@pytest.fixture(autouse=True)
def fake(monkeypatch, tmp_path):
    module = ModuleType("residuum.distillers.genetic.search")
    module.search = FakeSearch("m*a", "a")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(tmp_path)
    return module.search


def write(suffix: str) -> str:
    name = f"table.{suffix}"
    if suffix == "parquet":
        TABLE.to_parquet(name)
    elif suffix == "npz":
        np.savez(name, **{key: TABLE[key].to_numpy() for key in TABLE})
    else:
        TABLE.to_csv(name, index=False, sep="," if suffix == "csv" else "\t")
    return name


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "npz"])
def test_any_table_becomes_a_front(suffix, capsys):
    words = ["--samples", write(suffix), "--front", "out/front.json", "--seed", "3"]
    assert main(["distill", *words]) == 0
    front = read_fronts("out/front.json")["force"]
    assert [row.expression.variables for row in front.candidates] == [("a",), ("m", "a")]
    found = Regression.from_json(read_json("out/front.json", FRONT))
    assert found.expression.infix() == "2.5*(m*a)"
    output = capsys.readouterr()
    assert "2.5*(m*a)" in output.out
    assert "note: faked" in output.out
    assert "force: epoch 1" in output.err
    assert "Front: out/front.json" in output.err


def test_choices_reach_the_search(fake):
    words = ["--samples", write("csv"), "--front", "f.json", "--budget", "60s", "--complexity", "9"]
    assert main(["distill", *words, "--operators", "+,*", "--units", "m=kg,a=m s-2,force=N"]) == 0
    given, settings, _ = fake.calls[0]
    assert (settings.budget, settings.complexity) == ("60s", 9)
    assert settings.operators == ("+", "*")
    assert given.units is not None
    np.testing.assert_allclose(given.X, X)


def test_a_number_is_a_budget_of_evaluations(fake):
    words = ["--samples", write("csv"), "--front", "f.json", "--budget", "5000"]
    assert main(["distill", *words]) == 0
    assert fake.calls[0][1].budget == 5000


def test_a_column_of_labels_is_no_variable(fake):
    TABLE.assign(run=["a", "b"] * 6)[["run", "m", "a", "force"]].to_csv("t.csv", index=False)
    words = ["--samples", "t.csv", "--front", "f.json", "--experiment", "run"]
    assert main(["distill", *words]) == 0
    assert fake.calls[0][0].variables == ("m", "a")
    assert fake.calls[0][0].experiments == 2


def test_sparse_regression_by_name(capsys):
    words = ["--samples", write("csv"), "--front", "f.json", "--distiller", "sindy"]
    assert main(["distill", *words]) == 0
    assert "2.5*(m*a)" in capsys.readouterr().out
