r"""Where the search starts, too: formulas that jump, with the jump where the values have it.

For every argument :math:`x` the place :math:`\tau` is taken at which two straight lines, one on
either side, leave the least squares. From there start :math:`\mathrm{sign}(x - \tau)`, alone, times
a line and beside one, and a line on one side with nothing on the other. No derivative would move
:math:`\tau`, so the search by itself seldom finds it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from residuum.distillers.genetic.seeding import Instruction
from residuum.distillers.genetic.trees import ADD, CONSTANT, LITERAL, MUL, SIGN, SUB, VARIABLE

FEWEST = 4  # points on either side
ONE: Instruction = (LITERAL, 1)


def jump_laws(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray, operators: frozenset[int]
) -> Iterator[list[Instruction]]:
    """Yield formulas with one jump; `X[p, m]` are the arguments, `y[m]` the values at the probes.

    There are none where `operators` (codes of instructions) hold no `sign`.
    """
    if not operators.issuperset((SIGN, ADD, SUB, MUL)):
        return
    for place, x in enumerate(X):
        if (found := split(x, y, weight)) is not None:
            yield from _formulas(place, *found)


def split(
    x: np.ndarray, y: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray] | None:
    """Return where two lines meet the values best, and the lines (offset, slope) on either side.

    None where there are too few different points.
    """
    good = np.isfinite(x) & np.isfinite(y) & np.isfinite(weight)
    order = np.argsort(x[good], kind="stable")
    x, y, w = (v[good][order] for v in (x, y, weight**2))
    edges = np.flatnonzero(np.diff(x) > 0) + 1
    edges = edges[(edges >= FEWEST) & (edges <= len(x) - FEWEST)]
    if not len(edges):
        return None
    # Centred, so that the sums lose no digits.
    middle = float(np.mean(x))
    z = x - middle
    sums = np.cumsum(np.stack([w, w * z, w * z * z, w * y, w * z * y, w * y * y]), axis=1)
    before = sums[:, edges - 1]
    after = sums[:, -1:] - before
    k = int(np.argmin(_left(before) + _left(after)))
    lines = [_line(part[:, k], middle) for part in (before, after)]
    return 0.5 * float(x[edges[k] - 1] + x[edges[k]]), lines[0], lines[1]


def _left(sums: np.ndarray) -> np.ndarray:
    """Return the weighted squares that a line leaves, from sums `[6, k]`."""
    w, wz, wzz, wy, wzy, wyy = sums
    with np.errstate(all="ignore"):
        spread, common = wzz - wz**2 / w, wzy - wz * wy / w
        left = wyy - wy**2 / w - np.where(spread > 0, common**2 / spread, 0.0)
    return np.where(np.isfinite(left), left, np.inf)


def _line(sums: np.ndarray, middle: float) -> np.ndarray:
    """Return offset and slope of the best line."""
    w, wz, wzz, wy, wzy, _ = sums
    spread = wzz - wz**2 / w
    slope = (wzy - wz * wy / w) / spread if spread > 0 else 0.0
    return np.array([wy / w - slope * (wz / w + middle), slope])


def _formulas(
    place: int, jump: float, before: np.ndarray, after: np.ndarray
) -> Iterator[list[Instruction]]:
    x: Instruction = (VARIABLE, place)
    side: list[Instruction] = [x, (CONSTANT, jump), (SUB, 0), (SIGN, 0)]
    yield side
    yield [*side, x, (MUL, 0)]
    for line, steps in (
        (after, [*side, ONE, (ADD, 0)]),
        (before, [ONE, *side, (SUB, 0)]),
    ):
        yield steps
        if line[1]:
            yield [x, (CONSTANT, float(line[0] / line[1])), (ADD, 0), *steps, (MUL, 0)]
    mean, half = 0.5 * (before + after), 0.5 * (after - before)
    yield [*_of_line(x, mean), *_of_line(x, half), *side, (MUL, 0), (ADD, 0)]


def _of_line(x: Instruction, line: np.ndarray) -> list[Instruction]:
    return [x, (CONSTANT, float(line[1])), (MUL, 0), (CONSTANT, float(line[0])), (ADD, 0)]
