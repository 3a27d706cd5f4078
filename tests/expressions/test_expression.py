"""Formulas as values: tokens, parts, substitution, text and JSON."""

from __future__ import annotations

import pytest

from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse

X, Y = Expression.variable("x"), Expression.variable("y")


def test_tokens_and_constants() -> None:
    expression = Expression.number(2.5) * X ** Expression.integer(2)
    assert expression.tokens == ("*", "#", "**", "x", "2")
    assert expression.constants == (2.5,)
    assert hash(expression) == hash(parse("2.5*x**2"))


@pytest.mark.parametrize(
    "tokens", [(), ("+", "x"), ("x", "y"), ("x y",), ("sin",), ("@",), ("2.5",), ("__import__()",)]
)
def test_refuses_what_is_not_one_formula(tokens: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"token|formula"):
        Expression(tokens)


def test_refuses_a_wrong_number_of_constants() -> None:
    with pytest.raises(ValueError, match="expected 1 constants, found 2"):
        Expression(("#",), (1.0, 2.0))


def test_operands_keep_their_constants() -> None:
    left, right = parse("2.0*x - 3.0*y*4.0").operands
    assert (left, right) == (parse("2.0*x"), parse("3.0*y*4.0"))


def test_substitution_is_simultaneous() -> None:
    assert parse("x - 2.0*y").substitute({"x": Y, "y": X + Y}) == parse("y - 2.0*(x + y)")


def test_complexity_counts_tokens_by_the_table() -> None:
    assert parse("2.0*x + sin(y)").complexity == 1 + 3 + (2 + 1)


def test_variables_in_order_of_appearance() -> None:
    assert parse("y*x + y").variables == ("y", "x")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (X - (X - Y), "x - (x - y)"),
        ((X - X) - Y, "x - x - y"),
        (X / (X * Y), "x/(x*y)"),
        (-(X ** Expression.integer(2)), "-x**2"),
        ((-X) ** Expression.integer(2), "(-x)**2"),
        (X ** Expression.integer(-2), "x**(-2)"),
        (X ** (Y**X), "x**(y**x)"),
        (Expression.number(-2.0) ** X, "(-2.0)**x"),
        (X - Expression.number(-2.0), "x - -2.0"),
        (Expression.apply("max", X, -Y), "max(x, -y)"),
    ],
)
def test_infix_binds_as_python_does(expression: Expression, text: str) -> None:
    assert expression.infix() == text
    assert parse(text) == expression


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"tokens": "x"},
        {"tokens": ["x", 1]},
        {"tokens": ["#"], "constants": ["1"]},
        {"tokens": ["#"], "constants": [True]},
        {"tokens": ["#"], "constants": {"0": 1.0}},
        {"tokens": ["#"], "constants": None},
        {"tokens": ["x;y"]},
    ],
)
def test_json_that_is_not_a_formula_is_refused(row: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"expected|token"):
        Expression.from_json(row)
