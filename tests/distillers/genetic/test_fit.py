"""One expression fitted to the limit of float64, and its arrays' round trip."""

import numpy as np
import pytest
from genetic_programs import NAMES, random_expression, table_for, values

from residuum.distillers.genetic.codes import expression_of, program_arrays
from residuum.distillers.genetic.fit import fit_expression
from residuum.distillers.regression import Table
from residuum.errors import UserError
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse


def made_by(text, rows=80, noise=0.0):
    table = table_for(rows)
    table.X[:] = np.abs(table.X) + 0.1
    y = evaluate(parse(text), dict(zip(NAMES, table.X.T, strict=True)))
    y = y + noise * np.random.default_rng(2).standard_normal(rows)
    return Table(NAMES, table.X, y, table.experiment)


@pytest.mark.parametrize(
    ("true", "start"),
    [
        ("2.5*x/(0.7 + x)", "1.0*x/(1.0 + x)"),
        ("1.5*exp(-(0.8*x)) + 0.2*y", "1.0*exp(-(0.3*x)) + 1.0*y"),
        ("0.3*x**1.7 + 1000000.0", "1.0*x**1.2 + 1.0"),
        ("1.3*(1 - exp(-(0.01*x)))", "1.0*(1 - exp(-(0.1*x)))"),
        ("3*x + 0.25*x**2 + 0.001*x**3", "3*x + 1.0*x**2 + 1.0*x**3"),
    ],
)
def test_without_noise_the_constants_are_exact(true, start):
    table = made_by(true)
    found = fit_expression(parse(start), table)
    assert found.loss <= 1e-26 * np.mean(table.y**2)
    np.testing.assert_allclose(found.expression.constants, parse(true).constants, rtol=1e-7)
    assert found.rank == len(found.expression.constants)


def test_several_starts_reach_what_one_does_not():
    table = made_by("sin(3.0*x)")
    poor = parse("sin(0.5*x)")
    one = fit_expression(poor, table)
    many = fit_expression(poor, table, starts=40, rng=np.random.default_rng(0))
    assert one.loss > 0.1
    assert many.loss < 1e-26
    assert abs(many.expression.constants[0]) == pytest.approx(3.0)


def test_covariance_of_a_straight_line():
    table = made_by("2.0*x + 0.5", noise=0.1)
    design = np.column_stack([table.X[:, 0], np.ones(80)])
    residual = table.y - design @ np.linalg.lstsq(design, table.y, rcond=None)[0]
    true = np.linalg.inv(design.T @ design) * (residual @ residual) / 78
    found = fit_expression(parse("1.0*x + 1.0"), table)
    np.testing.assert_allclose(found.covariance, true, rtol=1e-9)


def test_known_errors_give_the_covariance_its_size():
    plain = made_by("2.0*x + 0.5")
    table = Table(NAMES, plain.X, plain.y, plain.experiment, precision=np.full(80, 4.0))
    design = np.column_stack([table.X[:, 0], np.ones(80)])
    found = fit_expression(parse("1.0*x + 1.0"), table)
    np.testing.assert_allclose(found.covariance, np.linalg.inv(4 * design.T @ design), rtol=1e-9)


def test_dependent_constants_are_counted_and_have_no_covariance():
    found = fit_expression(parse("1.0*x + (0.1 + 0.2)"), made_by("2.0*x + 0.5"))
    assert found.rank == 2
    assert found.covariance is None
    assert found.loss < 1e-26


def test_a_formula_without_constants_and_one_without_values():
    table = made_by("x*y")
    assert fit_expression(parse("x*y"), table).loss == 0.0
    assert fit_expression(parse("log(x - 100.0)"), table).loss == np.inf


def test_losses_that_the_table_does_not_allow():
    table = made_by("x - x")
    for loss in ("relative", "logarithmic", "absolute"):
        with pytest.raises(UserError):
            fit_expression(parse("1.0*x"), table, loss=loss)


@pytest.mark.parametrize("seed", range(100))
def test_round_trip_of_arrays(seed):
    rng = np.random.default_rng(seed)
    expression = random_expression(rng, int(rng.integers(1, 25)))
    codes, args, constants = program_arrays(expression, NAMES)
    assert codes.dtype == args.dtype == np.int16
    assert expression_of(codes, args, len(codes), constants, NAMES) == expression


@pytest.mark.parametrize("value", [9999, -9999, 10_000, -123_456, 10**15 + 7, -(10**17)])
def test_large_literals_keep_their_value(value):
    table = table_for(5)
    np.testing.assert_array_equal(values(Expression.integer(value), table), float(value))


def test_unknown_names_are_said():
    with pytest.raises(UserError, match="unknown variable"):
        program_arrays(parse("1.0*q"), NAMES)
