"""Every row of the primitive table means the same in every backend."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import sympy
import torch

from residuum.errors import UserError
from residuum.expressions.calculus import differentiate
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.expressions.primitives import FUNCTIONS, PRIMITIVES
from residuum.expressions.symbolic import to_sympy
from residuum.expressions.torch_evaluation import evaluate as evaluate_torch
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter

X = np.array([-1.7, -0.6, -0.2, 0.3, 0.8, 1.4])
Y = np.array([0.5, 1.2, -0.7, 0.3 + 1e-9, -1.1, 2.0])
UNITS = {"same", "product", "quotient", "power", "keep", "root", "dimensionless", "sign"}


def formula(symbol: str) -> Expression:
    names = ("x", "y")[: PRIMITIVES[symbol].arity]
    return Expression.apply(symbol, *map(Expression.variable, names))


@pytest.fixture(params=PRIMITIVES)
def symbol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_numpy_and_torch_agree_inside_and_outside_the_domain(symbol: str) -> None:
    found = evaluate_torch(formula(symbol), {"x": torch.tensor(X), "y": torch.tensor(Y)})
    np.testing.assert_allclose(
        found.numpy(), evaluate(formula(symbol), {"x": X, "y": Y}), rtol=1e-14, equal_nan=True
    )


def test_numpy_and_sympy_agree_and_outside_the_domain_there_is_nan(symbol: str) -> None:
    values = evaluate(formula(symbol), {"x": X, "y": Y})
    for x, y, value in zip(X, Y, values, strict=True):
        point = {sympy.Symbol(n, real=True): sympy.Float(v) for n, v in (("x", x), ("y", y))}
        exact = sympy.N(to_sympy(formula(symbol)).subs(point), 30)
        if exact.is_real:
            assert value == pytest.approx(float(exact), rel=1e-13)
        else:
            assert np.isnan(value)


def test_the_derivative_is_that_of_automatic_differentiation(symbol: str) -> None:
    expression = formula(symbol)
    tensors = {n: torch.tensor(v, requires_grad=True) for n, v in (("x", X), ("y", Y))}
    value = evaluate_torch(expression, tensors)
    for name in expression.variables:
        (expected,) = torch.autograd.grad(value.sum(), tensors[name], retain_graph=True)
        slope = evaluate(differentiate(expression, name), {"x": X, "y": Y})
        inside = np.isfinite(value.detach().numpy())
        found = np.broadcast_to(slope, X.shape)[inside]
        np.testing.assert_allclose(found, expected.numpy()[inside], rtol=1e-12, atol=1e-300)


def test_names_and_complexities(symbol: str) -> None:
    row = PRIMITIVES[symbol]
    assert row.complexity >= 1
    assert row.units in UNITS
    assert row.symbol == symbol
    assert formula(symbol).complexity == row.complexity + row.arity


def test_what_can_be_called_can_be_written(symbol: str) -> None:
    assert parse(formula(symbol).infix()) == formula(symbol)
    assert (symbol in FUNCTIONS) == (symbol.isalpha() and symbol != "neg")


def test_every_rule_of_units_is_applied(symbol: str) -> None:
    expression = formula(symbol)
    rule = PRIMITIVES[symbol].units
    unit = "1" if rule in ("dimensionless", "power") else "m2"
    problem_units = {"t": "s", "x": unit, "y": unit}
    equations = {"x_t": f"k*({expression.infix()})", "y_t": "c*y"}
    parameters = {name: Parameter(name) for name in ("k", "c")}
    read_problem(equations, parameters=parameters, units=problem_units)
    refuses = rule in ("same", "dimensionless", "power")
    with pytest.raises(UserError, match="units do not fit") if refuses else nullcontext():
        read_problem(equations, parameters=parameters, units={"t": "s", "x": "m", "y": "kg"})
