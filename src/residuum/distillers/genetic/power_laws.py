r"""Where the search starts, too: power laws, alone and times one function of one block.

With a function :math:`g` of the table below, a block :math:`e` of the stock and a factor `b`,

.. math:: \log|y| = c + \sum_i p_i \log|x_i| + s \log|g(b\,e)|

is linear in `c`, `p` and `s`. All blocks and a range of `b` are tried at once: what a column adds
to the regression costs one product with what is left of it. The best, their exponents rounded, are
formulas to start from: the factors of Arrhenius, Bose and Einstein, Fermi and Dirac, Lorentz,
Michaelis, and oscillations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from residuum.distillers.genetic.seeding import Instruction
from residuum.distillers.genetic.trees import (
    ADD,
    CONSTANT,
    COS,
    EXP,
    INTEGER_POWER,
    LITERAL,
    MUL,
    SIN,
    SQRT,
    SUB,
    VARIABLE,
)
from residuum.distillers.genetic.variation import Blocks

LARGEST_POWER = 6
MOST_BLOCKS = 600  # the simplest
KEPT = 6  # of each function, and as many with a factor
ZOOMED = 40
STEP = 0.25  # of the logarithm of the factors tried
CLOSE = 1e-4
# Of the median block: blocks may range over many powers of ten.
FACTORS = np.concatenate([sign * 10.0 ** np.arange(-2.5, 1.6, STEP) for sign in (1.0, -1.0)])


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a block times a factor: logarithm of its size, instructions, operators."""

    log: Callable[[np.ndarray], np.ndarray]
    steps: tuple[Instruction, ...]
    needs: tuple[int, ...]


FUNCTIONS: dict[str, Function] = {
    "1 + z": Function(lambda z: np.log(np.abs(1 + z)), ((LITERAL, 1), (ADD, 0)), (ADD,)),
    "1 - z": Function(lambda z: np.log(np.abs(1 - z)), ((LITERAL, 1), (SUB, 0)), (SUB,)),
    "exp(z)": Function(lambda z: z, ((EXP, 0),), (EXP,)),
    "exp(z) - 1": Function(
        lambda z: np.log(np.abs(np.expm1(z))), ((EXP, 0), (LITERAL, 1), (SUB, 0)), (EXP, SUB)
    ),
    "exp(z) + 1": Function(
        lambda z: np.logaddexp(z, 0.0), ((EXP, 0), (LITERAL, 1), (ADD, 0)), (EXP, ADD)
    ),
    "sin(z)": Function(lambda z: np.log(np.abs(np.sin(z))), ((SIN, 0),), (SIN,)),
    "cos(z)": Function(lambda z: np.log(np.abs(np.cos(z))), ((COS, 0),), (COS,)),
}


def power_laws(X: np.ndarray, y: np.ndarray, roots: bool) -> Iterator[list[Instruction]]:
    r"""Yield :math:`\prod_i x_i^{p_i}` with the exponents of a regression of logarithms, rounded.

    `X[p, m]` are the arguments; exponents are rounded to whole and, with `roots`, half numbers.
    """
    design, target, good = _logarithms(X, y)
    if good.sum() <= len(X) + 1:
        return
    exponents = np.linalg.lstsq(design, target, rcond=None)[0][1:]
    for step in (1.0, 0.5) if roots else (1.0,):
        rounded = np.round(exponents / step) * step
        if np.any(rounded) and np.all(np.abs(rounded) <= LARGEST_POWER):
            yield _product(_powers(rounded))


def factored_laws(
    X: np.ndarray, y: np.ndarray, blocks: Blocks, operators: frozenset[int]
) -> Iterator[list[Instruction]]:
    r"""Yield :math:`\prod_i x_i^{p_i}\, g(b\,e)^s` for the functions of the table.

    `X[p, m]` are the arguments at the probe points, `y[m]` the values; whole numbers are exponents,
    and halves where `operators` (codes of instructions) hold the root.
    """
    design, target, good = _logarithms(X, y)
    if good.sum() <= len(X) + 3 or not operators.issuperset((MUL, INTEGER_POWER)):
        return
    scan = _Scan.of(design, target)
    values = blocks.values[:MOST_BLOCKS][:, good]
    step = 0.5 if SQRT in operators else 1.0
    for function in FUNCTIONS.values():
        if not operators.issuperset(function.needs):
            continue
        for place, factor in _best(scan, values, function):
            with np.errstate(all="ignore"):
                column = function.log(factor * values[place])
            solution = scan.solve(column)
            if function.steps == ((EXP, 0),):
                factor, solution[-1] = factor * solution[-1], 1.0
            powers = np.round(solution[1:] / step) * step
            if powers[-1] and np.all(np.abs(powers) <= LARGEST_POWER):
                inner = [*_block(blocks, place, factor), *function.steps]
                parts = _powers(powers[:-1])
                yield _product([*parts, (inner, float(powers[-1]))])


