"""Symbolic regression of a table: what reaches the search, and what comes back to the user."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from fake_search import FakeSearch
from residuum import Regression, regress
from residuum.distillers.settings import GeneticSettings, SindySettings
from residuum.errors import UserError
from residuum.expressions.parser import parse

SEARCH = "residuum.distillers.genetic.search"


@pytest.fixture
def search(monkeypatch):
    """Put a fake in the place of the search; call it with the forms to fit."""

    def put(*forms: str) -> FakeSearch:
        module = ModuleType(SEARCH)
        module.search = FakeSearch(*forms)
        monkeypatch.setitem(sys.modules, SEARCH, module)
        return module.search

    return put


def table(rows: int = 20, columns: int = 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(1.0, 3.0, (rows, columns))


def test_a_law_comes_back_with_its_front(search):
    search("x0*x1", "x0")
    X = table()
    found = regress(X, 3.5 * X[:, 0] * X[:, 1])
    assert found.value == "y"
    assert found.variables == ("x0", "x1")
    assert found.expression == parse("3.5*(x0*x1)")
    assert [row.complexity for row in found.formulas] == sorted(
        row.complexity for row in found.formulas
    )
    new = table(7) + 1
    np.testing.assert_allclose(found.predict(new), 3.5 * new[:, 0] * new[:, 1], rtol=1e-12)
    assert found.predict(new, 0).shape == (7,)


@pytest.mark.parametrize("kind", [pd.DataFrame, dict])
def test_names_come_from_the_columns(search, kind):
    search("b/a")
    columns = {"a": table()[:, 0], "b": table()[:, 1]}
    found = regress(kind(columns), 2 * columns["b"] / columns["a"])
    assert found.variables == ("a", "b")
    swapped = kind({"b": np.array([8.0]), "a": np.array([2.0])})
    np.testing.assert_allclose(found.predict(swapped), 8.0)
    np.testing.assert_allclose(found.predict(np.array([[2.0, 8.0]])), 8.0)


def test_json_holds_all_of_it(search):
    search("x0*x1", "x0")
    X = table()
    found = regress(X, 3.5 * X[:, 0] * X[:, 1])
    again = Regression.from_json(json.loads(json.dumps(found.to_json())))
    assert again.chosen == found.chosen
    assert [row.expression for row in again.formulas] == [row.expression for row in found.formulas]
    np.testing.assert_array_equal(again.predict(X), found.predict(X))


def test_kilometres_beside_metres_are_answered_in_both(search):
    X = table()
    y = X[:, 0] + 1000 * X[:, 1]  # metres, from metres and kilometres
    fake = search("a + b")
    found = regress(
        X, y, variables=["a", "b"], units={"a": "m", "b": "km"}, unit="m"
    )  # fmt: skip
    (given, _, _) = fake.calls[0]
    np.testing.assert_allclose(given.X[:, 1], 1000 * X[:, 1])
    assert given.units == ((Fraction(1),), (Fraction(1),))
    assert given.unit == (Fraction(1),)
    np.testing.assert_allclose(found.predict(X), y, rtol=1e-12)
    assert found.expression == parse("a + 1000.0*b")
    assert "b was multiplied by 1000" in found.notes[0]


def test_coherent_units_are_left_alone(search):
    X = table()
    fake = search("m*a")
    units = {"m": "g", "a": "mm ms-2"}
    found = regress(X, X[:, 0] * X[:, 1], variables=["m", "a"], units=units, unit="g mm ms-2")
    np.testing.assert_array_equal(fake.calls[0][0].X, X)
    assert found.expression == parse("m*a")


def test_degrees_and_percent_are_pure_numbers(search):
    X = table() * 20
    y = np.sin(np.pi / 180 * X[:, 0]) * X[:, 1] / 100
    search("sin(a)*p")
    found = regress(X, y, variables=["a", "p"], units={"a": "degree", "p": "percent"}, unit="1")
    np.testing.assert_allclose(found.predict(X), y, rtol=1e-12)


def test_extreme_numbers_are_scaled(search):
    X = table()
    big = np.column_stack([X[:, 0] * 1e300, X[:, 1] * 1e-290])
    fake = search("x0", "x0*x1")
    found = regress(big, 0.5 * big[:, 0])
    assert np.abs(fake.calls[0][0].X).max() < 4
    assert np.abs(fake.calls[0][0].y).max() < 4
    assert found.formulas[0].expression == parse("0.5*x0")
    np.testing.assert_allclose(found.predict(big), 0.5 * big[:, 0], rtol=1e-12)
    product = found.formulas[1].expression
    assert "x1" in product.variables
    assert np.isfinite(found.predict(big, 1)).all()
    assert any("divided" in note for note in found.notes)


def test_columns_that_cannot_matter_are_left_out(search):
    X = np.column_stack([table(), np.full(20, 2.0), table()[:, 0]])
    fake = search("x0")
    found = regress(X, X[:, 0])
    assert fake.calls[0][0].variables == ("x0", "x1")
    assert "x2 is constant: left out" in found.notes
    assert "x3 is the same as x0: left out" in found.notes
    assert found.predict(X).shape == (20,)


def test_a_column_that_a_hypothesis_names_stays(search):
    X = np.column_stack([table(), np.full(20, 2.0)])
    fake = search("x0")
    regress(X, X[:, 0], settings=GeneticSettings(hypotheses=("x2*g(x0)",)))
    assert "x2" in fake.calls[0][0].variables


def test_of_two_hundred_columns_the_useful_ones_are_kept(search):
    X = np.random.default_rng(3).normal(size=(300, 200))
    fake = search("x17*x101")
    found = regress(X, 2 * X[:, 17] * X[:, 101])
    kept = fake.calls[0][0].variables
    assert len(kept) == 30
    assert {"x17", "x101"} <= set(kept)
    assert any("30 of 200" in note for note in found.notes)
    np.testing.assert_allclose(found.predict(X), 2 * X[:, 17] * X[:, 101])


def test_a_constant_value_is_its_own_law(search):
    fake = search("x0")
    found = regress(table(), np.full(20, 4.0))
    assert not fake.calls
    assert found.expression == parse("4.0")
    np.testing.assert_array_equal(found.predict(table(3)), [4.0, 4.0, 4.0])
    assert found.notes == ("y is constant: so is the law",)


def test_rows_are_sorted_by_experiment_with_all_that_belongs_to_them(search):
    fake = search("x0")
    X, y = table(6), np.arange(6.0)
    weights = np.arange(1.0, 7.0)
    regress(X, y, experiment=["b", "a", "b", "a", "b", "a"], weights=weights)
    given = fake.calls[0][0]
    order = [0, 2, 4, 1, 3, 5]
    assert given.experiment.tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_array_equal(given.X, X[order])
    np.testing.assert_array_equal(given.y, y[order])
    np.testing.assert_array_equal(given.precision, weights[order])


def test_a_covariance_whitens(search):
    fake = search("x0")
    root = np.random.default_rng(1).normal(size=(8, 8))
    covariance = root @ root.T + np.eye(8)
    y = np.arange(8.0)
    regress(table(8), y, covariance=covariance, experiment=[1, 0] * 4)
    given = fake.calls[0][0]
    np.testing.assert_allclose(given.whitening @ given.y, given.target)
    order = np.argsort([0, 1] * 4, kind="stable")
    np.testing.assert_allclose(
        given.whitening.T @ given.whitening, np.linalg.inv(covariance)[np.ix_(order, order)]
    )


def test_words_beside_the_settings_replace_them(search):
    fake = search("x0")
    base = GeneticSettings(complexity=12)
    regress(table(), table()[:, 0], settings=base, operators=["+", "*"], budget="2 s")
    given = fake.calls[0][1]
    assert (given.complexity, given.operators, given.budget) == (12, ("+", "*"), "2 s")
    assert regress(table(), table()[:, 0], seed=1)
    assert fake.calls[0][2] != fake.calls[1][2]


def test_sparse_regression_of_a_table():
    X = table(40)
    y = 2.0 * X[:, 0] * X[:, 1] - 0.5 * X[:, 1] ** 2
    found = regress(X, y, settings=SindySettings(resamples=0))
    np.testing.assert_allclose(found.predict(X), y, rtol=1e-6)
    assert len(found.expression.constants) == 2


def test_a_search_without_formulas_names_the_constraints(search, monkeypatch):
    fake = search("x0")
    monkeypatch.setattr(sys.modules[SEARCH], "search", lambda *a, **k: type(fake(*a, **k))((), 0))
    with pytest.raises(UserError, match=r"no formula meets the constraints.*forbidden"):
        regress(table(), table()[:, 0], settings=GeneticSettings(forbidden=("x0*x1",)))
