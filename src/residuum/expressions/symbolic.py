"""The boundary to sympy: conversion both ways without any text, and simplification.

Sympy can take for ever, so what may is asked of a separate process with a time limit. Question
and answer are JSON; no object crosses.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import sympy

from residuum.expressions.expression import CONSTANT, Expression, is_integer
from residuum.expressions.primitives import PRIMITIVES
from residuum.expressions.typeset import latex, mathml

__all__ = ["agree", "from_sympy", "latex", "mathml", "simplify", "to_sympy"]

START_SECONDS = 60.0  # importing sympy on a busy machine
PRECISION = 50

_OPERATORS: dict[str, Callable[..., sympy.Expr]] = {
    "Subtract": lambda a, b: a - b,
    "Divide": lambda a, b: a / b,
    "Negative": lambda a: -a,
}
_NAMES = {getattr(sympy, row.sympy, None): name for name, row in PRIMITIVES.items()}
_RECIPROCALS = {
    **{sympy.cot: "tan", sympy.sec: "cos", sympy.csc: "sin"},
    **{sympy.coth: "tanh", sympy.sech: "cosh", sympy.csch: "sinh"},
}


def to_sympy(expression: Expression, *, positive: bool = False) -> sympy.Expr:
    """Return the formula in sympy: real (or positive) symbols, numbers in full precision."""

    def leaf(token: str, constant: float | None) -> sympy.Expr:
        if token == CONSTANT:
            return sympy.Float(constant)
        if is_integer(token):
            return sympy.Integer(int(token))
        return sympy.Symbol(token, positive=True) if positive else sympy.Symbol(token, real=True)

    def node(symbol: str, *operands: sympy.Expr) -> sympy.Expr:
        name = PRIMITIVES[symbol].sympy
        return (_OPERATORS.get(name) or getattr(sympy, name))(*operands)

    return expression.fold(leaf, node)


def from_sympy(value: sympy.Expr) -> Expression:
    """Return a sympy formula in the language; integers outside exponents become constants.

    Raises ValueError for what the language does not have (complex numbers, Piecewise, ...).
    """
    if value.is_Symbol:
        return Expression.variable(value.name)
    if value.is_Number or value.is_NumberSymbol:
        return Expression.number(_real(value))
    if value.is_Add:
        return _from_sum(value.as_ordered_terms())
    if value.is_Mul:
        return _from_product(value)
    if value.is_Pow:
        return _from_power(value.base, value.exp)
    return _from_function(value)


def _real(value: sympy.Expr) -> float:
    if not (value.is_real and value.is_finite):
        raise ValueError(f"not a finite real number: {value}")
    return float(value)


def _from_sum(terms: Sequence[sympy.Expr]) -> Expression:
    total = from_sympy(terms[0])
    for term in terms[1:]:
        negative = term.could_extract_minus_sign()
        total = total - from_sympy(-term) if negative else total + from_sympy(term)
    return total


def _from_product(value: sympy.Expr) -> Expression:
    coefficient, rest = value.as_coeff_Mul()
    if rest != value and abs(float(coefficient)) == 1.0:
        return from_sympy(rest) if coefficient > 0 else -from_sympy(rest)
    over, under = value.as_numer_denom()
    if under != 1:
        return from_sympy(over) / from_sympy(under)
    return reduce(lambda a, b: a * b, (from_sympy(factor) for factor in value.as_ordered_factors()))


def _from_power(base: sympy.Expr, exponent: sympy.Expr) -> Expression:
    if exponent == sympy.Rational(1, 2):
        return Expression.apply("sqrt", from_sympy(base))
    if exponent.could_extract_minus_sign():
        return Expression.number(1.0) / (from_sympy(base**-exponent))
    if exponent.is_Integer:
        return from_sympy(base) ** Expression.integer(int(exponent))
    return from_sympy(base) ** from_sympy(exponent)


def _from_function(value: sympy.Expr) -> Expression:
    operands = [from_sympy(argument) for argument in value.args]
    if value.func in _RECIPROCALS:
        return Expression.number(1.0) / Expression.apply(_RECIPROCALS[value.func], *operands)
    name = _NAMES.get(value.func)
    if name is None or not operands:
        raise ValueError(f"not in the equation language: {value.func}")
    if PRIMITIVES[name].arity == 1:
        return Expression.apply(name, *operands)
    return reduce(lambda a, b: Expression.apply(name, a, b), operands)


def simplify(expression: Expression, *, seconds: float = 5.0) -> Expression:
    """Return a simpler equal formula, or the formula itself where sympy finds none in time.

    Equal means equal for real values wherever both are defined.
    """
    answer = _ask({"task": "simplify", "expression": expression.to_json()}, seconds)
    if answer is None:
        return expression
    simpler = Expression.from_json(answer)
    return simpler if simpler.complexity < expression.complexity else expression


def agree(
    a: Expression,
    b: Expression,
    points: Sequence[Mapping[str, float]],
    *,
    tolerance: float,
    seconds: float = 5.0,
) -> bool | None:
    """Return whether two formulas agree at `points` in 50 digits; None without an answer in time.

    Points where either is not a finite real number do not count; None, too, where none counts.
    """
    question = {
        "task": "agree",
        "a": a.to_json(),
        "b": b.to_json(),
        "points": [dict(point) for point in points],
        "tolerance": tolerance,
    }
    answer = _ask(question, seconds)
    return None if answer is None else answer["agree"]


def _ask(question: Mapping[str, Any], seconds: float) -> Any:
    """Return what a process of its own answers, or None where it fails or takes too long."""
    text = json.dumps({**question, "seconds": seconds})
    command = [sys.executable, "-m", "residuum.expressions.symbolic"]
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=START_SECONDS + seconds
        )
    except subprocess.TimeoutExpired:
        return None
    return json.loads(done.stdout) if done.returncode == 0 else None


def _answer(question: Mapping[str, Any]) -> Any:
    if question["task"] == "simplify":
        value = to_sympy(Expression.from_json(question["expression"]))
        # Sympy cancels and factors with integers, not with floats that happen to be whole.
        floats = value.atoms(sympy.Float)
        whole = {f: sympy.Integer(int(f)) for f in floats if float(f).is_integer()}
        return from_sympy(sympy.simplify(value.xreplace(whole))).to_json()
    a, b = (to_sympy(Expression.from_json(question[key])) for key in "ab")
    pairs = [(_number_at(a, point), _number_at(b, point)) for point in question["points"]]
    known = [(x, y) for x, y in pairs if x is not None and y is not None]
    near = [abs(x - y) <= question["tolerance"] * max(abs(x), abs(y)) for x, y in known]
    return {"agree": all(near) if near else None}


def _number_at(value: sympy.Expr, point: Mapping[str, float]) -> Any:
    # Floats are exact as rationals, so that 50 digits of the result are 50 true digits.
    exact = {
        sympy.Symbol(name, real=True): sympy.Rational(*x.as_integer_ratio())
        for name, x in point.items()
    }
    found = sympy.N(sympy.nsimplify(value, rational=True).xreplace(exact), PRECISION)
    return found if found.is_Float or found.is_Integer or found.is_Rational else None


def _main() -> None:
    question = json.loads(sys.stdin.read())
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, question["seconds"])
    print(json.dumps(_answer(question)))


if __name__ == "__main__":
    _main()