@dataclass(frozen=True, slots=True)
class _Scan:
    """A regression, and how much one more column would add to it."""

    design: np.ndarray
    target: np.ndarray
    basis: np.ndarray
    left: np.ndarray

    @classmethod
    def of(cls, design: np.ndarray, target: np.ndarray) -> _Scan:
        basis = np.linalg.qr(design)[0]
        return cls(design, target, basis, target - basis @ (basis.T @ target))

    def gain(self, columns: np.ndarray) -> np.ndarray:
        """Return the share of what is left that each row of `columns` explains."""
        with np.errstate(all="ignore"):
            rest = columns - (columns @ self.basis) @ self.basis.T
            size = np.sum(rest**2, axis=1)
            share = (rest @ self.left) ** 2 / (size * max(float(self.left @ self.left), 1e-300))
            usable = size > 1e-12 * np.sum(columns**2, axis=1)
        return np.where(usable & np.isfinite(share), share, -1.0)

    def solve(self, column: np.ndarray) -> np.ndarray:
        """Return constant, exponents of the arguments and the one of the column."""
        design = np.column_stack([self.design, column])
        return np.linalg.lstsq(design, self.target, rcond=None)[0]


def _best(scan: _Scan, values: np.ndarray, function: Function) -> list[tuple[int, float]]:
    """Return the best blocks as they are, and the best with a factor."""
    with np.errstate(all="ignore"):
        plain = scan.gain(function.log(values))
        if function.steps == ((EXP, 0),):
            return [(k, 1.0) for k in _largest(plain)]
        size = np.median(np.abs(values), axis=1)
        usable = np.flatnonzero(np.isfinite(size) & (size > 0))
        tried = FACTORS[None] / size[usable, None]
        columns = function.log(tried[:, :, None] * values[usable, None])
    gains = scan.gain(columns.reshape(-1, values.shape[1])).reshape(tried.shape)
    coarse = tried[np.arange(len(usable)), np.argmax(gains, axis=1)]
    order = np.argsort(-gains.max(axis=1), kind="stable")[:ZOOMED]
    zoomed = [_zoomed(scan, values[usable[k]], function, float(coarse[k])) for k in order]
    chosen = [(int(usable[order[k]]), zoomed[k][1]) for k in _largest([gain for gain, _ in zoomed])]
    return [*((k, 1.0) for k in _largest(plain)), *chosen]


def _zoomed(
    scan: _Scan, values: np.ndarray, function: Function, factor: float
) -> tuple[float, float]:
    """Return gain and factor of the best near one of the table, found on finer and finer ones."""
    reach, best = STEP, -1.0
    while reach > CLOSE:
        near = factor * 10.0 ** np.linspace(-reach, reach, 9)
        with np.errstate(all="ignore"):
            gains = scan.gain(function.log(near[:, None] * values))
        place = int(np.argmax(gains))
        best, factor, reach = float(gains[place]), float(near[place]), reach / 4
    return best, factor


def _largest(gains: Sequence[float] | np.ndarray) -> list[int]:
    order = np.argsort(-np.asarray(gains), kind="stable")[:KEPT]
    return [int(k) for k in order if gains[k] > 0]


def _block(blocks: Blocks, place: int, factor: float) -> list[Instruction]:
    n = int(blocks.length[place])
    steps = [(int(blocks.codes[place, i]), float(blocks.args[place, i])) for i in range(n)]
    return steps if factor == 1.0 else [*steps, (CONSTANT, factor), (MUL, 0)]


def _logarithms(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `[1, log|x|]` and `log|y|` on the probe points where all are finite, and which."""
    with np.errstate(all="ignore"):
        logs = np.log(np.abs(np.vstack([X, y])))
    good = np.isfinite(logs).all(axis=0)
    return np.vstack([np.ones(good.sum()), logs[:-1, good]]).T, logs[-1, good], good


def _product(parts: Sequence[tuple[Sequence[Instruction], float]]) -> list[Instruction]:
    """Return the product of parts with their exponents, whole or half numbers."""
    steps: list[Instruction] = []
    for part, power in parts:
        if not power:
            continue
        first = not steps
        steps += part
        if not power.is_integer():
            steps.append((SQRT, 0))
            power *= 2
        if power != 1:
            steps.append((INTEGER_POWER, int(power)))
        if not first:
            steps.append((MUL, 0))
    return steps


def _powers(exponents: np.ndarray) -> list[tuple[Sequence[Instruction], float]]:
    """Return each argument with its exponent."""
    return [([(VARIABLE, float(k))], float(power)) for k, power in enumerate(exponents)]
