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

from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression

POINTS = 256
SAME = 1e-4  # refits end within about 1e-5 of each other
HELD = 1e-6
MOST_EVALUATIONS = 60

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
    target = _values(function, points)
    defined = np.isfinite(target)
    size = float(np.sqrt(np.mean(target[defined] ** 2))) if defined.any() else 0.0
    if not family.constants or size == 0.0:
        return _apart(_values(family, points), target) < HELD
    scale = np.maximum(np.abs(family.constants), 1e-12)

    def residual(theta: np.ndarray) -> np.ndarray:
        found = _values(family.with_constants((theta * scale).tolist()), points)
        gap = (found - target)[defined] / size
        return np.where(np.isfinite(gap), gap, 1e6)

    start = np.asarray(family.constants) / scale
    found = least_squares(
        residual, start, x_scale="jac", ftol=1e-15, xtol=1e-15, gtol=1e-15,
        max_nfev=MOST_EVALUATIONS,
    )  # fmt: skip
    return bool(np.sqrt(np.mean(found.fun**2)) < HELD)


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
