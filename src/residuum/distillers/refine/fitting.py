"""Constants of one formula, some of them held, fitted to a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from residuum.distillers.genetic.levenberg import fit as fit_constants
from residuum.distillers.genetic.trees import LITERAL
from residuum.distillers.genetic.workspace import data_of, make_work
from residuum.distillers.regression import Table
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import CONSTANT, Expression
from residuum.expressions.jumps import jump_places, placed
from residuum.expressions.program import CONSTANT as CONSTANT_CODE
from residuum.expressions.program import compile_program

HELD = "held_constant_"
MOST_PLACINGS = 4  # of constants inside jumps, in turn with the rest


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted formula: mean squared residual, and the spread of each constant at unit noise.

    The spread is infinite where the data do not determine a constant, zero where it was held.
    """

    expression: Expression
    loss: float
    spreads: tuple[float, ...]

    @property
    def free(self) -> int:
        """How many constants were fitted."""
        return sum(spread > 0 for spread in self.spreads)


@dataclass(frozen=True, slots=True)
class Task:
    """What formulas are fitted to and how: `starts` begins, at most `iterations` steps each.

    Without `spreads` those of the constants are not worked out and stand as one.
    """

    table: Table
    loss: str = "squared"
    starts: int = 1
    iterations: int = 200
    seed: int = 0
    spreads: bool = True

    @property
    def rows(self) -> int:
        """How many residuals there are."""
        return len(self.table.y) if self.table.target is None else len(self.table.target)

    @property
    def values(self) -> dict[str, np.ndarray]:
        """The columns of the table by name."""
        return dict(zip(self.table.variables, self.table.X.T, strict=True))


def fit(expression: Expression, task: Task, held: Mapping[int, float] | None = None) -> Fit:
    """Return a formula with fitted constants; `held` are those that keep a value, by place.

    A formula that has no finite value on the table has an infinite loss.
    """
    held = held or {}
    found = _fitted(expression, task, held)
    places = [k for k in jump_places(found.expression) if k not in held]
    return _with_jumps(found, places, task, held) if places else found


def _with_jumps(found: Fit, places: Sequence[int], task: Task, held: Mapping[int, float]) -> Fit:
    """Return the fit with the constants that derivatives do not move placed, in turn with the rest.

    What is not determined by any derivative has no spread.
    """
    quick, expression = replace(task, starts=1, spreads=False), found.expression

    def loss(constants: np.ndarray) -> float:
        return _fitted(expression, quick, dict(enumerate(constants))).loss

    for _ in range(MOST_PLACINGS):
        constants, least = placed(np.array(found.expression.constants), places, loss)
        if not least < found.loss:
            break
        at = {**held, **{k: float(constants[k]) for k in places}}
        moved = _fitted(expression.with_constants(constants.tolist()), replace(task, starts=1), at)
        if not moved.loss < found.loss:
            break
        spreads = [math.inf if k in places else sd for k, sd in enumerate(moved.spreads)]
        found = replace(moved, spreads=tuple(spreads))
    return found


def _fitted(expression: Expression, task: Task, held: Mapping[int, float]) -> Fit:
    """Return a formula with constants fitted by derivatives."""
    free = [k for k in range(len(expression.constants)) if k not in held]
    opened, table = _opened(expression, task.table, held)
    constants, loss, spread = _solve(opened, replace(task, table=table))
    whole = list(expression.constants)
    spreads = [0.0] * len(whole)
    for k, value in held.items():
        whole[k] = value
    for k, value, sd in zip(free, constants, spread, strict=True):
        whole[k], spreads[k] = float(value), float(sd)
    return Fit(expression.with_constants(whole), loss, tuple(spreads))


def _opened(
    expression: Expression, table: Table, held: Mapping[int, float]
) -> tuple[Expression, Table]:
    """Return the formula with held constants as variables, and the table with their columns."""
    if not held:
        return expression, table
    tokens: list[str] = []
    place = 0
    for token in expression.tokens:
        if token == CONSTANT:
            tokens.append(f"{HELD}{place}" if place in held else token)
            place += 1
        else:
            tokens.append(token)
    names = tuple(f"{HELD}{k}" for k in held)
    columns = np.broadcast_to(np.array(list(held.values())), (len(table.y), len(held)))
    free = [c for k, c in enumerate(expression.constants) if k not in held]
    wider = replace(
        table, variables=table.variables + names, X=np.column_stack([table.X, columns]), units=None
    )
    return Expression(tuple(tokens), tuple(free)), wider


