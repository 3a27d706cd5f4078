"""Strogatz-14: both right-hand sides of seven two-state systems, as in SRBench's ODE data.

La Cava, Danai and Spector 2016, doi:10.1016/j.engappai.2016.07.004: four trajectories of 100
points each, t in [0, 10]; the arguments are the states, the value is the true derivative.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.symbolic.problem import ARITHMETIC, Problem, box_test, values
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse

STATES = ("x", "y")
STOP, POINTS = 10.0, 100
OPERATORS = (*ARITHMETIC, "**", "sin", "cos")
SYSTEMS = {
    "bacres": (
        ("20 - x - x*y/(1 + 0.5*x**2)", "10 - x*y/(1 + 0.5*x**2)"),
        ((5, 8), (4, 9), (8, 5), (10, 10)),
    ),
    "barmag": (
        ("0.5*sin(x - y) - sin(x)", "0.5*sin(y - x) - sin(y)"),
        ((1, 2.5), (2.5, 1), (-1, 2), (0.3, -2)),
    ),
    "glider": (
        ("-0.05*x**2 - sin(y)", "x - cos(y)/x"),
        ((5, 0.5), (4, 2), (7, -1), (3, 1)),
    ),
    "lv": (
        ("3*x - 2*x*y - x**2", "2*y - x*y - y**2"),
        ((5, 0.5), (2, 2), (0.5, 4), (4, 3)),
    ),
    "predprey": (
        ("x*(4 - x - y/(1 + x))", "y*(x/(1 + x) - 0.075*y)"),
        ((5, 8), (1, 3), (3, 10), (2, 1)),
    ),
    "shearflow": (
        ("cos(y)/sin(y)*cos(x)", "(cos(y)**2 + 0.1*sin(y)**2)*sin(x)"),
        ((0.2, 0.8), (2, 1.2), (-1, 0.7), (1, 2.2)),
    ),
    "vdp": (
        ("10*(y - (x**3 - x)/3)", "-0.1*x"),
        ((1, 0.5), (-2, 1), (0.1, -0.5), (2, -1)),
    ),
}


def problems(seed: int = 0) -> list[Problem]:
    """Return the 14 problems; their data do not depend on the seed."""
    return [
        _problem(name, state, texts[k], _states(texts, starts))
        for name, (texts, starts) in SYSTEMS.items()
        for k, state in enumerate(STATES)
    ]


def _problem(system: str, state: str, text: str, X: np.ndarray) -> Problem:
    truth = parse(text)
    y = values(truth, STATES, X)
    test = box_test(truth, STATES, X, y, seed=1)
    return Problem("strogatz", f"{system}-{state}", STATES, X, y, truth, test, OPERATORS)


def _states(texts: tuple[str, str], starts: tuple[tuple[float, float], ...]) -> np.ndarray:
    rates = [parse(text) for text in texts]
    return np.concatenate([trajectory(rates, STATES, start, STOP, POINTS) for start in starts])


def trajectory(
    rates: list[Expression],
    states: tuple[str, ...],
    start: tuple[float, ...],
    stop: float,
    points: int,
    largest: float = 1e6,
) -> np.ndarray:
    """Return the states `[n, d]` along a solution; it ends before it grows beyond `largest`."""

    def slope(t: float, u: np.ndarray) -> np.ndarray:
        return np.array([values(rate, states, u[None, :])[0] for rate in rates])

    def escape(t: float, u: np.ndarray) -> float:
        return largest - float(np.abs(u).max())

    escape.terminal = True  # type: ignore[attr-defined]
    found = solve_ivp(
        slope,
        (0.0, stop),
        np.asarray(start, dtype=float),
        method="LSODA",
        t_eval=np.linspace(0.0, stop, points),
        events=escape,
        rtol=1e-9,
        atol=1e-11,
    )
    rows = found.y.T
    return rows[np.isfinite(rows).all(axis=1)]
