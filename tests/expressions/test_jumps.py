"""Constants inside `sign`, which no derivative moves."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.distillers.refine.fitting import Task, fit
from residuum.distillers.regression import Table
from residuum.expressions.evaluation import evaluate
from residuum.expressions.jumps import jump_places, placed
from residuum.expressions.parser import parse
from residuum.metrics.refitting import refit


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("2.5*x", ()),
        ("sign(x)", ()),
        ("2.5*x*(1.1 + sign(x - 1.5))", (2,)),
        ("2.5*x + 3.1*sign(1.2*x + sign(x - 3.3))*0.5", (2, 3)),
    ],
)
def test_which_constants_stand_inside_a_jump(text, places):
    assert jump_places(parse(text)) == places


def jumping(count=300):
    rng = np.random.default_rng(0)
    X = rng.uniform(0.0, 5.0, (count, 1))
    return Table.of(("x",), X, evaluate(parse("(x - 1)*(1 + sign(x - 2))"), {"x": X[:, 0]}))


@pytest.mark.parametrize(
    "start", ["(x - 1.3)*(1.2 + sign(x - 1.4))", "(x - 0.7)*(0.8 + sign(x - 2.9))"]
)
def test_a_fit_moves_a_jump_to_its_place(start):
    table = jumping()
    found = fit(parse(start), Task(table))
    assert found.loss < 1e-20
    a, b, c = found.expression.constants
    assert (a, b) == pytest.approx((1.0, 1.0), abs=1e-9)
    x = np.sort(table.X[:, 0])
    below, above = x[x < 2.0].max(), x[x > 2.0].min()
    assert c == pytest.approx((below + above) / 2, rel=1e-5)
    assert found.spreads[2] == np.inf
    judged, left = refit(parse(start), table, rng=np.random.default_rng(1))
    assert left < 1e-20
    assert below <= judged.constants[2] <= above


def test_a_place_is_found_for_negative_losses_too():
    def loss(constants):
        return -10.0 + abs(constants[1] - 3.0)

    found, least = placed(np.array([7.0, 1.0]), [1], loss)
    assert found == pytest.approx([7.0, 3.0], abs=1e-5)
    assert least == pytest.approx(-10.0, abs=1e-5)


def test_a_constant_that_nothing_depends_on_stays():
    found, least = placed(np.array([7.0, 1.0]), [1], lambda constants: 5.0)
    assert found.tolist() == [7.0, 1.0]
    assert least == 5.0
