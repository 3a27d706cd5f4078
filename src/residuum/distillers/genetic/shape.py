"""What a formula does on the box of the samples: its symmetry, sign and trends.

Every property is a relation between the values at two probe points; a formula that breaks one
after its constants were fitted is as bad as one that is not finite.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from residuum.distillers.genetic.compiled import compiled
from residuum.distillers.genetic.machine import evaluate
from residuum.distillers.genetic.workspace import Data

EQUAL, OPPOSITE, RISING, FALLING, POSITIVE, NEGATIVE = range(6)
# Of the root mean square on the probe points, or of the data where a pole makes the former large.
SLACK = 1e-7
ROUNDING = 1e-12  # of the two values


class Shape(NamedTuple):
    """Relations `kind[r]` between the values at the probe points `first[r]` and `second[r]`.

    `size` is the root mean square of the data's values.
    """

    data: Data
    first: np.ndarray
    second: np.ndarray
    kind: np.ndarray
    size: float


@compiled
def holds(values, first, second, kind, size):
    """Tell whether finite values satisfy all relations."""
    total = 0.0
    for value in values:
        total += value * value
    if not math.isfinite(total):
        return False
    slack = SLACK * min(math.sqrt(total / max(len(values), 1)), size)
    for r in range(len(kind)):
        a, b = values[first[r]], values[second[r]]
        if kind[r] == EQUAL:
            wrong = abs(a - b)
        elif kind[r] == OPPOSITE:
            wrong = abs(a + b)
        elif kind[r] == RISING:
            wrong = a - b
        elif kind[r] == FALLING:
            wrong = b - a
        elif kind[r] == POSITIVE:
            wrong = -a
        else:
            wrong = a
        if wrong > slack + ROUNDING * (abs(a) + abs(b)):
            return False
    return True


@compiled
def keeps(codes, args, length, constants, wrap, linear, shape, work):
    """Tell whether a fitted formula has the shape; free where nothing is asked."""
    if len(shape.kind) == 0:
        return True
    values = np.empty(len(shape.data.y))
    evaluate(codes, args, length, constants, shape.data, work, values)
    for j in range(len(values)):
        if wrap > 0:
            values[j] *= linear[0]
        if wrap == 2:
            values[j] += linear[1]
    return holds(values, shape.first, shape.second, shape.kind, shape.size)
