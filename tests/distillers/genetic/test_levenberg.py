"""Fits against scipy, explicit whitening, dense solves; what cannot be identified stays."""

import numpy as np
import pytest
from genetic_programs import NAMES, table_for
from scipy.optimize import least_squares

from residuum.distillers.genetic.codes import program_arrays
from residuum.distillers.genetic.levenberg import fit
from residuum.distillers.genetic.workspace import data_of, make_work
from residuum.distillers.regression import Table
from residuum.expressions.evaluation import evaluate as by_numpy
from residuum.expressions.parser import parse


def fitted(text, table, *, wrap=0, linear=(1.0, 0.0), loss="squared", local=None, steps=100):
    """Return `(loss, evaluations, rank)`, constants `[E, k]` and linear of a compiled fit."""
    expression = parse(text)
    codes, args, constants = program_arrays(expression, table.variables)
    data, k = data_of(table, loss), len(constants)
    experiments = 1 if local is None else table.experiments
    mask = np.zeros(k, dtype=bool) if local is None else np.array(local)
    values = np.tile(constants, (experiments, 1))
    work = make_work(len(table.y), len(codes), max(k, 1), experiments, len(data.target))
    pair = np.array(linear, dtype=float)
    found = fit(codes, args, len(codes), values, mask, k, wrap, pair, data, steps, work)
    return found, values, pair


def model(text, table, constants):
    expression = parse(text).with_constants(constants)
    return by_numpy(expression, dict(zip(NAMES, table.X.T, strict=True)))


def noisy(text, rows=200, noise=0.05):
    table = table_for(rows)
    table.X[:] = np.abs(table.X) + 0.1
    values = model(text, table, parse(text).constants)
    y = values + noise * np.random.default_rng(1).standard_normal(rows)
    return Table(NAMES, table.X, y, table.experiment)


PROBLEMS = [
    ("2.0*x/(0.7 + x) + 0.3*y", "1.0*x/(1.0 + x) + 1.0*y"),
    ("1.5*exp(-(0.8*x)) + 0.2", "1.0*exp(-(0.3*x)) + 0.1"),
    ("1.2*sin(1.3*x + 0.4)*y**0.7", "1.0*sin(1.1*x + 0.2)*y**1.0"),
]


@pytest.mark.parametrize(("true", "start"), PROBLEMS)
def test_same_optimum_as_scipy(true, start):
    table = noisy(true)
    (loss, _, rank), values, _ = fitted(start, table)
    other = least_squares(
        lambda c: model(start, table, c) - table.y, parse(start).constants, xtol=1e-14, ftol=1e-14
    )
    assert rank == len(other.x)
    np.testing.assert_allclose(loss, 2.0 * other.cost / len(table.y), rtol=1e-9)
    np.testing.assert_allclose(values[0], other.x, rtol=1e-4)


@pytest.mark.parametrize("wrap", [1, 2])
def test_scale_and_offset_are_the_best_at_the_constants_found(wrap):
    table = noisy("2.0*x/(0.7 + x) + 0.3")
    (loss, _, rank), values, linear = fitted("x/(2.0 + x)", table, wrap=wrap, linear=(0.0, 0.0))
    core = model("x/(2.0 + x)", table, values[0])
    design = np.column_stack([core, np.ones_like(core)])[:, :wrap]
    best, squares, *_ = np.linalg.lstsq(design, table.y, rcond=None)
    np.testing.assert_allclose(linear[:wrap], best, rtol=1e-9)
    np.testing.assert_allclose(loss, squares[0] / len(table.y), rtol=1e-9)
    assert rank == 1 + wrap


def test_a_formula_without_constants_gets_scale_and_offset():
    table = noisy("2.0*x + 0.5", noise=0.0)
    (loss, evaluations, _), _, linear = fitted("x", table, wrap=2)
    np.testing.assert_allclose(linear, (2.0, 0.5), rtol=1e-12)
    assert loss < 1e-28
    assert evaluations == 1


def residuals(loss, f, table, elbow):
    w, y = np.sqrt(table.precision), table.y
    z = w * (f - y)
    if loss == "squared":
        return z
    if loss == "relative":
        return z / np.abs(y)
    if loss == "logarithmic":
        return w * np.log(f / y)
    if loss == "huber":
        beyond = np.sqrt(np.maximum(2 * elbow * np.abs(z) - elbow**2, 0.0))
        return np.where(np.abs(z) <= elbow, z, np.sign(z) * beyond)
    return w * np.sign(f - y) * np.sqrt(np.maximum(2 * (f - y + y * np.log(y / f)), 0.0))


