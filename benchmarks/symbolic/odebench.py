"""ODEBench: the 117 right-hand sides of its 63 systems.

d'Ascoli et al. 2024 (ODEFormer), arXiv:2310.05573. Both initial conditions are integrated over t
in [0, 10], 200 points each; arguments are the states, the value is the true derivative.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.symbolic.problem import ARITHMETIC, Problem, box_test, data_file, values
from benchmarks.symbolic.strogatz import trajectory
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse

STOP, POINTS = 10.0, 200
OPERATORS = (*ARITHMETIC, "**", "sin", "cos", "exp", "log", "abs")


def problems(seed: int = 0) -> list[Problem]:
    """Return one problem for each right-hand side; the data do not depend on the seed.

    Raises Absent without odebench.json.
    """
    systems = json.loads(data_file("odebench.json").read_text())
    return [problem for system in systems for problem in _of(system)]


def _of(system: Mapping[str, Any]) -> list[Problem]:
    states = tuple(f"x_{k}" for k in range(system["dim"]))
    rates = right_hand_sides(system)
    parts = [trajectory(rates, states, start, STOP, POINTS) for start in system["init"]]
    X = np.concatenate(parts)
    return [
        _problem(f"{system['id']}-{state}", states, X, rate)
        for state, rate in zip(states, rates, strict=True)
    ]


def _problem(name: str, states: tuple[str, ...], X: np.ndarray, truth: Expression) -> Problem:
    y = values(truth, states, X)
    X, y = X[np.isfinite(y)], y[np.isfinite(y)]
    test = box_test(truth, states, X, y, seed=1)
    return Problem("odebench", name, states, X, y, truth, test, OPERATORS)


def right_hand_sides(system: Mapping[str, Any]) -> list[Expression]:
    """Return the formulas of a system with its constants in place."""
    numbers = {f"c_{k}": Expression.number(c) for k, c in enumerate(system["consts"][0])}
    texts = system["eq"].replace("^", "**").split("|")
    return [parse(text.strip(), on_call=_cotangent).substitute(numbers) for text in texts]


def _cotangent(
    name: str, arguments: tuple[Expression, ...], keywords: Mapping[str, Expression]
) -> Expression:
    if name != "cot" or len(arguments) != 1 or keywords:
        raise ValueError(f"unknown operator {name}")
    return Expression.apply("cos", *arguments) / Expression.apply("sin", *arguments)
