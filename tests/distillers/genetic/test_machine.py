"""Values and Jacobians of random programs, against numpy and finite differences."""

import numpy as np
import pytest
from genetic_programs import NAMES, random_expression, table_for, values

from residuum.distillers.genetic.codes import program_arrays
from residuum.distillers.genetic.levenberg import fit
from residuum.distillers.genetic.workspace import data_of, make_work
from residuum.expressions.evaluation import evaluate as by_numpy
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.expressions.primitives import FUNCTIONS, PRIMITIVES

ROWS = 133  # two blocks, the second odd
COLUMNS = np.array([1.0, -2.0, 3.0])


def numpy_values(expression, table):
    found = by_numpy(expression, dict(zip(NAMES, table.X.T, strict=True)))
    return np.broadcast_to(found, len(table.y))


def jacobian(expression, table, **changed):
    """The compiled Jacobian `[n, k]`: one step of a copy leaves it in the scratch."""
    codes, args, constants = program_arrays(expression, table.variables)
    k, n = len(constants), len(table.y)
    work = make_work(n, len(codes), k, 1)._replace(**changed)
    none, linear = np.zeros(k, dtype=bool), np.array([1.0, 0.0])
    data = data_of(table)
    fit(codes, args, len(codes), constants[None].copy(), none, k, 0, linear, data, 1, work)
    stride = (n + 7) // 8 * 8
    return work.adjoint[: k * stride].reshape(k, stride)[:, :n].T


def differences(expression, table, index, width=1e-5):
    """Derivative by one constant, of fourth order."""

    def at(shift):
        constants = list(expression.constants)
        constants[index] += shift
        return numpy_values(expression.with_constants(constants), table)

    with np.errstate(all="ignore"):
        near, far = at(width) - at(-width), at(2 * width) - at(-2 * width)
        return (8.0 * near - far) / (12.0 * width)


@pytest.mark.parametrize("seed", range(150))
def test_values_are_those_of_numpy(seed):
    rng = np.random.default_rng(seed)
    table = table_for(ROWS, seed)
    expression = random_expression(rng, int(rng.integers(1, 20)))
    found, true = values(expression, table), numpy_values(expression, table)
    # wild formulas magnify the last digit: compare where that of the arguments hardly matters
    tame, outside = np.abs(true) < 1e6, np.isnan(true)
    decided = np.ones(len(true), bool)
    for shift in (1e-14, -1e-14, 3e-14, -7e-14):
        near = type(table)(NAMES, table.X * (1.0 + shift * COLUMNS), table.y, table.experiment)
        with np.errstate(all="ignore"):
            moved = numpy_values(expression, near)
            tame &= np.abs(moved - true) < 1e-11 * (1.0 + np.abs(true))
        decided &= np.isnan(moved) == outside
    assert decided.mean() > 0.8
    np.testing.assert_array_equal(np.isnan(found)[decided], outside[decided])
    tame &= ~np.isnan(found)
    np.testing.assert_allclose(found[tame], true[tame], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "**", "min", "max"])
@pytest.mark.parametrize("left", ["x", "0.7", "x*0.3", "2", "0.7*1.3"])
@pytest.mark.parametrize("right", ["y", "1.3", "y + 0.4", "3", "0.7*1.3"])
def test_derivatives_of_every_pair_of_operands(symbol, left, right):
    expression = Expression.apply(symbol, parse(left), parse(right))
    if symbol in ("min", "max") and left == right:
        pytest.skip("no derivative where both are equal")
    _same_derivatives(expression)


@pytest.mark.parametrize(
    "text",
    [f"{name}(0.3*x + 0.1)" for name in sorted(FUNCTIONS) if PRIMITIVES[name].arity == 1]
    + ["-(0.3*x)", "(0.4*x + 1.5)**3", "(0.4*x + 1.5)**-2", "(0.3*x)**1", "(x*0.2)**0", "0.3", "x"]
    + ["sin(0.3*x)*exp(0.2*y)/(1.5 + cos(0.7*z))", "(x*0.5 - 0.2) - (y*0.1 + 0.3)"],
)
def test_derivatives_of_every_operator(text):
    _same_derivatives(parse(text))