@pytest.mark.parametrize("wrap", [0, 2])
@pytest.mark.parametrize("loss", ["squared", "relative", "logarithmic", "huber", "poisson"])
def test_every_loss_is_at_its_optimum(loss, wrap):
    text = "1.4*exp(-(0.8*x)) + 1.2"
    plain = noisy(text)
    y = plain.y.copy()
    y[::17] += 1.0
    weights = np.random.default_rng(3).uniform(0.5, 30.0, len(y))
    table = Table(NAMES, plain.X, y, plain.experiment, precision=weights)
    start = text if wrap == 0 else "exp(-(0.5*x))"
    (value, _, _), values, linear = fitted(start, table, loss=loss, wrap=wrap, linear=(1.0, 1.0))

    def by_hand(c):
        core = model(start, table, c[: values.shape[1]])
        f = core if wrap == 0 else c[-2] * core + c[-1]
        return residuals(loss, f, table, data_of(table, loss).elbow)

    found = np.concatenate([values[0], linear if wrap else []])
    other = least_squares(by_hand, found, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    np.testing.assert_allclose(value, np.mean(by_hand(found) ** 2), rtol=1e-10)
    np.testing.assert_allclose(value, 2.0 * other.cost / len(y), rtol=1e-6)


def test_poisson_is_smooth_where_the_formula_meets_the_counts():
    x = np.linspace(1.0, 2.0, 50)
    table = Table(NAMES, np.column_stack([x, x, x]), 3.0 * x, np.zeros(50, dtype=np.int64))
    (loss, _, _), values, _ = fitted("2.9*x", table, loss="poisson")
    assert loss < 1e-25
    np.testing.assert_allclose(values, 3.0, rtol=1e-12)


@pytest.mark.parametrize("wrap", [0, 2])
def test_correlated_errors_are_whitened(wrap):
    table, rng = noisy(PROBLEMS[0][0], rows=60), np.random.default_rng(5)
    whitening = rng.standard_normal((40, 60))
    target = whitening @ table.y
    white = Table(NAMES, table.X, table.y, table.experiment, None, whitening, target)
    start = PROBLEMS[0][1] if wrap == 0 else "x/(1.0 + x)"
    (loss, _, _), values, linear = fitted(start, white, wrap=wrap)
    k = values.shape[1]

    def by_hand(c):
        core = model(start, table, c[:k])
        return whitening @ (core if wrap == 0 else c[k] * core + c[k + 1]) - target

    first = [*parse(start).constants, *([1.0, 0.0] if wrap else [])]
    other = least_squares(by_hand, first, xtol=1e-15, ftol=1e-15)
    np.testing.assert_allclose(loss, 2.0 * other.cost / 60, rtol=1e-7)
    np.testing.assert_allclose([*values[0], *(linear if wrap else [])], other.x, rtol=1e-3)


@pytest.mark.parametrize("wrap", [0, 2])
def test_local_constants_as_in_a_dense_solve(wrap):
    text = "1.0*x/(0.7 + x)*exp(-(0.2*y))"
    table = noisy(text, rows=120)
    experiment = np.repeat(np.arange(4), [20, 50, 9, 41])
    growth = np.array([1.0, 1.4, 0.8, 1.1])[experiment]
    table = Table(NAMES, table.X, table.y * growth, experiment)
    start = text if wrap == 0 else "x/(0.7 + x)*exp(-(0.2*y))"
    local = [True, False, True] if wrap == 0 else [False, True]
    (loss, _, rank), values, linear = fitted(start, table, local=local, wrap=wrap)
    free, shared = np.flatnonzero(local), np.flatnonzero(~np.array(local))

    def by_hand(c):
        rows = np.empty((4, len(local)))
        rows[:, shared] = c[: len(shared)]
        rows[:, free] = c[len(shared) : len(shared) + 4 * len(free)].reshape(4, -1)
        f = np.empty(120)
        for e in range(4):
            f[experiment == e] = model(start, table, rows[e])[experiment == e]
        return (f if wrap == 0 else c[-2] * f + c[-1]) - table.y

    ends = linear if wrap else []
    found = np.concatenate([values[0, shared], values[:, free].ravel(), ends])
    other = least_squares(by_hand, found, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert rank == len(found)
    np.testing.assert_allclose(loss, np.mean(by_hand(found) ** 2), rtol=1e-10)
    np.testing.assert_allclose(loss, 2.0 * other.cost / 120, rtol=1e-6)
    assert np.all(values[:, shared] == values[0, shared])


def test_what_cannot_be_identified_is_left_where_it_is():
    table = noisy("2.0*x + 0.5", noise=0.0)
    (loss, _, rank), values, _ = fitted("1.0*x + (0.1 + 0.2)", table)
    assert rank == 2
    assert loss < 1e-25
    np.testing.assert_allclose(values[0], (2.0, 0.3, 0.2), rtol=1e-9)


def test_a_value_that_is_not_finite_is_an_infinite_loss():
    table = noisy("2.0*x")
    found, values, _ = fitted("log(1.0*x - 50.0)", table)
    assert found[0] == np.inf
    np.testing.assert_array_equal(values, [[1.0, 50.0]])


def test_steps_into_a_forbidden_region_are_refused():
    x = np.linspace(0.1, 1.0, 30)
    table = Table(NAMES, np.column_stack([x, x, x]), np.sqrt(x - 0.09), np.zeros(30, np.int64))
    (loss, _, _), values, _ = fitted("sqrt(x - 0.01)", table)
    assert loss < 1e-20
    np.testing.assert_allclose(values, 0.09, rtol=1e-6)


def test_correlated_errors_with_local_constants_are_refused():
    table = noisy("2.0*x", rows=10)
    white = Table(NAMES, table.X, table.y, np.repeat([0, 1], 5), None, np.eye(10), table.y)
    assert fitted("1.0*x", white, local=[True])[0][0] == np.inf
