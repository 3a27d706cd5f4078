r"""How long it takes to write down a formula and its residuals.

.. math:: D = \frac{n}{2} \log \ell + k \log\sqrt{n\,s/\ell} + \sum r + c

in nats, for mean squared residual :math:`\ell` of `n` values that vary by :math:`s`, `k` fitted
constants, each told to the precision that the residuals leave it, round constants of code length
`r` and structure of code length `c` (`front.formula_nats`). So every fitted constant takes one
value off those that count as explained, and six constants through six points explain nothing.
Below a floor residuals are rounding, and one formula is as good as the other. With a flat prior on
the logarithm of the noise this is the evidence (Bayarri et al. 2012, doi:10.1214/12-AOS1013).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from residuum.distillers.front import formula_nats
from residuum.distillers.refine.fitting import Fit
from residuum.distillers.refine.formulas import Refined
from residuum.distillers.refine.rounding import round_nats
from residuum.expressions.expression import Expression

# Share of the largest mean square below which a loss is rounding: for a formula whose constants
# were polished, and for the choice among formulas, some of which are worse conditioned.
EXACT = 1e-20
ROUNDING = 1e-18
# Nats above the shortest description that are hardly evidence (odds of 7 to 1; lengths of whole
# laws are twice these), and the share above the least error of prediction that is no difference.
TIE = 2.0
CLOSE = 0.1


@dataclass(frozen=True, slots=True)
class Noise:
    """What the residuals of the true formula are like: their variance, from `rows` values.

    A mean square below `floor` is rounding; `scale` is the loss of the best constant.
    """

    variance: float
    rows: int
    floor: float
    scale: float

    @classmethod
    def of(cls, fits: Sequence[Fit], rows: int) -> Noise:
        """Return the noise that the formula of shortest description leaves."""
        scale = scale_of(fits)
        noise = cls(math.inf, rows, max(EXACT * scale, 1e-300), scale)
        usable = [f for f in fits if math.isfinite(f.loss) and f.free < rows]
        if not usable:
            return noise
        best = min(usable, key=noise.length)
        return replace(noise, variance=max(best.loss * rows / (rows - best.free), noise.floor))

    def length(self, fit: Fit) -> float:
        """Return how long a fitted formula and its residuals are to write down, in nats."""
        return description(
            fit.expression, fit.loss, fit.spreads, self.rows, floor=self.floor, scale=self.scale
        )

    def rise(self, before: float, after: float) -> float:
        """Return how much longer the residuals are to write down, in nats."""
        return 0.5 * self.rows * (after - before) / self.variance

    def insignificant(self, before: float, after: float, constants: int) -> bool:
        """Tell whether a rise in loss is no more than `constants` fewer would explain."""
        return self.rise(before, after) <= 0.5 * max(constants, 1) * math.log(max(self.rows, 3))


def scale_of(fits: Iterable[Fit | Refined]) -> float:
    """Return how much the values vary: the loss of the best constant, else the largest loss."""
    losses = [(f.loss, bool(f.expression.variables)) for f in fits if math.isfinite(f.loss)]
    constant = [loss for loss, varies in losses if not varies]
    return min(constant) if constant else max((loss for loss, _ in losses), default=0.0)


def description(
    expression: Expression,
    loss: float,
    spreads: Sequence[float],
    rows: int,
    *,
    floor: float,
    scale: float,
) -> float:
    """Return D of the module; constants of spread zero are round numbers."""
    if not math.isfinite(loss):
        return math.inf
    left = max(loss, floor, 1e-300)
    each = constant_nats(left, rows, scale)
    constants = sum(
        each if spread > 0 else min(each, round_nats(value))
        for value, spread in zip(expression.constants, spreads, strict=True)
    )
    # A round exponent is paid for as a constant: as structure it would be paid for twice.
    open_form = expression.with_constants([math.e + k / 7 for k in range(len(spreads))])
    return 0.5 * rows * math.log(left) + constants + formula_nats(open_form)


def constant_nats(loss: float, rows: int, scale: float) -> float:
    """Return the code length of a fitted constant, log of its range over its precision."""
    return 0.5 * (math.log(max(rows, 2)) + max(0.0, math.log(max(scale, 1e-300) / loss)))


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which formula was chosen, by place, and why, in sentences."""

    index: int
    reasons: tuple[str, ...]


def choose(refined: Sequence[Refined], n: int, *, scale: float | None = None) -> Chosen:
    """Return the formula of shortest description for `n` values.

    Among those within `TIE` nats of it the first is taken whose error on values left out of the fit
    is within a share `CLOSE` of the least. `scale` is the mean square of the weighted target about
    its mean, the loss of the best constant if not given; formulas below 1e-18 of it are equally
    exact, and the shortest of them is taken. Raises ValueError when no formula has a finite loss.
    """
    usable = [k for k, row in enumerate(refined) if math.isfinite(row.loss)]
    if not usable:
        raise ValueError("expected a formula with a finite loss")
    size = scale_of(refined) if scale is None else scale
    floor = ROUNDING * size
    lengths = {k: _length(refined[k], n, floor, size) for k in usable}
    order = sorted(usable, key=lambda k: (lengths[k], refined[k].complexity, k))
    if refined[order[0]].loss <= floor:
        exact = "Its residuals are rounding errors; no shorter formula's are."
        return Chosen(order[0], (exact, *_gap(order, lengths)))
    ties = [k for k in order if lengths[k] <= lengths[order[0]] + TIE]
    least = min(refined[k].left_out for k in ties)
    # Where one of them is not known no comparison holds, and the shortest stays.
    known = not any(math.isnan(refined[k].left_out) for k in ties)
    best = next((k for k in ties if known and refined[k].left_out <= (1 + CLOSE) * least), order[0])
    if best == order[0]:
        return Chosen(best, _gap(order, lengths))
    gap = lengths[best] - lengths[order[0]]
    reason = (
        f"Its description is {gap:.1f} nats longer than the shortest, which is no evidence; it "
        "predicts values left out of the fit better."
    )
    return Chosen(best, (reason,))


def _gap(order: Sequence[int], lengths: Mapping[int, float]) -> tuple[str, ...]:
    if len(order) < 2:
        return ()
    gap = lengths[order[1]] - lengths[order[0]]
    return (f"Its description is {gap:.1f} nats shorter than the next formula's.",)


def _length(row: Refined, n: int, floor: float, scale: float) -> float:
    spreads = [high - low for low, high in row.intervals]
    spreads += [1.0] * (len(row.expression.constants) - len(spreads))
    each = constant_nats(max(row.loss, floor, 1e-300), n, scale)
    local = sum(len(values) for values in row.local.values()) * each
    return local + description(row.expression, row.loss, spreads, n, floor=floor, scale=scale)
