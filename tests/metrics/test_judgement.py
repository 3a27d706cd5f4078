"""Each measure gives the right verdict on the traps that a rule by computer algebra falls into."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.distillers.regression import Table
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.metrics.judgement import judge

YES, NO = True, False


def clean(truth, low=0.2, high=3.0, n=120, names=("x", "y", "z")):
    X = np.random.default_rng(0).uniform(low, high, (n, len(names)))
    y = evaluate(truth, dict(zip(names, X.T, strict=True)))
    return Table.of(names, X, np.broadcast_to(y, n).astype(float))


def verdict(found, truth, **box):
    truth = parse(truth)
    return judge(parse(found), truth, clean(truth, **box), rng=np.random.default_rng(1))


@pytest.mark.parametrize(
    ("truth", "found", "numeric", "exact", "structural"),
    [
        ("x", "x + 5", NO, NO, NO),
        ("2*x", "3.7*x", NO, NO, YES),  # the skeleton is right, the number is not
        ("x", "3.7*x", NO, NO, NO),
        ("x", "0", NO, NO, NO),
        ("x", "1.5", NO, NO, NO),
        ("0.00005*x", "0", NO, NO, NO),
        ("6.67e-11*x*y/z**2", "9.9e-5*sin(x)", NO, NO, NO),
        ("6.67e-11*x*y/z**2", "6.67e-11*y*x/(z*z)", YES, YES, YES),
        ("sqrt(x**2)", "x", YES, YES, YES),  # for positive x
        ("log(x*y)", "log(x) + log(y)", YES, YES, YES),
        ("sin(x)**2", "(1 - cos(2*x))/2", YES, YES, NO),  # twice the size
        ("exp(x)*exp(y)", "exp(x + y)", YES, YES, YES),
        ("x/(1 + y)", "x/(1.0004 + y)", NO, NO, YES),
        ("1/(x + 1)", "1/(x + 1.1)", NO, NO, YES),
        ("sin(x)", "cos(x - 1.5707963)", YES, YES, YES),
        ("2*sin(3*x)", "2*cos(3*x - 1.57079632)", YES, YES, YES),
        ("tanh(x)", "(exp(2*x) - 1)/(exp(2*x) + 1)", YES, YES, NO),
        ("x**2/(1 + x**2)", "1 - 1/(1 + x**2)", YES, YES, YES),
        ("x**0.5", "sqrt(x)", YES, YES, YES),
        ("x**2", "x**2.0000001", YES, YES, YES),
        ("20-x-x*y/(1+0.5*x**2)", "20-0.9996*x-1.9997*x*y/(2.0005+x**2)", NO, NO, YES),
        ("x*(4 - x - y/(1 + x))", "4*x - x**2 - x*y/(1 + x)", YES, YES, YES),
        ("x*y", "1.0000001*x*y + 0.0000001", YES, YES, YES),
        ("x*y", "x*y + 0.1*x", NO, NO, NO),
        ("x*y", "x*x*y*y/(x*y)", YES, YES, YES),
        ("2*x + 2*y", "2.0000001*x + 1.9999999*y", YES, YES, YES),
        ("x - cos(y)/x", "(2.7e-8*x - cos(y))/x + x - 2.7e-8", YES, YES, YES),
        ("sqrt(x)*y", "1.0000001*x**0.49999999*y", YES, YES, YES),
        ("x*y", "0.5*(2.0000001*x)*y", YES, YES, YES),
        ("x + y", "x + y + z", NO, NO, NO),
        ("3", "3.1", NO, NO, YES),
    ],
)
def test_traps(truth, found, numeric, exact, structural):
    judged = verdict(found, truth)
    assert (judged.numeric, judged.exact, judged.structural) == (numeric, exact, structural)


def test_a_root_of_a_square_is_not_its_base_where_signs_change():
    judged = verdict("x", "sqrt(x**2)", low=-3.0)
    assert not judged.numeric
    assert not judged.exact
    assert not judged.structural


def test_a_moved_pole_is_seen():
    judged = verdict("1/(x - 1)", "1/(x - 1.0001)", low=0.0, high=2.0)
    assert not judged.exact
    assert judged.structural


def test_every_formula_is_itself():
    for text in ("x", "2", "x*y/z", "sin(x*y) + 3", "max(x, y)", "x**y"):
        judged = verdict(text, text)
        assert judged.numeric
        assert judged.exact
        assert judged.structural
        assert judged.distance == 0.0
        assert judged.terms.f1 == 1.0


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_units_do_not_matter(scale):
    truth, found = f"{2.5 * scale!r}*x/(1 + 0.5*y)", f"{2.4 * scale!r}*x/(1 + 0.6*y)"
    judged = verdict(found, truth)
    assert judged.structural
    assert not judged.numeric
    assert not verdict(f"{2.4 * scale!r}*x*y", truth).structural


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_units_of_the_argument_do_not_matter(scale):
    judged = verdict(
        f"exp({-2 / scale!r}*x)", f"exp({-1 / scale!r}*x)", low=0.2 * scale, high=3.0 * scale
    )
    assert judged.structural


def test_noise_says_what_an_idle_number_is():
    truth = parse("x*y")
    table = clean(truth)
    found = parse("1.01*x*y - 0.005")
    strict = judge(found, truth, table, rng=np.random.default_rng(1))
    loose = judge(found, truth, table, rng=np.random.default_rng(1), slack=0.03)
    assert not strict.structural
    assert loose.structural
    far = judge(parse("x*y + 5"), truth, table, rng=np.random.default_rng(1), slack=0.03)
    assert not far.structural


def test_constants_snap_within_their_intervals():
    truth, found = parse("2*x"), parse("2.01*x")
    table = clean(truth)
    for interval, expected in (((1.98, 2.04), True), ((2.005, 2.015), False)):
        judged = judge(found, truth, table, rng=np.random.default_rng(1), intervals=[interval])
        assert judged.exact is expected


def test_an_unknown_variable_or_a_formula_without_values_is_not_recovered():
    truth = parse("x")
    table = clean(truth)
    for text in ("w", "log(-x)", "1/(x - x)"):
        judged = judge(parse(text), truth, table, rng=np.random.default_rng(1))
        assert not any((judged.numeric, judged.exact, judged.structural))
        assert judged.unexplained == np.inf
