r"""How sure the data make us of a constant: intervals by profile likelihood.

The profile of a constant :math:`\theta_j` is the smallest deviance over all other unknowns with
:math:`\theta_j` held; the interval is where it rises by no more than
:math:`n \log(1 + t^2/(n - k))`, the exact small-sample counterpart of the chi-square quantile for
an unknown noise level (t: Student's quantile with n - k degrees of freedom).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from residuum.laws.refit import Precision, Refit, fit_system, restart
from residuum.laws.system import FitData, System

MOST_EVALUATIONS = 12
PROFILE = Precision(step=1e-7, defect=1e-8, floor=1e-7, iterations=40, most_steps=400)


def threshold(data: FitData, unknowns: int, confidence: float) -> float:
    """Return the rise in deviance at the ends of an interval; see the module."""
    n, p = data.count, 0.5 * (1.0 + confidence)
    if np.all(data.known[(data.weights > 0).any(axis=0)] > 0):
        return float(norm.ppf(p) ** 2)
    free = max(n - unknowns, 1)
    return float(n * math.log1p(student.ppf(p, free) ** 2 / free))


def profile_interval(
    system: System,
    data: FitData,
    fit: Refit,
    name: str,
    *,
    confidence: float,
    by: Callable[..., Refit] = fit_system,
) -> tuple[float, float]:
    """Return the ends of the interval of one unknown; infinite where the data set no end.

    `by` fits the others while one is held.
    """
    place = fit.unknowns.index(name)
    rise = threshold(data, len(fit.theta) + data.initial_values, confidence)
    centre, se = float(fit.theta[place]), float(fit.standard_errors[place])
    if not math.isfinite(se) or se <= 0.0:
        return -math.inf, math.inf
    started = restart(data, fit)

    def excess(value: float) -> float:
        held = by(
            system, started, fit.hidden, precision=PROFILE, held={name: value}, steps=fit.steps
        )
        return held.deviance - fit.deviance

    low, high = (_end(excess, centre, side * se, rise) for side in (-1.0, 1.0))
    return max(low, float(system.low[place])), min(high, float(system.high[place]))


def _end(excess: Callable[[float], float], centre: float, se: float, rise: float) -> float:
    """Return where the profile has risen by `rise`, walking from `centre` in the sign of `se`.

    The square root of the rise is nearly linear in the constant, so secant steps on it converge
    in two or three evaluations.
    """
    goal = math.sqrt(rise)
    inner, inner_value = 0.0, 0.0
    outer, outer_value = goal, math.nan
    for _ in range(MOST_EVALUATIONS):
        found = excess(centre + outer * se)
        outer_value = math.sqrt(max(found, 0.0)) if math.isfinite(found) else math.inf
        if abs(outer_value - goal) < 1e-3 * goal:
            break
        if outer_value < goal:
            if outer > 1e3 * goal:
                return math.copysign(math.inf, se)
            inner, inner_value = outer, outer_value
            slope = outer_value / outer
            outer = min(goal / max(slope, 1e-6), 3.0 * outer)
        elif math.isinf(outer_value):
            outer = 0.5 * (inner + outer)
        else:
            share = (goal - inner_value) / (outer_value - inner_value)
            outer = inner + min(max(share, 0.05), 0.999) * (outer - inner)
    return centre + outer * se
