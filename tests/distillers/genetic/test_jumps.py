"""Formulas with jumps that the search starts from."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.distillers.genetic.jumps import jump_laws, split
from residuum.distillers.genetic.trees import ADD, MUL, SIGN, SUB
from residuum.distillers.settings import GeneticSettings
from residuum.regression import regress

ALL = frozenset((ADD, MUL, SIGN, SUB))


def test_two_lines_are_found_with_the_jump_between_them():
    x = np.linspace(-1.0, 5.0, 61)
    y = np.where(x < 2.03, 0.5 - x, 3.0 * x + 7.0)
    jump, before, after = split(x, y, np.ones(len(x)))
    assert jump == pytest.approx(2.05, abs=1e-9)
    np.testing.assert_allclose(before, [0.5, -1.0], atol=1e-9)
    np.testing.assert_allclose(after, [7.0, 3.0], atol=1e-9)


def test_too_few_points_have_no_jump():
    assert split(np.array([1.0, 1.0, 2.0]), np.ones(3), np.ones(3)) is None
    assert split(np.ones(50), np.arange(50.0), np.ones(50)) is None


def test_without_sign_nothing_jumps():
    X = np.random.default_rng(0).uniform(0, 3, (1, 50))
    assert not list(jump_laws(X, X[0], np.ones(50), ALL - {SIGN}))
    assert len(list(jump_laws(X, X[0], np.ones(50), ALL))) == 7


def test_a_formula_with_a_jump_is_found():
    rng = np.random.default_rng(1)
    x = rng.uniform(0.0, 5.0, 300)
    y = np.where(x > 1.99, 2.0 * (x - 0.99), 0.0)
    operators = (*GeneticSettings().operators, "sign")
    found = regress({"x": x}, y, operators=operators, budget=20_000, seed=0)
    at = np.array([0.3, 1.5, 2.5, 4.0])
    np.testing.assert_allclose(
        found.predict({"x": at}), np.where(at > 1.99, 2.0 * (at - 0.99), 0.0), atol=1e-9
    )
    assert "sign" in found.expression.tokens
