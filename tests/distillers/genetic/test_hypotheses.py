"""Forms with unknown functions are filled in, and nothing but them."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.distillers.genetic.evolve import HOLE
from residuum.distillers.genetic.hypotheses import free_form, read_form
from residuum.distillers.genetic.search import search
from residuum.distillers.regression import Table
from residuum.distillers.settings import GeneticSettings
from residuum.errors import UserError


def searched(form: str, law, *, budget: int = 5000):
    rng = np.random.default_rng(2)
    X = rng.uniform(0.5, 3.0, (80, 2))
    settings = GeneticSettings(
        hypotheses=(form,), budget=budget, islands=2, population=60, epoch=1500
    )
    table = Table.of(("x", "y"), X, law(*X.T))
    return table, search(table, settings, seed=0)


@pytest.mark.parametrize(
    ("form", "law"),
    [
        ("x*g(y)", lambda x, y: x * np.sin(y)),
        ("x*g(y)", lambda x, y: x * (3 * y + 2)),
        ("2*x + g(y)", lambda x, y: 2 * x + 3 * y**2),
        ("g(x)*h(y)", lambda x, y: np.exp(-x) * (1 + y**2)),
        ("g(x) + h(y)", lambda x, y: 0.3 * np.sqrt(x) - 5 * np.cos(y)),
        ("g(x, y) + g(y, x)", lambda x, y: x**2 * y + y**2 * x),
        ("1 - g(x)/h(y)", lambda x, y: 1 - 2 * x / (y + 0.5)),
    ],
)
def test_unknown_functions_are_found(form, law):
    table, found = searched(form, law)
    best = found.formulas[found.chosen]
    assert best.loss < 1e-20 * np.var(table.y), [r.expression.infix() for r in found.formulas]


def test_a_function_sees_only_its_arguments():
    _, found = searched("g(y)", lambda x, y: x * y, budget=3000)
    assert all("x" not in row.expression.variables for row in found.formulas)


@pytest.mark.parametrize(
    ("form", "factors"),
    [
        ("x*g(y)", [0]),
        ("g(x)*h(y)", [0, -1]),
        ("g(x) + h(y)", [0, 1]),
        ("g(x)/h(y) + h(x)", [0, 1]),
        ("exp(g(x))*h(y)", [1, 0]),
        ("-(g(x)*y*h(y))", [0, -1]),
    ],
)
def test_one_function_of_each_product_has_a_factor(form, factors):
    found = read_form(form, ("x", "y")).hypothesis.factor
    assert ((found >= 0) == (np.array(factors) >= 0)).all()
    used = sorted(found[found >= 0])
    assert used == list(range(len(used)))


def test_fixed_parts_become_columns():
    form = read_form("sin(x)*g(x + y) - x*y", ("x", "y"))
    assert [column.infix() for column in form.columns] == ["x", "y", "sin(x)", "x + y", "x*y"]
    assert list(form.formals) == [1]
    assert (form.hypothesis.codes == HOLE).sum() == 1
    assert free_form(("x", "y")).hypothesis.identity


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("x*y", "nothing is unknown"),
        ("g(x) + g(x, y)", "different numbers of arguments"),
        ("g(h(x))", "inside the argument of another"),
        ("g(a=x)", "arguments by position"),
    ],
)
def test_wrong_forms_are_user_errors(form, message):
    with pytest.raises(UserError, match=message):
        read_form(form, ("x", "y"))
