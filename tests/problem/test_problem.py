"""A problem completed, brought to first order, and differentiated."""

from __future__ import annotations

import pytest

from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter


def test_complete_puts_formulas_in_the_place_of_calls() -> None:
    problem = read_problem({"x_t": "-f(x, y)", "y_t": "y*f(y, x) - x"})
    completed = problem.complete({"f": parse("arg1**2 - 0.5*arg2")})
    assert completed["x"] == parse("-(x**2 - 0.5*y)")
    assert completed["y"] == parse("y*(y**2 - 0.5*x) - x")


def test_complete_substitutes_all_arguments_at_once() -> None:
    problem = read_problem({"x_t": "f(x=y, y=x)", "y_t": "x"})
    assert problem.complete({"f": parse("x - y")})["x"] == parse("y - x")


def test_complete_wants_a_formula_in_the_formal_arguments_for_every_term() -> None:
    problem = read_problem({"x_t": "f(x)", "y_t": "x"})
    with pytest.raises(ValueError, match="formula for hidden term 'f'"):
        problem.complete({})
    with pytest.raises(ValueError, match="expected only x"):
        problem.complete({"f": parse("x*y")})


def test_first_order_of_a_second_order_equation() -> None:
    problem = read_problem({"theta_tt": "-theta", "x_t": "theta_t"})
    rhs = {equation.state: equation.rhs for equation in problem.equations}
    assert problem.first_order(rhs) == (parse("theta_t"), parse("-theta"), parse("theta_t"))


def test_partials_agree_with_differences() -> None:
    problem = read_problem(
        {"x_t": "k*x*f(x - y) + sin(y)**2", "y_t": "-y"}, parameters={"k": Parameter("k")}
    )
    values = {"x": 0.7, "y": 0.4, "k": 1.9, "f@0": -0.6}
    rhs, step = problem.equation("x").rhs, 1e-6
    for name in values:
        ahead, behind = (
            evaluate(rhs, {**values, name: values[name] + sign * step}) for sign in (1, -1)
        )
        expected = (ahead - behind) / (2 * step)
        assert evaluate(problem.partials["x"][name], values) == pytest.approx(expected, rel=1e-8)
    assert set(problem.partials["y"]) == {"y"}
    slopes = {n: float(evaluate(e, {})) for n, e in problem.argument_partials["f@0"][0].items()}
    assert slopes == {"x": 1.0, "y": -1.0}
