r"""Whether two formulas are one function, and whether one family of functions holds another.

Formulas that differ in writing alone, :math:`a x/(1 + b x)` and :math:`x/(c + d x)`, are no rivals:
fitted to the same data they are the same function. A family :math:`f(x; \theta)` holds a function
:math:`g` where :math:`\min_\theta \|f(\cdot; \theta) - g\| = 0` on the box of the arguments.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import qmc

from residuum.expressions.calculus import multiply
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import CONSTANT, Expression
from residuum.laws.shape import inside

POINTS = 256
SAME = 1e-4  # refits end within about 1e-5 of each other
HELD = 1e-6
DEFICIENT = 1e-7
MOST_EVALUATIONS = 60
FAR = 1e6  # a residual, in sizes of the function, that is as wrong as any

Points = Mapping[str, np.ndarray]


def box_points(arguments: tuple[str, ...], support: np.ndarray) -> dict[str, np.ndarray]:
    """Return `POINTS` points that fill the box `support[a, 2]` evenly, by argument."""
    if not arguments:
        return {}
    share = qmc.Halton(len(arguments), scramble=False).random(POINTS)
    low, high = support[:, 0], support[:, 1]
    return dict(zip(arguments, (low + share * (high - low)).T, strict=True))


def same_function(a: Expression, b: Expression, points: Points) -> bool:
    """Tell whether two formulas with their constants agree to a share `SAME` of their size."""
    return _apart(_values(a, points), _values(b, points)) < SAME


def holds(family: Expression, function: Expression, points: Points) -> bool:
    """Tell whether other constants of `family` give `function`, searched from those it has."""
    return _matched(family, function, points) is not None


def _matched(family: Expression, function: Expression, points: Points) -> Expression | None:
    """Return the family with the constants that give the function, None where none do."""
    target = _values(function, points)
    defined = np.isfinite(target)
    size = float(np.sqrt(np.mean(target[defined] ** 2))) if defined.any() else 0.0
    if not family.constants or size == 0.0:
        return family if _apart(_values(family, points), target) < HELD else None
    scale = np.maximum(np.abs(family.constants), 1e-12)

    def residual(theta: np.ndarray) -> np.ndarray:
        found = _values(family.with_constants((theta * scale).tolist()), points)
        gap = (found - target)[defined] / size
        # Their squares are to stay finite too, which those of a runaway formula would not.
        return np.clip(np.where(np.isfinite(gap), gap, FAR), -FAR, FAR)

    found = least_squares(
        residual, np.asarray(family.constants) / scale, x_scale="jac",
        ftol=1e-15, xtol=1e-15, gtol=1e-15, max_nfev=MOST_EVALUATIONS,
    )  # fmt: skip
    if not np.sqrt(np.mean(found.fun**2)) < HELD:
        return None
    return family.with_constants((found.x * scale).tolist())


def without_redundancy(expression: Expression, points: Points) -> Expression:
    """Return the same family with as many constants as it has directions.

    One constant after the other that the rest can make up for becomes the number one:
    `a*x/(c + b*x)` becomes `a*x/(1 + b*x)`. Those inside terms go first.
    """
    while _deficient(expression, points):
        order = sorted(range(len(expression.constants)), key=lambda k: _rank(expression, k))
        for place in order:
            fewer = _matched(_with_one(expression, place), expression, points)
            if fewer is not None:
                expression = _without_ones(fewer)
                break
        else:
            return expression
    return expression


def _rank(expression: Expression, place: int) -> tuple[bool, bool, int]:
    """Return where a constant stands in the order of trials: summands inside terms first."""
    spot = [i for i, token in enumerate(expression.tokens) if token == CONSTANT][place]
    summand = expression.tokens[spot - 1] in ("+", "-") if spot else False
    return inside(expression)[place] is None, not summand, place


def _with_one(expression: Expression, place: int) -> Expression:
    """Return the formula with one constant replaced by one, its scale by that of the others."""
    spot = [i for i, token in enumerate(expression.tokens) if token == CONSTANT][place]
    tokens = (*expression.tokens[:spot], "1", *expression.tokens[spot + 1 :])
    value = expression.constants[place] or 1.0
    rest = [c for k, c in enumerate(expression.constants) if k != place]
    same = inside(expression)
    # Constants of one quotient scale together; the search does the rest.
    kept = [k for k in range(len(expression.constants)) if k != place]
    rest = [
        c / value if same[k] == same[place] or same[k] is None else c
        for k, c in zip(kept, rest, strict=True)
    ]
    return Expression(tokens, tuple(rest))


def _without_ones(expression: Expression) -> Expression:
    """Return the formula without factors of the literal one."""

    def leaf(token: str, constant: float | None) -> Expression:
        return Expression.number(constant) if constant is not None else Expression((token,))

    def node(symbol: str, *operands: Expression) -> Expression:
        if symbol == "*":
            return multiply(*operands)
        return Expression.apply(symbol, *operands)

    return expression.fold(leaf, node)


def _deficient(expression: Expression, points: Points) -> bool:
    """Tell whether some direction of the constants changes nothing on the box."""
    columns = []
    for k, value in enumerate(expression.constants):
        step = 1e-5 * (abs(value) or 1.0)
        sides = []
        for sign in (1.0, -1.0):
            moved = [*expression.constants]
            moved[k] = value + sign * step
            sides.append(_values(expression.with_constants(moved), points))
        columns.append((sides[0] - sides[1]) / 2e-5)
    jacobian = np.stack(columns, axis=1) if columns else np.zeros((POINTS, 0))
    jacobian = jacobian[np.isfinite(jacobian).all(axis=1)]
    if len(jacobian) <= jacobian.shape[1]:
        return False
    norms = np.linalg.norm(jacobian, axis=0)
    if not norms.all():
        return True
    sizes = np.linalg.svd(jacobian / norms, compute_uv=False)
    return bool(len(sizes) and sizes[-1] < DEFICIENT * sizes[0])


def _values(expression: Expression, points: Points) -> np.ndarray:
    values = evaluate(expression, points)
    return np.broadcast_to(values, (POINTS,))


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest difference over the rms, infinite where too little is defined."""
    both = np.isfinite(a) & np.isfinite(b)
    if np.count_nonzero(both) < POINTS // 2:
        return np.inf
    size = float(np.sqrt(np.mean(b[both] ** 2)))
    gap = float(np.abs(a - b)[both].max())
    return gap / size if size else (0.0 if gap == 0.0 else np.inf)
