"""Whether two formulas are the same function: by probing first, by sympy's arithmetic second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from residuum.expressions.expression import CONSTANT, Expression, is_variable
from residuum.expressions.primitives import PRIMITIVES

POINTS = 48
TOLERANCE = 1e-9
ROUNDING = 1e-13


def equivalent(
    a: Expression,
    b: Expression,
    *,
    rng: np.random.Generator,
    domain: Mapping[str, tuple[float, float]] | None = None,
    tolerance: float = TOLERANCE,
    seconds: float = 5.0,
) -> bool:
    r"""Return whether :math:`|a - b| \\le tolerance \\max(|a|, |b|)` wherever both are defined.

    Probed at random points of `domain` (without it: reals of magnitude 0.1 to 3, of either sign
    in one half of the points and positive in the other). Points where rounding hides the answer
    are decided in 50 digits by sympy, in a process with a time limit; without an answer the
    formulas count as different, as they do where they are nowhere defined together. `x + 5` is
    not equivalent to `x`, nor `2*x` to `3*x`.
    """
    if a == b:
        return True
    names = tuple(dict.fromkeys((*a.variables, *b.variables)))
    values = _points(names, domain or {}, rng)
    same, different = _compare(a, b, values, tolerance)
    if different.any():
        return False
    if np.count_nonzero(same) >= POINTS // 4:
        return True
    from residuum.expressions.symbolic import agree

    points = [{name: float(values[name][k]) for name in names} for k in range(POINTS)]
    return bool(agree(a, b, points, tolerance=tolerance, seconds=seconds))


def _points(
    names: tuple[str, ...], domain: Mapping[str, tuple[float, float]], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    signs = rng.choice([-1.0, 1.0], size=(len(names), POINTS))
    signs[:, POINTS // 2 :] = 1.0
    free = signs * 10 ** rng.uniform(-1.0, 0.5, size=signs.shape)
    return {
        name: rng.uniform(*domain[name], size=POINTS) if name in domain else free[index]
        for index, name in enumerate(names)
    }


def _compare(
    a: Expression, b: Expression, values: Mapping[str, np.ndarray], tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return at which points the formulas surely agree and at which they surely differ."""
    (left, left_size), (right, right_size) = _probe(a, values), _probe(b, values)
    defined = np.isfinite(left) & np.isfinite(right)
    with np.errstate(all="ignore"):
        gap = np.abs(left - right)
        allowed = tolerance * np.maximum(np.abs(left), np.abs(right))
        noise = ROUNDING * np.maximum(left_size, right_size)
        same = defined & (gap + noise <= allowed)
        different = defined & (gap > allowed + noise)
    return same, different


def _probe(
    expression: Expression, values: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the values and, for rounding, the largest size met on the way to each."""

    def leaf(token: str, constant: float | None) -> tuple[Any, Any]:
        if is_variable(token):
            number = values[token]
        else:
            number = np.full(POINTS, constant if token == CONSTANT else float(token))
        return number, np.abs(number)

    def node(symbol: str, *operands: tuple[Any, Any]) -> tuple[Any, Any]:
        number = PRIMITIVES[symbol].numpy(*(operand[0] for operand in operands))
        sizes = [np.abs(number), *(operand[1] for operand in operands)]
        return number, np.max(sizes, axis=0)

    with np.errstate(all="ignore"):
        return expression.fold(leaf, node)
