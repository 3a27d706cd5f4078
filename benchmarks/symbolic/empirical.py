"""EmpiricalBench: nine laws as they were found, from the data of their time or like it.

Cranmer 2023, arXiv:2305.01582 (data: MilesCranmer/pysr_paper). Hubble, Kepler, Leavitt and Bode
are real data, the same for every seed; the others are generated anew for each seed with the
paper's sizes, ranges and errors (10 % relative where it names none). Published "recovered" is about
the form. So for real data the truth is the law's form with the constants that fit the data best,
and a found formula counts when its skeleton becomes that law (`structural`).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.symbolic.problem import ARITHMETIC, Problem, Units, clean_table, data_file, values
from residuum.distillers.regression import Table
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.metrics.refitting import refit
from residuum.seeds import generator
from residuum.yaml_file import read_yaml

OPERATORS = (*ARITHMETIC, "**", "sqrt", "exp", "log")
DEFAULT_NOISE = 0.1
TEST_ROWS = 300
# Real data: the form, its variable, rough constants, and where clean values are looked at.
FORMS = {
    "hubble": ("73.3*D", "D", (0.1, 20.0)),
    "kepler": ("365.0*sqrt(a**3)", "a", (0.38, 9.6)),
    "leavitt": ("-0.9*log(P) + 15.65", "P", (1.25, 158.0)),
    "bode": ("0.4 + 0.3*2**n", "n", (-3.0, 6.0)),
}
GENERATED = ("newton", "planck", "schechter", "ideal_gas", "rydberg")
# Exponents of m, s, kg, K, V.
NUMBER: Units = (0, 0, 0, 0, 0)
UNITS: dict[str, tuple[tuple[Units, ...], Units]] = {
    "newton": (((1, 0, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 1, 0, 0)), (1, -2, 1, 0, 0)),
    "planck": (((0, -1, 0, 0, 0), (0, 0, 0, 1, 0)), (0, -2, 1, 0, 0)),
    "rydberg": ((NUMBER, NUMBER), (1, 0, 0, 0, 0)),
    "ideal_gas": ((NUMBER, (0, 0, 0, 1, 0), (3, 0, 0, 0, 0)), (-1, -2, 1, 0, 0)),
}


def problems(seed: int = 0) -> list[Problem]:
    """Return the nine problems with the errors of the paper, generated ones drawn by seed.

    Raises Absent without empirical_equations.yml or a table.
    """
    entries = read_yaml(data_file("empirical_equations.yml"))["problems"]
    by_key = {entry["key"]: entry for entry in entries.values()}
    real = [_real(key, by_key[key]) for key in FORMS]
    return real + [_generated(key, by_key[key]["data_generator"], seed) for key in GENERATED]


def _real(key: str, entry: Mapping[str, Any]) -> Problem:
    text, name, (low, high) = FORMS[key]
    x, y = _measured(key, entry, name)
    table = Table.of((name,), x[:, None], y)
    rng = generator(0, "symbolic", "empirical", key)
    truth, left = refit(parse(text), table, rng=rng)
    test = clean_table(truth, (name,), np.linspace(low, high, TEST_ROWS)[:, None])
    noise = math.sqrt(left)
    return Problem(
        "empirical", key, (name,), table.X, y, truth, test, OPERATORS, loss="squared", noise=noise
    )


def _measured(key: str, entry: Mapping[str, Any], name: str) -> tuple[np.ndarray, np.ndarray]:
    data = entry["data"]
    if "csv" not in data:
        return np.array(data["inputs"][name], float), np.array(data["target"], float)
    with data_file(f"empirical_{key}.csv").open() as file:
        rows = list(csv.DictReader(file))
    if key == "leavitt":
        return 10 ** np.array([float(r["logP"]) for r in rows]), np.array(
            [float(r["M"]) for r in rows]
        )
    return np.array([float(r["D"]) for r in rows]), np.array([float(r["v"]) for r in rows])


def _generated(key: str, entry: Mapping[str, Any], seed: int) -> Problem:
    variables = tuple(entry["args"])
    constants = {name: Expression.number(float(c)) for name, c in entry["constants"].items()}
    truth = parse(entry["callable"].replace("mp.", "")).substitute(constants)
    rng = generator(seed, "symbolic", "empirical", key)
    X = _rows(key, entry, truth, int(entry["size"]), rng)
    test = clean_table(truth, variables, _rows(key, entry, truth, TEST_ROWS, rng))
    noise = _share(entry["noise"]["scale"])
    y = values(truth, variables, X)
    units, unit = UNITS.get(key, (None, None))
    problem = Problem("empirical", key, variables, X, y, truth, test, OPERATORS, units, unit)
    return replace(
        problem, y=y * (1 + noise * rng.standard_normal(len(y))), loss="logarithmic", noise=noise
    )


def _share(scale: Any) -> float:
    return DEFAULT_NOISE if scale in (None, "None") else float(scale)


def _rows(
    key: str, entry: Mapping[str, Any], truth: Expression, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Return rows `[n, p]`; where the law underflows to zero, rows are drawn again."""
    variables, kept = tuple(entry["args"]), np.empty((0, len(entry["args"])))
    while len(kept) < count:
        if key == "rydberg":
            first = rng.integers(1, 7, count)
            X = np.stack([first, rng.integers(first + 1, 8)], axis=1).astype(float)
        else:
            spans = [entry["ranges"][name] for name in variables]
            X = np.stack([_column(span, count, rng) for span in spans], axis=1)
        y = values(truth, variables, X)
        kept = np.concatenate([kept, X[np.isfinite(y) & (np.abs(y) > np.finfo(float).tiny)]])
    return kept[:count]


def _column(span: list[Any], count: int, rng: np.random.Generator) -> np.ndarray:
    low, high = float(span[0]), float(span[1])
    if span[2:] == ["linear"]:
        return rng.uniform(low, high, count)
    return np.exp(rng.uniform(math.log(low), math.log(high), count))