def _solve(expression: Expression, task: Task) -> tuple[np.ndarray, float, np.ndarray]:
    """Return the best constants of several starts, their loss and their spreads."""
    table, k = task.table, len(expression.constants)
    data, experiments = data_of(replace(table, experiment=table.experiment * 0), task.loss), 1
    codes, args = _instructions(expression, table.variables)
    work = make_work(len(data.y), len(codes) + 1, k + 1, experiments, len(data.target))
    start, best = np.array(expression.constants), (math.inf, np.array(expression.constants))
    generator = np.random.default_rng(task.seed)
    local, linear = np.zeros(k + 1, dtype=np.bool_), np.array([1.0, 0.0])
    for attempt in range(task.starts if k else 1):
        begin = start * np.exp(0.5 * generator.standard_normal(k)) if attempt else start
        constants = np.append(begin, 0.0)[None]
        loss = fit_constants(
            codes, args, len(codes), constants, local, k, 0, linear, data, task.iterations, work
        )[0]
        if loss < best[0]:
            best = (float(loss), constants[0, :k].copy())
    if not (k and task.spreads and math.isfinite(best[0])):
        return best[1], best[0], np.ones(k)
    return best[1], best[0], _spreads(_residual(expression, task), best[1])


def _instructions(
    expression: Expression, variables: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the postfix instructions, with whole numbers that are never fitted."""
    program = compile_program([expression], variables)
    codes, args = program.opcodes.astype(np.int16), program.operands.astype(np.int16)
    whole = (codes == CONSTANT_CODE) & (args >= program.fitted)
    args[whole] = program.constants[args[whole]].astype(np.int16)
    codes[whole] = LITERAL
    return codes, args


def _residual(expression: Expression, task: Task) -> Callable[[np.ndarray], np.ndarray]:
    """Return the weighted residuals as a function of the constants, for small changes of them."""
    table, values = task.table, task.values

    def residual(constants: np.ndarray) -> np.ndarray:
        found = np.broadcast_to(
            evaluate(expression.with_constants(constants.tolist()), values), table.y.shape
        )
        if table.whitening is not None:
            return np.asarray(table.whitening @ found)
        weight = np.ones(len(found)) if table.precision is None else np.sqrt(table.precision)
        return weight * found / _yardstick(table.y, task.loss)

    return residual


def _yardstick(y: np.ndarray, loss: str) -> np.ndarray:
    """Return by what a residual is divided: the size of the value, its root, or nothing."""
    if loss in ("relative", "logarithmic"):
        return np.abs(y)
    return np.sqrt(np.maximum(y, 1.0)) if loss == "poisson" else np.ones(len(y))


def differences(residual: Callable[[np.ndarray], np.ndarray], constants: np.ndarray) -> np.ndarray:
    """Return the derivatives `[n, k]` of residuals by the constants, by central differences."""
    # Constants may be as small as the user's units make them.
    steps = 1e-6 * np.where(constants == 0, 1e-6, np.abs(constants))
    columns = [
        (residual(constants + h) - residual(constants - h)) / (2 * h[k])
        for k, h in enumerate(np.diag(steps))
    ]
    return np.stack(columns, axis=1) if columns else np.empty((len(residual(constants)), 0))


def _spreads(residual: Callable[[np.ndarray], np.ndarray], constants: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        J = differences(residual, constants)
    if not np.isfinite(J).all():
        return np.full(len(constants), np.inf)
    size = np.linalg.norm(J, axis=0)
    size[size == 0] = 1.0
    _, s, V = np.linalg.svd(J / size, full_matrices=False)
    if not s.size or s[-1] <= 1e-10 * s[0]:
        return np.full(len(constants), np.inf)
    return np.sqrt(((V.T / s) ** 2).sum(axis=1)) / size
