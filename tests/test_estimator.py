"""The estimator keeps every promise that scikit-learn asks of a regressor."""

from __future__ import annotations

import pickle
import sys
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from fake_search import FakeSearch
from residuum import GeneticRegressor
from residuum.errors import UserError

SEARCH = "residuum.distillers.genetic.search"


@pytest.fixture(autouse=True)
def search(monkeypatch):
    """Put a fake in the place of the search: the promises are those of the estimator."""
    module = ModuleType(SEARCH)
    module.search = FakeSearch()
    monkeypatch.setitem(sys.modules, SEARCH, module)
    return module


@parametrize_with_checks([GeneticRegressor(budget=2000)])
def test_promises(estimator, check):
    check(estimator)


def columns() -> tuple[pd.DataFrame, np.ndarray]:
    X = np.random.default_rng(0).uniform(1, 2, (30, 2))
    return pd.DataFrame(X, columns=["mass", "speed"]), X[:, 0] - 2 * X[:, 1]


def test_names_of_a_frame_are_those_of_the_formula():
    X, y = columns()
    found = GeneticRegressor().fit(X, y)
    assert found.feature_names_in_.tolist() == ["mass", "speed"]
    assert set(found.expression_.variables) == {"mass", "speed"}
    assert found.score(X, y) > 0.999


def test_names_that_no_formula_can_hold_are_numbered():
    X, y = columns()
    found = GeneticRegressor().fit(X.set_axis(["body mass (kg)", "exp"], axis=1), y)
    assert found.variables_ == ("x0", "x1")


def test_a_fit_survives_a_pickle_and_a_clone_is_empty():
    X, y = columns()
    found = GeneticRegressor(budget=100, operators=("+", "*")).fit(X, y)
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 (made here)
    np.testing.assert_array_equal(again.predict(X), found.predict(X))
    assert clone(found).get_params() == found.get_params()
    assert not hasattr(clone(found), "expression_")


def test_it_cross_validates():
    X, y = columns()
    assert cross_val_score(GeneticRegressor(), X.to_numpy(), y, cv=3).min() > 0.999


def test_a_row_of_weight_two_is_that_row_twice(search):
    X, y = columns()
    GeneticRegressor().fit(X, y, sample_weight=np.r_[2.0, np.ones(28), 0.0])
    GeneticRegressor().fit(pd.concat([X[:1], X[:-1]]), np.r_[y[:1], y[:-1]])
    (a, _, _), (b, _, _) = search.search.calls
    np.testing.assert_array_equal(a.X, b.X)
    np.testing.assert_array_equal(a.precision, b.precision)


def test_settings_are_checked_when_fitting():
    X, y = columns()
    with pytest.raises(UserError, match="budget"):
        GeneticRegressor(budget=0).fit(X, y)
