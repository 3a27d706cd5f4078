"""Rules make formulas shorter without changing what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.expressions.primitives import FUNCTIONS, PRIMITIVES
from residuum.expressions.simplification import absorb_scales, simplify_rules, skeleton

SHORTER = {
    "2.0*(3.0*x)": "6.0*x",
    "(2.0*x)**2": "4.0*x**2",
    "sqrt(4.0*x)": "2.0*sqrt(x)",
    "log(x/2.0) + log(2.0)": "log(x)",
    "exp(2.0 + x)/exp(2.0)": "exp(x)",
    "(2.0*x + 3.0)*1.5": "3.0*x + 4.5",
    "2.0/(4.0*x + 8.0*y)": "0.5/(x + 2.0*y)",
    "(2.0*x + 3.0)/(4.0*x + 5.0)": "0.5*(x + 1.5)/(x + 1.25)",
    "x - x": "0",
    "x/x": "1",
    "x*1.0 + 0.0": "x",
    "-(-x)": "x",
    "x*x": "x**2",
    "x*x**2": "x**3",
    "x/x**2": "1/x",
    "(x/y)/z": "x/(y*z)",
    "x*y/(y*z)": "x/z",
    "2.0*x + 3.0*x": "5.0*x",
    "x + x + x": "3*x",
    "-2.0*sin(-x)": "2.0*sin(x)",
    "cos(-x - y)": "cos(x + y)",
    "sqrt(x)**2": "x",
    "sqrt(x**2)": "abs(x)",
    "abs(-2.0*x)**2": "4.0*x**2",
    "exp(log(x))": "x",
    "log(exp(x))": "x",
    "exp(-x)/exp(x)": "exp(-2*x)",
    "sqrt(x)*sqrt(y)": "sqrt(x*y)",
    "sin(asin(x))": "x",
    "x*y + x*z": "x*(y + z)",
    "tanh(x)**2 - tanh(x)*tanh(x)": "0",
    "sqrt(2)*x*3.0": "4.242640687119286*x",
    "x**2.0": "x**2",
    "2.0*3.0 - sin(0.0)": "6.0",
    "max(x, x) - min(y, y)": "x - y",
    "(x - y)*(y - x)": "-(x - y)**2",
}


@pytest.mark.parametrize(("text", "shorter"), SHORTER.items())
def test_known_rules(text, shorter):
    assert simplify_rules(parse(text)).infix() == shorter


@pytest.mark.parametrize("text", ["1e200*x*1e200", "(1e-200*x)**2", "exp(800.0 + x)"])
def test_constants_that_would_overflow_are_left_alone(text):
    assert simplify_rules(parse(text)) == parse(text)


@pytest.mark.parametrize("text", ["x/0.0", "sqrt(-2.0)*x", "log(-1.0) + x", "0.0**-1", "0.0/0.0"])
def test_what_has_no_value_gets_none(text):
    found = evaluate(simplify_rules(parse(text)), {"x": 2.0})
    np.testing.assert_equal(found, evaluate(parse(text), {"x": 2.0}))


@pytest.mark.parametrize(
    ("text", "scales", "expected"),
    [
        ("2.0*v/(3.0 + w)", {"v": 4.0, "w": 0.5}, "0.25*v/(w + 1.5)"),
        ("2.0*v*w**2", {"v": 4.0, "w": 0.5}, "2.0*v*w**2"),
        ("v/(1.0 + v)", {"v": 8.0}, "v/(v + 8.0)"),
        ("v + w", {"v": 1.0}, "v + w"),
        ("3.0*exp(0.5*v) + w", {"v": 2.0}, "3.0*exp(0.25*v) + w"),
        ("log(v) + 1.0*w", {"v": 2.0}, "log(v) + w - 0.6931471805599453"),
    ],
)
def test_scales_go_into_constants_nearby(text, scales, expected):
    found = absorb_scales(parse(text), scales)
    wanted = parse(expected)
    assert skeleton(found) == skeleton(wanted)
    assert sorted(found.constants) == pytest.approx(sorted(wanted.constants))


def test_the_scale_of_the_value_joins_the_others():
    assert absorb_scales(parse("3.0*x"), {"x": 2.0}, scale=4.0).infix() == "6.0*x"


@pytest.mark.parametrize("scale", [0.0, float("inf"), float("nan")])
def test_a_scale_is_a_number(scale):
    with pytest.raises(ValueError, match="x: expected a finite scale"):
        absorb_scales(parse("x"), {"x": scale})


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("2.0*x + y", "y - 3.5*x"),
        ("a*b*c*1.5", "c*(b*(2.0*a))"),
        ("(x + y)*(x - 2.0)", "(-3.0 + x)*(y + x)"),
        ("2.0/(3.0*x + 4.0*y)", "1.0/(y + 2.5*x)*5.5"),
        ("2.0*x*y/(1.0 + 3.0*y)", "x*y/(2.0 + y)*4.0"),
    ],
)
def test_equal_skeletons(a, b):
    assert skeleton(parse(a)) == skeleton(parse(b))


@pytest.mark.parametrize(
    ("a", "b"), [("x", "2.0*x"), ("x + 1.5", "x"), ("x - y", "x + y"), ("x + x", "x + x + x")]
)
def test_different_skeletons(a, b):
    assert skeleton(parse(a)) != skeleton(parse(b))


numbers = st.floats(0.1, 8.0).map(lambda c: Expression.number(round(c, 3)))
leaves = st.one_of(
    st.sampled_from(["x", "y", "z"]).map(Expression.variable),
    numbers,
    numbers.map(lambda e: Expression.number(-e.constants[0])),
    st.integers(-3, 3).map(Expression.integer),
)


def grown(inner):
    unary = sorted(f for f in FUNCTIONS if PRIMITIVES[f].arity == 1)
    return st.one_of(
        st.builds(Expression.apply, st.sampled_from(["+", "-", "*", "/"]), inner, inner),
        st.builds(Expression.apply, st.sampled_from(["+", "-", "*", "/"]), inner, inner),
        st.builds(Expression.apply, st.sampled_from(["min", "max", "**"]), inner, inner),
        st.builds(Expression.apply, st.sampled_from([*unary, "neg"]), inner),
        st.builds(lambda e, n: e ** Expression.integer(n), inner, st.integers(-3, 4)),
        st.builds(lambda e: e ** Expression.number(1.7), inner),
    )


formulas = st.recursive(leaves, grown, max_leaves=10)
POINTS = np.random.default_rng(3).uniform(-3.0, 3.0, size=(3, 40))
POINTS[:, 20:] = np.abs(POINTS[:, 20:])
VALUES = dict(zip("xyz", POINTS, strict=True))


@np.errstate(all="ignore")
def stable(expression: Expression) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, how much rounding moves them, and where they are defined and can be compared."""
    value = np.broadcast_to(evaluate(expression, VALUES), (40,))
    moved = []
    generator = np.random.default_rng(0)
    for _ in range(6):
        values = {k: v * (1 + 1e-11 * generator.choice([-1, 1], 40)) for k, v in VALUES.items()}
        shifted = [c * (1 + 1e-11 * generator.choice([-1, 1])) for c in expression.constants]
        moved.append(np.broadcast_to(evaluate(expression.with_constants(shifted), values), (40,)))
    with np.errstate(all="ignore"):
        error = np.abs(np.array(moved) - value).max(axis=0)
        usable = np.isfinite(value) & np.isfinite(error) & (error <= 1e-4 * (1e-9 + np.abs(value)))
    for part in expression.walk():
        size = np.broadcast_to(np.abs(evaluate(part, VALUES)), (40,))
        usable = usable & (size < 1e8) & ((size > 1e-8) | (size == 0))
    return value, error, usable


@np.errstate(all="ignore")
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(formulas)
def test_value_stays_and_size_never_grows(expression):
    simple = simplify_rules(expression)
    assert simple.complexity <= expression.complexity
    assert len(simple.constants) <= len(expression.constants)
    value, error, usable = stable(expression)
    found = np.broadcast_to(evaluate(simple, VALUES), (40,))
    allowed = 1e-9 * np.abs(value) + 100 * error + 1e-12
    assert np.all(np.abs(found - value)[usable] <= allowed[usable])


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(formulas)
def test_twice_is_once(expression):
    simple = simplify_rules(expression)
    assert simplify_rules(simple) == simple
    assert skeleton(simple) == skeleton(expression)