def _same_derivatives(expression):
    table = table_for(ROWS)
    table.X[:] = np.abs(table.X) + 0.05
    if not expression.constants:
        return
    if not np.all(np.isfinite(numpy_values(expression, table))):
        table.X[:] = table.X / 4.0
    found = jacobian(expression, table)
    for k in range(len(expression.constants)):
        true = differences(expression, table, k)
        if expression.head in ("min", "max"):
            smooth = np.abs(differences(expression, table, k, 1e-6) - true) < 1e-6
            np.testing.assert_allclose(found[smooth, k], true[smooth], rtol=1e-6, atol=1e-8)
        else:
            np.testing.assert_allclose(found[:, k], true, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("seed", range(100))
def test_derivatives_of_random_formulas(seed):
    rng = np.random.default_rng(1000 + seed)
    table, expression = table_for(ROWS, seed), random_expression(rng, 15)
    true = numpy_values(expression, table)
    if not expression.constants or not np.all(np.isfinite(true)):
        return
    found = jacobian(expression, table)
    for k in range(len(expression.constants)):
        exact, rough = differences(expression, table, k), differences(expression, table, k, 1e-4)
        # only where the difference quotient itself has converged, and nothing overflows
        sure = (
            np.isfinite(exact)
            & np.isfinite(found[:, k])
            & (np.abs(exact - rough) < 1e-6 * (1e-2 + np.abs(exact)))
        )
        np.testing.assert_allclose(found[sure, k], exact[sure], rtol=1e-4, atol=1e-5)


def test_a_constant_used_twice_gets_the_sum_of_its_derivatives():
    codes, args, _ = program_arrays(parse("1.0*x + sin(1.0*y)"), NAMES)
    args[codes == 1] = 0
    table, work = table_for(ROWS), make_work(ROWS, 16, 1, 1)
    fit(
        codes, args, len(codes), np.array([[0.7]]), np.zeros(1, bool), 1, 0,
        np.array([1.0, 0.0]), data_of(table), 1, work,
    )  # fmt: skip
    x, y = table.X[:, 0], table.X[:, 1]
    np.testing.assert_allclose(work.adjoint[:ROWS], x + y * np.cos(0.7 * y), rtol=1e-12)


def test_values_that_are_not_kept_give_the_same_jacobian():
    expression = parse("sin(0.3*x)*exp(0.2*y)/(1.5 + cos(0.7*z))")
    table = table_for(700)
    whole, small = jacobian(expression, table), np.zeros(136 * 20)
    np.testing.assert_array_equal(jacobian(expression, table, values=small), whole)


def test_nothing_is_protected():
    table = table_for(50)
    table.X[0] = (0.0, 0.0, 0.0)
    assert np.isinf(values(parse("1/x"), table)[0])
    assert np.isnan(values(parse("x/y"), table)[0])
    assert np.isnan(values(parse("log(x - 10)"), table)).all()
    assert np.isnan(values(parse("sqrt(x - 10)"), table)).all()
    assert np.isinf(values(parse("exp(1000 + x)"), table)).all()


def test_sine_of_huge_arguments():
    table = table_for(50)
    found = values(parse("sin(1000000000000*x)"), table)
    np.testing.assert_allclose(found, np.sin(1e12 * table.X[:, 0]), rtol=1e-12)


def test_experiments_have_constants_of_their_own():
    from residuum.distillers.genetic.machine import evaluate

    table = table_for(60)
    table = type(table)(NAMES, table.X, table.y, np.repeat([0, 1, 2], [5, 40, 15]))
    codes, args, _ = program_arrays(parse("1.0*x"), NAMES)
    out, constants = np.empty(60), np.array([[1.0], [2.0], [3.0]])
    evaluate(codes, args, 3, constants, data_of(table), make_work(60, 3, 1, 3), out)
    np.testing.assert_array_equal(out, table.X[:, 0] * np.repeat([1.0, 2.0, 3.0], [5, 40, 15]))
