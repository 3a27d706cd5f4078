"""Formulas to start from: sums through links, and power laws."""

from __future__ import annotations

import numpy as np
import pytest
from genetic_scenes import NAMES, values_at
from test_blocks import OPERATORS, PROBES, formula_of, stock

from residuum.distillers.genetic.decoding import postfix_formula
from residuum.distillers.genetic.seeding import LINKS, _pairs, seed_formulas
from residuum.distillers.genetic.trees import CONSTANT, INTEGER_POWER
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.expressions.primitives import PRIMITIVES

ALL = frozenset({PRIMITIVES[s].opcode for s in OPERATORS} | {INTEGER_POWER})


def decoded(steps) -> Expression:
    """Return the formula of instructions whose constants stand among them."""
    constants = [value for code, value in steps if code == CONSTANT]
    places = iter(range(len(constants)))
    args = [next(places) if code == CONSTANT else int(value) for code, value in steps]
    columns = [Expression.variable(name) for name in NAMES]
    return postfix_formula([code for code, _ in steps], args, constants, columns)


def misfit(formula: Expression, y: np.ndarray) -> float:
    """Return the relative error after a scale."""
    f = values_at(formula, PROBES)
    if not np.isfinite(f).all():
        return np.inf
    return float(np.linalg.norm(y - f * (f @ y) / (f @ f)) / np.linalg.norm(y))


@pytest.fixture(scope="module")
def blocks():
    return stock(most=900)


@pytest.mark.parametrize(
    "law",
    [
        "1.0/(x + 2.5*y)",
        "sqrt(x**2 + 3.0*y**2)",
        "exp(-1.3*x*y)",
        "2.0*x*y - 0.7*z**2",
        "(x + 0.3*sin(y))**2",
        "1.0/sqrt(x*y + 2.0*z)",
        "-1.0/(x + 2.5*y)",
        "log(x + 3.0*y)",
        "x + 2.0*y + 0.5*x*z",
    ],
)
def test_each_link_finds_its_law(blocks, law):
    y = values_at(parse(law), PROBES)
    stock, _, complexity = blocks
    seeds = seed_formulas(
        stock, complexity, [(np.arange(len(complexity)), False)], y, np.ones(len(y)), ALL
    )
    assert min(misfit(decoded(steps), y) for steps in seeds) < 1e-8


def test_links_invert_and_have_their_slopes():
    y = np.linspace(0.5, 2.0, 7)
    for name, link in LINKS.items():
        steps = [(CONSTANT, 1.0), *link.inverse]
        for value in y:
            steps[0] = (CONSTANT, float(link.forward(value)))
            assert float(values_at(decoded(steps), PROBES)[0]) == pytest.approx(value), name
        slope = np.abs(link.forward(y + 1e-6) - link.forward(y - 1e-6)) / 2e-6
        assert link.slope(y) == pytest.approx(slope, rel=1e-5), name


def test_operators_that_may_not_be_used_are_not(blocks):
    stock, _, complexity = blocks
    y = values_at(parse("sqrt(x**2 + 3.0*y**2)"), PROBES)
    few = frozenset(PRIMITIVES[s].opcode for s in "+*")
    group = [(np.arange(3), False)]
    for steps in seed_formulas(stock, complexity, group, y, np.ones(len(y)), few):
        assert PRIMITIVES["sqrt"].opcode not in [code for code, _ in steps]
        assert PRIMITIVES["exp"].opcode not in [code for code, _ in steps]


def test_pairs_against_least_squares():
    rng = np.random.default_rng(2)
    columns = rng.normal(size=(12, 30))
    columns /= np.linalg.norm(columns, axis=1)[:, None]
    b = rng.normal(size=30)
    b /= np.linalg.norm(b)
    complexity = np.ones(12, np.int64)
    found = _pairs(columns, columns @ b, complexity)
    explained = {}
    for i in range(12):
        for j in range(i + 1, 12):
            design = columns[[i, j]].T
            fit = design @ np.linalg.lstsq(design, b, rcond=None)[0]
            explained[i, j] = float(fit @ fit)
    best = sorted(explained, key=lambda pair: -explained[pair])[:3]
    assert [pair for _, pair in sorted(found, reverse=True)] == best
    for share, pair in found:
        assert share == pytest.approx(explained[pair])


def test_blocks_of_seeds_are_named(blocks):
    assert str(formula_of(blocks[0], 1)) == "x"
