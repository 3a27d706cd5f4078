r"""How long it takes to write down a formula and its residuals.

.. math:: D = \frac{n}{2} \log \max(\ell, \ell_0) + \frac{k}{2} \log n + \sum r + s

in nats, for mean squared residual :math:`\ell` of `n` values, `k` fitted constants, round
constants of code length `r` and structure of code length `s` (`front.formula_nats`). Below
:math:`\ell_0` the residuals are rounding, and one formula is as good as the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from residuum.distillers.front import formula_nats
from residuum.distillers.refine.fitting import Fit
from residuum.distillers.refine.formulas import Refined
from residuum.distillers.refine.rounding import round_nats
from residuum.expressions.expression import Expression

# Share of the largest mean square below which a loss is rounding: for a formula whose constants
# were polished, and for the choice among formulas, some of which are worse conditioned.
EXACT = 1e-20
ROUNDING = 1e-18


@dataclass(frozen=True, slots=True)
class Noise:
    """What the residuals of the true formula are like: their variance, from `rows` values.

    A mean square below `floor` is rounding.
    """

    variance: float
    rows: int
    floor: float

    @classmethod
    def of(cls, fits: Sequence[Fit], rows: int) -> Noise:
        """Return the noise that the formula of shortest description leaves."""
        scale = scale_of(fit.loss for fit in fits)
        floor = max(EXACT * scale, 1e-300)

        def length(fit: Fit) -> float:
            return description(fit.expression, fit.loss, fit.spreads, rows, floor)

        usable = [f for f in fits if math.isfinite(f.loss) and f.free < rows]
        if not usable:
            return cls(math.inf, rows, floor)
        best = min(usable, key=length)
        return cls(max(best.loss * rows / (rows - best.free), floor), rows, floor)

    def rise(self, before: float, after: float) -> float:
        """Return how much longer the residuals are to write down, in nats."""
        return 0.5 * self.rows * (after - before) / self.variance

    def insignificant(self, before: float, after: float, constants: int) -> bool:
        """Tell whether a rise in loss is no more than `constants` fewer would explain."""
        return self.rise(before, after) <= 0.5 * max(constants, 1) * math.log(max(self.rows, 3))


def scale_of(losses: Iterable[float]) -> float:
    """Return the largest finite loss, that of a formula that explains nothing."""
    return max((loss for loss in losses if math.isfinite(loss)), default=0.0)


def description(
    expression: Expression, loss: float, spreads: Sequence[float], rows: int, floor: float
) -> float:
    """Return D of the module; constants of spread zero are round numbers."""
    if not math.isfinite(loss):
        return math.inf
    each = 0.5 * math.log(max(rows, 2))
    constants = sum(
        each if spread > 0 else min(each, round_nats(value))
        for value, spread in zip(expression.constants, spreads, strict=True)
    )
    residuals = 0.5 * rows * math.log(max(loss, floor, 1e-300))
    return residuals + constants + formula_nats(expression)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which formula was chosen, by place, and why, in sentences."""

    index: int
    reasons: tuple[str, ...]


def choose(refined: Sequence[Refined], n: int, *, scale: float | None = None) -> Chosen:
    """Return the formula of shortest description for `n` values.

    `scale` is the mean square of the weighted target about its mean, the largest loss if not
    given; formulas below 1e-18 of it are equally exact, and the shortest of them is taken.
    Raises ValueError when no formula has a finite loss.
    """
    usable = [k for k, row in enumerate(refined) if math.isfinite(row.loss)]
    if not usable:
        raise ValueError("expected a formula with a finite loss")
    size = scale_of(row.loss for row in refined) if scale is None else scale
    floor = ROUNDING * size
    lengths = {k: _length(refined[k], n, floor) for k in usable}
    order = sorted(usable, key=lambda k: (lengths[k], refined[k].complexity, k))
    best = order[0]
    reasons = []
    if refined[best].loss <= floor:
        reasons.append("Its residuals are rounding errors; no shorter formula's are.")
    if len(order) > 1:
        gap = lengths[order[1]] - lengths[best]
        reasons.append(f"Its description is {gap:.1f} nats shorter than the next formula's.")
    return Chosen(best, tuple(reasons))


def _length(row: Refined, n: int, floor: float) -> float:
    spreads = [high - low for low, high in row.intervals]
    spreads += [1.0] * (len(row.expression.constants) - len(spreads))
    local = sum(len(values) for values in row.local.values()) * 0.5 * math.log(max(n, 2))
    return description(row.expression, row.loss, spreads, n, floor) + local
