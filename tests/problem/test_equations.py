"""The equation language: what is read, and that every mistake is one clear message."""

from __future__ import annotations

import pytest

from residuum.errors import UserError
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.problem.equations import read_problem
from residuum.problem.hidden_term import HiddenTerm
from residuum.problem.problem import Parameter, Problem


def estimated(*names: str) -> dict[str, Parameter]:
    return {name: Parameter(name) for name in names}


def lynx_hare() -> Problem:
    return read_problem(
        {
            "hare_t": "alpha*hare - predation(hare, lynx)",
            "lynx_t": "growth(hare, lynx) - gamma*lynx",
        },
        states=("hare", "lynx"),
        parameters={"alpha": Parameter("alpha", bounds=(0, 2)), "gamma": Parameter("gamma", 0.8)},
    )


def test_reads_a_first_order_system() -> None:
    problem = lynx_hare()
    assert problem.states == problem.components == ("hare", "lynx")
    assert problem.hidden_terms == (
        HiddenTerm("predation", ("hare", "lynx")),
        HiddenTerm("growth", ("hare", "lynx")),
    )
    assert problem.equation("hare").rhs.variables == ("alpha", "hare", "predation@0")
    assert problem.estimated == ("alpha",)
    assert problem.known == {"gamma": 0.8}


def test_reads_mixed_orders_with_inputs_and_underscored_names() -> None:
    problem = read_problem(
        {"theta_tt": "-damping(theta_t) - g*sin(theta) + push", "prey_a_t": "-prey_a + t"},
        states=("theta", "theta_t", "prey_a"),
        inputs=("push",),
        parameters=estimated("g"),
    )
    assert problem.components == ("theta", "theta_t", "prey_a")
    assert problem.component_index == {"theta": 0, "theta_t": 1, "prey_a": 2}
    assert problem.hidden_terms == (HiddenTerm("damping", ("theta_t",)),)


def test_states_default_to_the_left_hand_sides() -> None:
    assert read_problem({"x_t": "-x", "y_t": "x - y"}).states == ("x", "y")


def test_a_measured_velocity_stands_for_its_state() -> None:
    assert read_problem({"x_tt": "-x"}, states=("x_t",)).components == ("x", "x_t")


@pytest.mark.parametrize(
    ("text", "formal"),
    [
        ("f(x, y)", ("x", "y")),
        ("f(t, x)", ("t", "x")),
        ("f(x - y, y)", ("arg1", "arg2")),
        ("f(s=x - y)", ("s",)),
        ("f(x, s=x - y)", ("x", "s")),
        ("f(x, y) - f(y, x)", ("arg1", "arg2")),
        ("f(a=x, b=y) - f(b=x, a=y)", ("a", "b")),
        ("y*exp(f(x))", ("x",)),
    ],
)
def test_formal_arguments(text: str, formal: tuple[str, ...]) -> None:
    problem = read_problem({"x_t": text, "y_t": "-y"})
    assert problem.hidden_terms == (HiddenTerm("f", formal),)


def test_equal_calls_share_a_placeholder() -> None:
    problem = read_problem({"x_t": "-f(x, y)", "y_t": "f(x, y) - f(y, x)"})
    assert [call.placeholder for call in problem.calls] == ["f@0", "f@1"]
    assert problem.equation("y").rhs.variables == ("f@0", "f@1")


def test_keywords_are_put_in_the_order_of_the_first_call() -> None:
    problem = read_problem({"x_t": "f(a=x, b=y) - f(b=x, a=y)", "y_t": "-y"})
    assert problem.calls[1].arguments == (Expression.variable("y"), Expression.variable("x"))


def test_a_number_is_an_equation() -> None:
    assert read_problem({"x_t": 2}).equations[0].rhs == parse("2")  # type: ignore[dict-item]


