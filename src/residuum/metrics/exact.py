"""Whether a formula is the truth once its constants are moved within their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from residuum.distillers.regression import Table
from residuum.expressions.equivalence import equivalent
from residuum.expressions.expression import Expression
from residuum.metrics.numeric import columns, values_of

CLOSE = 1e-6
TOLERANCE = 1e-7


def exact(
    found: Expression,
    truth: Expression,
    refitted: Expression,
    table: Table,
    *,
    rng: np.random.Generator,
    intervals: Sequence[tuple[float, float]] | None = None,
) -> bool:
    """Return whether `found` equals `truth` after its constants are snapped within `intervals`.

    `refitted` is `found` with the constants that come closest to the truth: those are what the
    constants snap to. Without intervals they may move the values by a millionth of their rms.
    Equality is that of `expressions.equivalence`, in the box that the table's rows span.
    """
    if not set(found.variables) | set(truth.variables) <= set(table.variables):
        return False
    inside = (
        _inside(found, refitted, intervals)
        if intervals is not None
        else _near(found, refitted, table)
    )
    if not inside:
        return False
    domain = {
        name: (float(x.min()), float(x.max())) for name, x in columns(table).items() if len(x)
    }
    return any(
        equivalent(each, truth, rng=rng, domain=domain, tolerance=TOLERANCE)
        for each in dict.fromkeys((found, refitted))
    )


def _inside(
    found: Expression, refitted: Expression, intervals: Sequence[tuple[float, float]]
) -> bool:
    if len(intervals) != len(found.constants):
        raise ValueError(f"expected {len(found.constants)} intervals, found {len(intervals)}")
    pairs = zip(refitted.constants, intervals, strict=True)
    return all(low <= value <= high for value, (low, high) in pairs)


def _near(found: Expression, refitted: Expression, table: Table) -> bool:
    a, b = values_of(found, table), values_of(refitted, table)
    if a is None or b is None:
        return False
    unit = float(np.abs(a).max(initial=0.0)) or 1.0
    return bool(np.sum(((a - b) / unit) ** 2) <= CLOSE**2 * np.sum((a / unit) ** 2))
