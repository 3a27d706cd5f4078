"""The same data in days or years, in ones or thousands: the law must be the same, converted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import B1
from benchmarks.lynx_hare import lynx_hare
from benchmarks.machine import describe
from benchmarks.pipeline import Outcome, Settings, run
from benchmarks.records import write_result
from residuum.data.observations import Experiment, Observations
from residuum.expressions.calculus import terms
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter, Problem

# (what one unit of time, of counts becomes): years to days, thousands to ones.
CHANGES = {"days": (365.25, 1.0), "ones": (1.0, 1000.0), "days and ones": (365.25, 1000.0)}


def measure(*, draws: int, seed: int, result: Path) -> None:
    """Run B1 at 1 % noise and the real counts in all units; write the largest difference."""
    rows = [
        {"data": f"B1, draw {draw}", **compare(B1.problem(), _b1(draw), Settings())}
        for draw in range(seed, seed + draws)
    ]
    real = lynx_hare()
    rows.append(
        {"data": "lynx and hare", **compare(real.problem, real.observations, real.settings)}
    )
    write_result(result, {"machine": describe(), "rows": rows})


def _b1(draw: int) -> Observations:
    return B1.observe(points=31, noise=0.01, draw=draw)


def compare(problem: Problem, observations: Observations, settings: Settings) -> dict[str, Any]:
    """Return, for each change, whether the structure is the same and how far constants are."""
    first = run(problem, lambda: observations, seed=0, settings=settings)[1]
    found: dict[str, Any] = {"hidden": _texts(first), "changes": {}}
    for name, (time, count) in CHANGES.items():
        changed = convert_problem(problem, time)
        data = convert(observations, time, count)
        other = run(changed, lambda data=data: data, seed=0, settings=settings)[1]
        same = structure(first) == structure(other)
        found["changes"][name] = {
            "same": same,
            "difference": difference(first, other, time, count) if same else None,
            "hidden": _texts(other),
        }
    print(found, flush=True)
    return found


def convert(observations: Observations, time: float, count: float) -> Observations:
    """Return the observations with time and states multiplied."""
    rows = [
        Experiment(
            e.name,
            e.t * time,
            {name: values * count for name, values in e.states.items()},
            e.inputs,
            e.held_out,
        )
        for e in observations.experiments
    ]
    return Observations.of(rows, noise=observations.noise, title=observations.title)


def convert_problem(problem: Problem, time: float) -> Problem:
    """Return the problem with its parameters, rates all of them, in the new unit of time."""
    return read_problem(
        {equation.left: equation.text for equation in problem.equations},
        states=problem.states,
        parameters={p.name: _converted(p, time) for p in problem.parameters},
    )


def _converted(parameter: Parameter, time: float) -> Parameter:
    return replace(
        parameter,
        value=None if parameter.value is None else parameter.value / time,
        bounds=None
        if parameter.bounds is None
        else (parameter.bounds[0] / time, parameter.bounds[1] / time),
    )


def structure(outcome: Outcome) -> dict[str, frozenset[tuple[str, ...]]]:
    """Return the terms of each hidden term, without their coefficients."""
    return {
        name: frozenset(part.tokens for _, part in terms(expression))
        for name, expression in outcome.hidden.items()
    }


def difference(first: Outcome, other: Outcome, time: float, count: float) -> float:
    """Return the largest relative difference of a constant of the law after conversion."""
    pairs = []
    for name, expression in first.hidden.items():
        converted = coefficients(other.hidden[name], count)
        for part, value in coefficients(expression, 1.0).items():
            pairs.append((value, converted[part] * time / count))
    for name, parameter in first.selection.law.parameters.items():
        if parameter.estimated:
            changed = other.selection.law.parameters[name].value
            pairs.append((parameter.value, changed * time))
    return max(abs(a - b) / abs(a) for a, b in pairs)


def coefficients(expression: Expression, count: float) -> Mapping[tuple[str, ...], float]:
    """Return coefficient times term for each term, where every state is `count`."""
    found = {}
    for coefficient, part in terms(expression):
        point = {name: np.array([count]) for name in part.variables}
        value = np.asarray(evaluate(part, point), dtype=float).reshape(-1)
        found[part.tokens] = coefficient * float(value[0])
    return found


def _texts(outcome: Outcome) -> dict[str, str]:
    return {name: expression.infix() for name, expression in outcome.hidden.items()}
