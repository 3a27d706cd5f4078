"""What a law predicts: its trajectory from an initial state, by two independent integrators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.integrate import solve_ivp

from residuum.data.observations import Experiment
from residuum.expressions.expression import Expression
from residuum.expressions.program import compile_program
from residuum.laws.kernels import values
from residuum.laws.system import kernel_arrays
from residuum.problem.problem import Problem

RTOL, ATOL = 1e-9, 1e-12


def completed(
    problem: Problem, hidden: Mapping[str, Expression], parameters: Mapping[str, float]
) -> tuple[Expression, ...]:
    """Return the first-order right-hand sides with formulas and parameter values put in."""
    numbers = {n: Expression.number(v) for n, v in {**problem.known, **parameters}.items()}
    sides = problem.first_order(problem.complete(hidden))
    return tuple(side.substitute(numbers) for side in sides)


def roll_out(
    problem: Problem,
    sides: Sequence[Expression],
    experiment: Experiment,
    initial: np.ndarray,
    t: np.ndarray,
) -> np.ndarray:
    """Return the trajectory `[len(t), n]` from `initial[n]` at `t[0]`, by scipy's DOP853.

    Rows after the solution ceases to exist are NaN.
    """

    names = (*problem.components, *problem.inputs, "t")
    program = kernel_arrays(compile_program(sides, names))
    plain, work = np.zeros(len(sides), dtype=bool), np.empty((4, len(program[0])))
    steady = {n: v[0] for n, v in experiment.inputs.items() if np.all(v == v[0])}

    def rhs(time: float, state: np.ndarray) -> np.ndarray:
        given = [
            steady[name] if name in steady else float(experiment.input_at(name, np.array(time)))
            for name in problem.inputs
        ]
        found = np.empty(len(state))
        values(program, plain, np.array([*state, *given, time]), found, work)
        return found

    path = np.full((len(t), len(initial)), np.nan)
    with np.errstate(all="ignore"):
        found = solve_ivp(
            rhs, (t[0], t[-1]), initial, method="DOP853", t_eval=t, rtol=RTOL, atol=ATOL
        )
    path[: found.y.shape[1]] = found.y.T
    return path


def roll_out_torch(
    problem: Problem,
    sides: Sequence[Expression],
    experiment: Experiment,
    initial: np.ndarray,
    t: np.ndarray,
) -> np.ndarray:
    """Return the same trajectory by torchdiffeq's dopri5: other formulas, other integrator."""
    import torch
    from torchdiffeq import odeint

    from residuum.expressions.torch_evaluation import evaluate as evaluate_torch

    def rhs(time: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        named = dict(zip(problem.components, state, strict=True))
        for name in problem.inputs:
            named[name] = torch.tensor(
                experiment.input_at(name, np.array(float(time))), dtype=state.dtype
            )
        slopes = [evaluate_torch(side, {**named, "t": time}) for side in sides]
        return torch.stack([slope.expand(()) for slope in slopes])

    start = torch.tensor(np.asarray(initial, dtype=float))
    with torch.no_grad():
        path = odeint(rhs, start, torch.tensor(t), rtol=RTOL, atol=ATOL, method="dopri5")
    return path.numpy()


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest difference of two trajectories in units of each component's rms."""
    size = np.sqrt(np.mean(a**2, axis=0))
    return float(np.max(np.abs(a - b) / np.where(size > 0, size, 1.0)))


def nrmse(predicted: np.ndarray, measured: np.ndarray, size: float) -> float:
    """Return the rms difference over `size`, missing samples left out (NaN if all are)."""
    present = np.isfinite(measured)
    if not present.any():
        return float("nan")
    return float(np.sqrt(np.mean((predicted[present] - measured[present]) ** 2)) / size)


def valid_time(
    t: np.ndarray,
    predicted: np.ndarray,
    measured: np.ndarray,
    spread: np.ndarray,
    threshold: float = 0.4,
) -> float | None:
    """Return the time from `t[0]` until the error first exceeds a share of `spread[n]`.

    None when it never does. Vlachas et al. 2020, doi:10.1016/j.neunet.2020.02.016.
    """
    error = np.abs(predicted - measured) / spread
    largest = np.max(np.where(np.isfinite(error), error, 0.0), axis=1)
    wrong = np.flatnonzero(largest > threshold)
    return float(t[wrong[0]] - t[0]) if len(wrong) else None
