"""What the compiled kernels read (`Data`) and write in (`Work`), as tuples of arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from residuum.distillers.regression import Table
from residuum.errors import UserError

LOSSES = ("squared", "relative", "logarithmic", "huber", "poisson")
SQUARED, RELATIVE, LOGARITHMIC, HUBER, POISSON = range(5)
BLOCK = 128
# Values of every instruction on every row are kept for the reverse sweep up to this many.
KEPT = 1 << 18
ELBOW = 1.345


class Data(NamedTuple):
    """A table as the kernels read it.

    `XT[p, n]`, `y[n]`, `weight[n]` (root of the precision), `whitening[r, n]` with `target[r]`
    (r = 0 where errors are independent), `starts[E+1]` the first row of each experiment, `loss`
    an index into `LOSSES`, `elbow` the weighted residual from which `huber` counts linearly.
    """

    XT: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    whitening: np.ndarray
    target: np.ndarray
    starts: np.ndarray
    loss: int
    elbow: float


class Work(NamedTuple):
    """Scratch memory for one formula at a time; made by `make_work`, shared by no two threads."""

    plan: np.ndarray  # [maxlen, 8] instructions, see planning.py
    nodes: np.ndarray  # [6, maxlen + 1] stacks and tables of the planner
    columns: np.ndarray  # [4, maxlen + maxconst + 4] of constants and of Jacobian rows
    scalars: np.ndarray  # constants, then literals
    values: np.ndarray  # of instructions, block after block
    adjoint: np.ndarray  # Jacobian rows [columns, stride], then adjoints of a block
    core: np.ndarray  # [n] value of the program
    slope: np.ndarray  # [n] derivative of the residual by the program's value
    weight: np.ndarray  # [n] of the residual, after the loss
    residual: np.ndarray  # [max(n, r)]
    plain: np.ndarray  # [2, max(n, r)] whitened core and ones
    whitened: np.ndarray  # [maxconst + 4, r]
    gram: np.ndarray  # [k, k] of the Jacobian rows and the residual
    shared: np.ndarray  # [5, k, k] normal equations of the shared parameters
    border: np.ndarray  # [E, k, k] rows of the local parameters
    factor: np.ndarray  # [E, k, k] their factors
    vectors: np.ndarray  # [8, k] scales, right sides, steps of the shared parameters
    steps: np.ndarray  # [E, 3, k] the same of the local ones
    trial: np.ndarray  # [E, maxconst]


def make_work(n: int, maxlen: int, maxconst: int, experiments: int, whitened: int = 0) -> Work:
    """Return scratch for formulas of `maxlen` nodes and `maxconst` constants on `n` rows.

    `whitened` is the number of rows of the whitening matrix.
    """
    size, rows = maxconst + 4, max(n, whitened, 1)
    padded = n + 8 * (experiments + 1)
    keep = min(padded * (maxlen + 1), max(KEPT, (BLOCK + 8) * (maxlen + 1)))
    jacobian = (size + maxlen // 2) * padded
    return Work(
        plan=np.zeros((maxlen + 1, 8), np.int64),
        nodes=np.zeros((6, maxlen + 2), np.int64),
        columns=np.zeros((4, maxlen + size), np.int64),
        scalars=np.zeros(maxconst + maxlen),
        values=_aligned(keep),
        adjoint=_aligned(jacobian + (maxlen + 2) * (BLOCK + 8)),
        core=_aligned(n),
        slope=_aligned(n),
        weight=_aligned(n),
        residual=_aligned(rows),
        plain=np.zeros((2, rows)),
        whitened=np.zeros((size, whitened)),
        gram=np.zeros((size, size)),
        shared=np.zeros((5, size, size)),
        border=np.zeros((experiments, size, size)),
        factor=np.zeros((experiments, size, size)),
        vectors=np.zeros((8, size)),
        steps=np.zeros((experiments, 3, size)),
        trial=np.zeros((experiments, maxconst)),
    )


def data_of(table: Table, loss: str = "squared") -> Data:
    """Return a table as the kernels read it; raises UserError where the loss cannot be taken."""
    if loss not in LOSSES:
        raise UserError("unknown loss", expected=f"one of {', '.join(LOSSES)}", found=repr(loss))
    y = np.array(table.y, dtype=np.float64)
    _check(y, loss, table.whitening is not None)
    n = len(y)
    known = table.precision is not None
    whitening = np.zeros((0, n)) if table.whitening is None else table.whitening
    target = np.zeros(0) if table.target is None else table.target
    return Data(
        XT=np.array(table.X.T, dtype=np.float64, order="C"),
        y=y,
        weight=np.sqrt(np.array(table.precision, dtype=np.float64)) if known else np.ones(n),
        whitening=np.array(whitening, dtype=np.float64, order="C"),
        target=np.array(target, dtype=np.float64),
        starts=np.searchsorted(table.experiment, np.arange(table.experiments + 1)).astype(np.int64),
        loss=LOSSES.index(loss),
        # Without known errors, a tenth of the spread of y stands for one standard deviation.
        elbow=ELBOW if known else 0.1 * ELBOW * max(float(np.std(y)), 1e-300),
    )


def _check(y: np.ndarray, loss: str, whitened: bool) -> None:
    if whitened and loss != "squared":
        raise UserError(f"loss {loss!r} is not defined for correlated errors", expected="'squared'")
    if loss in ("relative", "logarithmic") and np.any(y == 0.0):
        raise UserError(f"loss {loss!r} divides by values that are zero", expected="values not 0")
    if loss == "poisson" and np.any(y < 0.0):
        raise UserError("loss 'poisson' is of counts", expected="values of 0 or more")


def _aligned(size: int) -> np.ndarray:
    """Return zeros that start on a line of the cache, as wide vector registers like it."""
    found = np.zeros(size + 8)
    shift = (-found.ctypes.data % 64) // 8
    return found[shift : shift + size]
