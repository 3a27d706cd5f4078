"""The stock of ready-made runs, and the search for one that fits in the place of a subtree."""

from __future__ import annotations

import numpy as np
import pytest
from genetic_scenes import NAMES, language_of, no_units, values_at

from residuum.distillers.genetic.blocks import build_blocks
from residuum.distillers.genetic.decoding import postfix_formula
from residuum.distillers.genetic.dimensions import TWELFTHS, Units, infer, new_unit_scratch
from residuum.distillers.genetic.trees import CODES, INTEGER_POWER
from residuum.expressions.expression import Expression
from residuum.expressions.primitives import PRIMITIVES

OPERATORS = ("+", "-", "*", "/", "sqrt", "exp", "log", "sin", "cos", "tanh")
PROBES = np.random.default_rng(1).uniform(0.4, 2.0, (3, 40))
GIVEN = np.array([[1, 0], [0, 1], [1, 0]])


def costs() -> np.ndarray:
    cost = np.ones(CODES, np.int64)
    for row in PRIMITIVES.values():
        cost[row.opcode] = row.complexity
    cost[INTEGER_POWER] = 2
    return cost


def stock(units=None, most=1500):
    language = language_of(OPERATORS)
    return build_blocks(PROBES, language, units or no_units(), costs(), most=most, seed=3)


def formula_of(blocks, k) -> Expression:
    n = int(blocks.length[k])
    columns = [Expression.variable(name) for name in NAMES]
    return postfix_formula(blocks.codes[k, :n], blocks.args[k, :n], [], columns)


@pytest.fixture(scope="module")
def with_units():
    units = Units(True, TWELFTHS * GIVEN, np.zeros(2, np.int64), 3)
    return units, *stock(units)


def test_values_are_those_of_the_formula(with_units):
    for blocks in (stock()[0], with_units[1]):
        for k in range(len(blocks.length)):
            values = values_at(formula_of(blocks, k), PROBES)
            np.testing.assert_allclose(blocks.values[k], values, rtol=1e-10)


def test_complexity_is_the_cost_and_rises():
    blocks, _, complexity = stock()
    cost = costs()
    for k, codes in enumerate(blocks.codes):
        assert complexity[k] == cost[codes[: blocks.length[k]]].sum()
    assert (np.diff(complexity) >= 0).all()


def test_no_block_is_a_multiple_of_another():
    blocks, _, _ = stock(most=800)
    columns = blocks.values / np.linalg.norm(blocks.values, axis=1)[:, None]
    cosine = np.abs(columns @ columns.T)
    for i, j in np.argwhere(np.triu(cosine > 1 - 1e-13, 1)):
        ratio = blocks.values[i] / blocks.values[j]
        assert np.ptp(ratio) > 1e-9 * abs(ratio.mean()), (
            formula_of(blocks, i),
            formula_of(blocks, j),
        )


def test_the_same_seed_gives_the_same_blocks():
    for one, other in zip(stock()[0], stock()[0], strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_block_has_the_unit_of_its_class(with_units):
    units, blocks, classes, _ = with_units
    w = new_unit_scratch(2)
    for k, codes in enumerate(blocks.codes):
        n = int(blocks.length[k])
        assert infer(codes, blocks.args[k], n, units, w)
        np.testing.assert_array_equal(w.unit[n - 1], classes[blocks.unit[k]])
    for k in range(len(classes)):
        assert (blocks.unit[blocks.order[blocks.first[k] : blocks.first[k + 1]]] == k).all()
    assert sorted(blocks.order) == list(range(len(blocks.length)))


def test_simple_formulas_are_there():
    blocks = stock()[0]
    found = {str(formula_of(blocks, k)) for k in range(200)}
    assert {"x", "y", "z", "x**2", "sin(x)", "y*x"} <= found or {"x*y"} <= found