MISTAKES = {
    "state without equation": (
        {"hare_t": "hare"},
        {"states": ("hare", "lynx")},
        r"d\.equations: state 'lynx' has no equation.*lynx_t",
    ),
    "misspelt left-hand side": (
        {"hrae_t": "1"},
        {"states": ("hare",)},
        r"d\.equations\.hrae_t: unknown state 'hrae'.*did you mean 'hare'",
    ),
    "no suffix": ({"hare": "1"}, {"states": ("hare",)}, r"not a left-hand side.*write hare_t"),
    "space derivative on the left": (
        {"hare_x": "1"},
        {"states": ("hare",)},
        r"axes t; this version handles ordinary differential equations",
    ),
    "space derivative on the right": (
        {"u_t": "u_xx"},
        {},
        r"u_t: 'u_xx'.*axes t; this version handles ordinary",
    ),
    "derivative of its own order": ({"u_t": "-u_t"}, {}, r"'u_t' on the right-hand side"),
    "order three": ({"u_ttt": "u"}, {}, r"equation of order 3; expected order 1 or 2"),
    "two equations": ({"u_t": "u", "u_tt": "u"}, {}, r"two equations for state 'u'.*found u_t"),
    "undeclared parameter": ({"u_t": "k*u"}, {}, r"unknown name 'k'.*under parameters"),
    "misspelt state": (
        {"hare_t": "-hrae"},
        {},
        r"unknown name 'hrae'; expected one of hare, t; did you mean 'hare'",
    ),
    "undeclared argument": (
        {"hare_t": "f(hrae)"},
        {},
        r"d\.equations\.hare_t: hidden term 'f' has the undeclared argument 'hrae'.*'hare'",
    ),
    "state called": ({"u_t": "u(2)"}, {}, r"'u' is called like a hidden term, but it is a state"),
    "parameter called": (
        {"u_t": "k(u - 1)"},
        {"parameters": estimated("k")},
        r"but it is a parameter; write k\*",
    ),
    "input called": ({"u_t": "k(u)"}, {"inputs": ("k",)}, r"but it is an input"),
    "axis called": ({"u_t": "t(u)"}, {}, r"but it is an axis"),
    "same argument twice": ({"u_t": "f(u, u)"}, {}, r"same argument twice: u, u"),
    "calls of different length": ({"u_t": "f(u) - f(u, 2)"}, {}, r"called in two different ways"),
    "calls of different keywords": ({"u_t": "f(u) - f(a=u)"}, {}, r"called in two different ways"),
    "nested hidden terms": ({"u_t": "f(g(u))"}, {}, r"hidden term as its argument"),
    "no arguments": ({"u_t": "f()"}, {}, r"hidden term 'f' has no arguments"),
    "pair sum": ({"u_t": "sum(f(u))"}, {}, r"sum\(\.\.\.\) runs over bodies"),
    "other name of an operator": ({"u_t": "ln(u)"}, {}, r"unknown operator 'ln'; write log"),
    "unused parameter": (
        {"u_t": "u"},
        {"parameters": estimated("k")},
        r"d\.parameters\.k: parameter 'k' is not used",
    ),
    "parameter like a state": (
        {"u_t": "u"},
        {"parameters": estimated("u")},
        r"parameter 'u' is also the state 'u'",
    ),
    "parameter like a derivative": (
        {"u_t": "u_t"},
        {"parameters": estimated("u_t")},
        r"is also a derivative of state 'u'",
    ),
    "input like a parameter": (
        {"u_t": "k*u"},
        {"inputs": ("k",), "parameters": estimated("k")},
        r"parameter 'k' is also the input 'k'",
    ),
    "reserved axis": ({"u_t": "u"}, {"parameters": estimated("t")}, r"'t' cannot name a parameter"),
    "reserved operator": ({"sin_t": "1"}, {}, r"'sin' cannot name a state: it is an operator"),
    "reserved word": ({"lambda_t": "1"}, {}, r"it is a reserved word"),
    "dunder": ({"a__b_t": "1"}, {}, r"'a__b' cannot name a state"),
    "space in a name": ({"a b_t": "1"}, {}, r"'a b' cannot name a state"),
    "name too long": ({"a" * 65 + "_t": "1"}, {}, r"cannot name a state"),
    "path as a name": ({"../a_t": "1"}, {}, r"'\.\./a' cannot name a state"),
    "state like a derivative": ({"u_t_t": "1"}, {}, r"'u_t' reads as a derivative"),
    "declared state like a derivative": (
        {"u_t": "1"},
        {"states": ("u", "u_t")},
        r"reads as a derivative of order 1",
    ),
    "no equations": ({}, {}, r"d\.equations: no equations"),
    "empty equation": ({"u_t": " "}, {}, r"d\.equations\.u_t: empty expression"),
    "bounds out of order": (
        {"u_t": "k*u"},
        {"parameters": {"k": Parameter("k", bounds=(2, 1))}},
        r"d\.parameters\.k\.bounds: bounds are not in order",
    ),
    "infinite bounds": (
        {"u_t": "k*u"},
        {"parameters": {"k": Parameter("k", bounds=(0, float("inf")))}},
        r"bounds are not finite",
    ),
    "value outside bounds": (
        {"u_t": "k*u"},
        {"parameters": {"k": Parameter("k", 3.0, (0, 2))}},
        r"d\.parameters\.k\.value: value is outside its bounds.*found 3\.0",
    ),
    "value not finite": (
        {"u_t": "k*u"},
        {"parameters": {"k": Parameter("k", float("nan"))}},
        r"value is not finite",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_one_message(name: str) -> None:
    equations, settings, message = MISTAKES[name]
    with pytest.raises(UserError, match=message):
        read_problem(equations, where="d", **settings)  # type: ignore[arg-type]
