"""One candidate's constants fitted through the dynamics: time and optimum beside scipy's.

The opponent is `least_squares` on forward sensitivities, integrated by LSODA or DOP853 with a
compiled right-hand side; it starts where residuum starts and fits the same weighted residuals.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numba
import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares

from benchmarks.cases import B1, HIDDEN, STATES
from benchmarks.machine import describe
from benchmarks.records import write_result
from residuum.expressions.expression import Expression
from residuum.laws.refit import EXACT, refit
from residuum.laws.starts import starting_trajectories
from residuum.laws.system import FitData, fit_data

Monomials = tuple[tuple[int, int], ...]
NOISE, POINTS = 0.01, 31
# Where a refit starts, as a share of the true constants: as far off as a poor surrogate's.
START = (0.8, 1.25)
CANDIDATES: dict[str, tuple[Monomials, Monomials]] = {
    "one term each": (((1, 1),), ((1, 1),)),
    "two terms each": (((1, 1), (2, 0)), ((1, 1), (0, 2))),
}
# (relative tolerance of the integrator, tolerance of the optimiser)
USUAL, TIGHT = (1e-8, 1e-8), (1e-12, 1e-15)


@dataclass(frozen=True)
class Task:
    """A law with monomials in its hidden terms, and the data it is fitted to."""

    monomials: tuple[Monomials, Monomials]
    data: FitData
    start: np.ndarray

    @property
    def exponents(self) -> np.ndarray:
        """Rows (equation, power of prey, power of predator), one for each constant."""
        return np.array([(e, *m) for e in (0, 1) for m in self.monomials[e]], dtype=np.int64)

    @property
    def hidden(self) -> dict[str, Expression]:
        """The formulas with the constants a refit starts from."""
        count = len(self.monomials[0])
        parts = (self.start[:count], self.start[count:])
        return {name: _polynomial(parts[e], self.monomials[e]) for e, name in enumerate(HIDDEN)}


def measure(*, draws: int, repeats: int, seed: int, result: Path) -> None:
    """Time both on several draws; write milliseconds and the difference of the optima."""
    rows = [
        one_refit(candidate, draw, repeats)
        for candidate in CANDIDATES
        for draw in range(seed, seed + draws)
    ]
    write_result(result, {"machine": describe(), "rows": rows})


def task_of(candidate: str, draw: int) -> Task:
    """Return the refit of one candidate on one draw of B1 at 1 % noise."""
    observations, problem = B1.observe(points=POINTS, noise=NOISE, draw=draw), B1.problem()
    starts = starting_trajectories(problem, observations, {})
    data = fit_data(problem, observations.experiments, starts, observations.noise)
    monomials = CANDIDATES[candidate]
    first = [share * c for share, c in zip(START, B1.coefficients.values(), strict=True)]
    constants = [first[e] if m == (1, 1) else 0.0 for e in (0, 1) for m in monomials[e]]
    return Task(monomials, data, np.array(constants))


def one_refit(candidate: str, draw: int, repeats: int) -> dict[str, Any]:
    """Return the milliseconds of each method and how far their constants are apart."""
    task = task_of(candidate, draw)
    ours_ms, ours = timed(lambda: fit_ours(task), repeats)
    row: dict[str, Any] = {"candidate": candidate, "draw": draw, "residuum_ms": ours_ms}
    few = max(1, repeats // 5)
    for method in ("LSODA", "DOP853"):
        row[f"{method}_ms"], _ = timed(lambda m=method: fit_scipy(task, m, *USUAL), few)
    exact = fit_scipy(task, "DOP853", *TIGHT)
    row["constants"], row["scipy_constants"] = ours, exact
    row["difference"] = float(np.max(np.abs(ours - exact) / np.abs(exact)))
    row["ratio"] = min(row["LSODA_ms"], row["DOP853_ms"]) / ours_ms
    print(row, flush=True)
    return row


def timed(work: Callable[[], np.ndarray], repeats: int) -> tuple[float, np.ndarray]:
    """Return the median milliseconds of several runs after a first, and the answer."""
    answer, seconds = work(), []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return 1000.0 * median(seconds), answer


def fit_ours(task: Task) -> np.ndarray:
    """Return the constants that residuum's refit finds."""
    return refit(B1.problem(), task.data, task.hidden, {}, precision=EXACT).theta


def fit_scipy(task: Task, method: str, rtol: float, tolerance: float) -> np.ndarray:
    """Return the constants that least_squares with forward sensitivities finds."""
    exponents, data, count = task.exponents, task.data, len(task.start)
    unknowns = np.concatenate([task.start, data.nodes[0]])
    known = (B1.alpha, B1.delta)

    def integrate(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = count + 2
        seeds = np.zeros((2, p))
        seeds[:, count:] = np.eye(2)
        first = np.concatenate([theta[count:], seeds.ravel()])
        found = solve_ivp(
            _slope,
            (data.t[0], data.t[-1]),
            first,
            t_eval=data.t,
            method=method,
            rtol=rtol,
            atol=rtol * 1e-2,
            args=(theta[:count], exponents, *known),
        ).y.T
        jacobian = found[:, 2:].reshape(-1, 2, p) * data.weights[:, :, None]
        residual = (found[:, :2] - data.observed) * data.weights
        return residual.ravel(), jacobian.reshape(-1, p)

    last: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}

    def both(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        key = theta.tobytes()
        if key not in last:
            last.clear()
            last[key] = integrate(theta)
        return last[key]

    # least_squares refuses tolerances below the machine's
    tolerance = max(tolerance, 2.3e-16)
    solution = least_squares(
        lambda theta: both(theta)[0],
        unknowns,
        jac=lambda theta: both(theta)[1],
        x_scale="jac",
        xtol=tolerance,
        ftol=tolerance,
        gtol=tolerance,
    )
    return solution.x[:count]


@numba.njit
def _slope(t, v, constants, exponents, alpha, delta):  # type: ignore[no-untyped-def]
    x, y, p = v[0], v[1], len(constants) + 2
    out = np.zeros_like(v)
    rate = np.array([alpha * x, -delta * y])
    jacobian = np.array([[alpha, 0.0], [0.0, -delta]])
    for k in range(len(constants)):
        e, i, j = exponents[k]
        # hidden terms enter the first equation with a minus
        sign = -1.0 if e == 0 else 1.0
        term = sign * x**i * y**j
        rate[e] += constants[k] * term
        if i:
            jacobian[e, 0] += sign * constants[k] * i * x ** (i - 1) * y**j
        if j:
            jacobian[e, 1] += sign * constants[k] * j * x**i * y ** (j - 1)
        out[2 + e * p + k] += term
    out[0], out[1] = rate[0], rate[1]
    for k in range(p):
        a, b = v[2 + k], v[2 + p + k]
        out[2 + k] += jacobian[0, 0] * a + jacobian[0, 1] * b
        out[2 + p + k] += jacobian[1, 0] * a + jacobian[1, 1] * b
    return out


def _polynomial(constants: np.ndarray, monomials: Monomials) -> Expression:
    parts = [_monomial(float(c), m) for c, m in zip(constants, monomials, strict=True)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _monomial(constant: float, powers: tuple[int, int]) -> Expression:
    product = Expression.number(constant)
    for name, power in zip(STATES, powers, strict=True):
        for _ in range(power):
            product = product * Expression.variable(name)
    return product
