"""FastSRB: 120 physical formulas with sampling ranges and SI units.

Martinek 2025, arXiv:2508.14481 (data: viktmar/FastSRB); ranges after Matsubara et al. 2024,
arXiv:2206.10540. 200 rows to fit and up to 500 clean rows to judge by, each drawn until its
constraints hold.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.symbolic.problem import ARITHMETIC, Problem, Units, data_file, steady, values
from residuum.distillers.regression import Table
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.seeds import generator
from residuum.yaml_file import read_yaml

ROWS, TEST_ROWS = 200, 500
ROUNDS = 400
WIDE = 1e3  # largest over median size from which relative errors are fitted
OPERATORS = (*ARITHMETIC, "**", "sqrt", "exp", "log", "sin", "cos", "tanh")
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
COMPARISON = re.compile(r"(!=|>=|<=|>|<)")
# Four vectors of the file have their signs the wrong way round, so that no formula, the truth
# included, is consistent with them: a mobility is s/kg, a permittivity C/(V m).
MOBILITY: Units = (0.0, 1.0, -1.0, 0.0, 0.0)
PERMITTIVITY: Units = (1.0, -2.0, 1.0, 0.0, -2.0)
CORRECTED = {
    ("I.43.16", "v1"): MOBILITY,
    ("B6", "v1"): PERMITTIVITY,
    ("B12", "v2"): PERMITTIVITY,
    ("B13", "v1"): PERMITTIVITY,
}
Condition = Callable[[Mapping[str, np.ndarray]], np.ndarray]


def problems(seed: int = 0) -> list[Problem]:
    """Return the 120 problems, their rows drawn by seed; raises Absent without fastsrb.yaml."""
    entries = read_yaml(data_file("fastsrb.yaml"))
    return [_problem(name, entry, seed) for name, entry in entries.items()]


def _problem(name: str, entry: Mapping[str, Any], seed: int) -> Problem:
    declared = {key: row for key, row in entry["vars"].items() if key != "v0"}
    variables = tuple(declared)
    truth = formula(entry["prepared"])
    conditions = [c for text in entry["constraints"] or () if (c := condition(text, variables))]
    rng = generator(seed, "symbolic", "fastsrb", name)
    draw = _drawer(list(declared.values()), variables, truth, conditions, rng)
    X, drawn = draw(ROWS), draw(2 * TEST_ROWS)
    test = drawn[steady(truth, variables, drawn)][:TEST_ROWS]
    y = values(truth, variables, X)
    size = np.abs(y)
    return Problem(
        "fastsrb",
        name,
        variables,
        X,
        y,
        truth,
        Table.of(variables, test, values(truth, variables, test)),
        OPERATORS,
        units=tuple(CORRECTED.get((name, key), _units(row)) for key, row in declared.items()),
        unit=_units(entry["vars"]["v0"]),
        loss="relative" if size.max() > WIDE * np.median(size) and size.min() > 0 else "squared",
    )


def formula(text: str) -> Expression:
    """Return a formula of the file: powers are `^`, `neg(x)` is a sign, `pi` a number."""

    def negative(
        name: str, arguments: tuple[Expression, ...], keywords: Mapping[str, Expression]
    ) -> Expression:
        if name != "neg_" or len(arguments) != 1 or keywords:
            raise ValueError(f"unknown operator {name}")
        return -arguments[0]

    written = text.replace("^", "**").replace("neg(", "neg_(")
    return parse(written, on_call=negative).substitute({"pi": Expression.number(math.pi)})


def condition(text: str, variables: Sequence[str]) -> Condition | None:
    """Return a constraint as a test of columns; None where it names what the formula has not."""
    left, sign, right = COMPARISON.split(text)
    a, b = formula(left.strip()), formula(right.strip())
    if not {*a.variables, *b.variables} <= set(variables):
        return None
    names = tuple(variables)

    def holds(columns: Mapping[str, np.ndarray]) -> np.ndarray:
        X = np.stack([columns[name] for name in names], axis=1)
        with np.errstate(all="ignore"):
            return np.asarray(COMPARISONS[sign](values(a, names, X), values(b, names, X)))

    return holds


def _units(row: Mapping[str, Any]) -> Units:
    return tuple(float(exponent) for exponent in row["units"])


def _drawer(
    rows: Sequence[Mapping[str, Any]],
    variables: tuple[str, ...],
    truth: Expression,
    conditions: Sequence[Condition],
    rng: np.random.Generator,
) -> Callable[[int], np.ndarray]:
    """Return a function that draws rows where the truth is finite and the constraints hold.

    Constraints that no row meets (one formula asks for >= 1 and <= 1) are not asked for.
    """

    def draw(count: int) -> np.ndarray:
        for asked in (conditions, ()):
            kept = np.empty((0, len(variables)))
            for _ in range(ROUNDS):
                X = np.stack([sample(row, count, rng) for row in rows], axis=1)
                good = np.isfinite(values(truth, variables, X))
                columns = dict(zip(variables, X.T, strict=True))
                for holds in asked:
                    good &= holds(columns)
                kept = np.concatenate([kept, X[good]])
                if len(kept) >= count:
                    return kept[:count]
        raise ValueError("no row meets the constraints")

    return draw


def sample(row: Mapping[str, Any], count: int, rng: np.random.Generator) -> np.ndarray:
    """Return values of one variable: `log`, `uni` or `int` in its range, with its signs."""
    # Two ranges carry a remark as a third entry.
    low, high = (float(value) for value in row["sample_range"][:2])
    kind, sign = row["sample_type"]
    if kind == "log":
        drawn = np.exp(rng.uniform(math.log(low), math.log(high), count))
    elif kind == "int":
        drawn = rng.integers(int(low), int(high), count, endpoint=True).astype(float)
    else:
        drawn = rng.uniform(low, high, count)
    return drawn * rng.choice([-1.0, 1.0], count) if sign == "pos_neg" else drawn
