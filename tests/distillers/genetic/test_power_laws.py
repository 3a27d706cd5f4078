"""Power laws to start from, alone and times a function of a block."""

from __future__ import annotations

import numpy as np
import pytest
from genetic_scenes import NAMES, language_of, no_units, values_at
from test_blocks import OPERATORS, PROBES, costs, stock
from test_seeding import ALL, decoded, misfit

from residuum.distillers.genetic.blocks import build_blocks
from residuum.distillers.genetic.power_laws import factored_laws, power_laws
from residuum.distillers.genetic.trees import EXP
from residuum.distillers.regression import Table
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.metrics.refitting import refit


@pytest.fixture(scope="module")
def blocks():
    return stock(most=900)[0]


@pytest.mark.parametrize(
    "law", ["x**2/y", "x*y*z", "sqrt(x)*y", "sqrt(x*y)/z**2", "x**3*y**(-1)", "-2.0*x/z"]
)
def test_power_laws(law):
    y = values_at(parse(law), PROBES)
    found = [decoded(steps) for steps in power_laws(PROBES, y, True)]
    assert min(misfit(formula, y) for formula in found) < 1e-10


def test_no_power_law_of_zeros():
    assert list(power_laws(PROBES, np.zeros(PROBES.shape[1]), True)) == []


@pytest.mark.parametrize(
    "law",
    [
        "x**3/(exp(1.7*y/x) - 1)",
        "x**3/(exp(y/x) - 1)",
        "y*z/(exp(0.8*x) + 1)",
        "x**2*exp(-2.3*y/z)",
        "x*y/sqrt(1 - 0.05*z**2)",
        "x/(1 + 3.1*y)",
        "z**2*sin(1.3*x)",
        "-2.0*x*cos(0.7*z)",
    ],
)
def test_power_laws_with_a_factor(law, blocks):
    y = values_at(parse(law), PROBES)
    table = Table.of(NAMES, PROBES.T, y)
    rng = np.random.default_rng(0)
    left = [
        refit(Expression.number(1.1) * decoded(steps), table, rng=rng, starts=1)[1]
        for steps in factored_laws(PROBES, y, blocks, ALL)
    ]
    assert min(left) < 1e-16 * np.mean(y**2)


def test_a_factor_far_below_the_median_block():
    # Planck's law over many powers of ten: h*nu/(k*T) is small nearly everywhere.
    rng = np.random.default_rng(4)
    X = np.vstack([10.0 ** rng.uniform(-6, 4, 80), rng.uniform(0.4, 2.0, (2, 80))])
    law = "x**3/(exp(0.06*x/y) - 1)"
    y = evaluate(parse(law), dict(zip(NAMES, X, strict=True)))
    blocks = build_blocks(X, language_of(OPERATORS), no_units(), costs(), most=900, seed=3)[0]
    table = Table.of(NAMES, X.T, y)
    left = [
        refit(Expression.number(1.1) * decoded(steps), table, rng=rng, starts=1)[1]
        for steps in factored_laws(X, y, blocks, ALL)
    ]
    assert min(left) < 1e-16 * np.mean(y**2)


def test_factors_use_allowed_operators_only(blocks):
    y = values_at(parse("x**2*exp(-2.3*y/z)"), PROBES)
    seeds = list(factored_laws(PROBES, y, blocks, ALL - {EXP}))
    assert seeds
    plain = [steps for steps in seeds if "exp" not in decoded(steps).tokens]
    assert len(plain) > 0.5 * len(seeds)


def test_no_factored_law_of_zeros(blocks):
    assert list(factored_laws(PROBES, np.zeros(PROBES.shape[1]), blocks, ALL)) == []
