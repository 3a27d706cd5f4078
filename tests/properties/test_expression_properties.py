"""Every formula reads back from its text and its JSON, and every backend computes the same."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from residuum.errors import UserError
from residuum.expressions.calculus import differentiate, terms
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import MAX_EXPONENT, Expression
from residuum.expressions.parser import parse
from residuum.expressions.primitives import FUNCTIONS, PRIMITIVES
from residuum.expressions.torch_evaluation import evaluate as evaluate_torch
from residuum.expressions.typeset import latex, mathml

finite = st.floats(allow_nan=False, allow_infinity=False)
numbers = finite.map(Expression.number)
names = st.sampled_from(["x", "y", "theta_t", "prey_a"]).map(Expression.variable)
exponents = st.integers(-MAX_EXPONENT, MAX_EXPONENT).map(Expression.integer)


def _negative(operand: Expression) -> Expression:
    """The sign of a constant belongs to the constant in every formula that `parse` gives."""
    return Expression.number(-operand.constants[0]) if operand.head == "#" else -operand


def _power(base: Expression, exponent: Expression) -> Expression:
    tower = "**" in exponent.tokens and not exponent.variables
    return base if tower else base**exponent


def _grow(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    unary = [name for name in FUNCTIONS if PRIMITIVES[name].arity == 1]
    apply = Expression.apply
    return st.one_of(
        st.builds(apply, st.sampled_from(["+", "-", "*", "/", "min", "max"]), inner, inner),
        st.builds(apply, st.sampled_from(sorted(unary)), inner),
        st.builds(_negative, inner),
        st.builds(_power, inner, inner | exponents),
    )


written = st.recursive(names | numbers, _grow, max_leaves=12)
"""Formulas in the image of `parse`."""

built = st.recursive(
    names | numbers | exponents,
    lambda inner: _grow(inner) | st.builds(lambda operand: -operand, inner),
    max_leaves=12,
)
"""Any formula: integer literals anywhere, signs as operators on constants."""

POINT = {"x": 0.7, "y": -1.3, "theta_t": 2.1, "prey_a": 0.2}


def _exponents(expression: Expression) -> list[Expression]:
    own = [expression.operands[1]] if expression.head == "**" else []
    return own + [part for operand in expression.operands for part in _exponents(operand)]


def bits(expression: Expression) -> list[str]:
    return [value.hex() for value in expression.constants]


@given(written)
def test_text_reads_back_exactly(expression: Expression) -> None:
    back = parse(expression.infix())
    assert back == expression
    assert bits(back) == bits(expression)


@given(built)
def test_any_text_reads_back_with_the_same_value(expression: Expression) -> None:
    towers = [t for t in _exponents(expression) if "**" in t.tokens and not t.variables]
    assume(not towers)
    back = parse(expression.infix())
    expected = evaluate(expression, POINT)
    np.testing.assert_allclose(evaluate(back, POINT), expected, rtol=1e-12)
    assert parse(back.infix()) == back


@given(built)
def test_json_reads_back_exactly(expression: Expression) -> None:
    back = Expression.from_json(json.loads(json.dumps(expression.to_json())))
    assert back == expression
    assert bits(back) == bits(expression)


@pytest.mark.parametrize("value", [-0.0, 5e-324, -2.2250738585072014e-308, 1e300, 0.1 + 0.2])
def test_odd_numbers_survive_text_and_json(value: float) -> None:
    expression = Expression.number(value) * Expression.variable("x")
    for back in (
        parse(expression.infix()),
        Expression.from_json(json.loads(json.dumps(expression.to_json()))),
    ):
        assert bits(back) == [value.hex()]


@settings(deadline=None)
@given(built)
def test_numpy_and_torch_agree(expression: Expression) -> None:
    tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in POINT.items()}
    found = evaluate_torch(expression, tensors).numpy()
    # A last digit grows under large exponents and near poles: allow for it where it is amplified.
    expected = evaluate(expression, POINT)
    nearby = evaluate(expression, {name: value * (1 + 1e-15) for name, value in POINT.items()})
    if np.isfinite(expected) and np.isfinite(found) and np.isfinite(nearby):
        slack = 1e4 * abs(nearby - expected) + 1e-9 * abs(expected)
        assert abs(found - expected) <= max(slack, 1e-300)


smooth = st.recursive(
    st.sampled_from(["x", "y"]).map(Expression.variable)
    | st.floats(0.2, 3.0).map(Expression.number),
    lambda inner: st.one_of(
        st.builds(Expression.apply, st.sampled_from(["+", "-", "*", "/"]), inner, inner),
        st.builds(Expression.apply, st.sampled_from(["sin", "cos", "tanh", "atan", "exp"]), inner),
        st.builds(lambda base, n: base ** Expression.integer(n), inner, st.integers(-3, 3)),
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(smooth)
def test_the_derivative_is_that_of_automatic_differentiation(expression: Expression) -> None:
    x = torch.tensor([0.3, 0.9, 1.7], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([1.1, 0.4, 2.3], dtype=torch.float64)
    value = evaluate_torch(expression, {"x": x, "y": y}) + 0.0 * x
    (expected,) = torch.autograd.grad(value.sum(), x)
    values = {"x": x.detach().numpy(), "y": y.numpy()}
    found = np.broadcast_to(evaluate(differentiate(expression, "x"), values), (3,))
    known = np.isfinite(found) & np.isfinite(expected.numpy())
    np.testing.assert_allclose(found[known], expected.numpy()[known], rtol=1e-7, atol=1e-9)


@settings(deadline=None)
@given(smooth)
def test_terms_sum_to_the_formula(expression: Expression) -> None:
    values = {"x": 0.7, "y": 1.3}
    parts = [coefficient * evaluate(term, values) for coefficient, term in terms(expression)]
    expected = evaluate(expression, values)
    if np.isfinite(expected):
        scale = max(1.0, *(abs(float(part)) for part in parts))
        assert abs(sum(parts) - expected) <= 1e-9 * scale


@given(built)
def test_every_formula_can_be_typeset(expression: Expression) -> None:
    assert latex(expression).count("{") == latex(expression).count("}")
    assert mathml(expression).endswith("</math>")


@given(st.text(max_size=40))
def test_any_text_is_a_formula_or_a_message(text: str) -> None:
    with contextlib.suppress(UserError):
        assert isinstance(parse(text), Expression)
