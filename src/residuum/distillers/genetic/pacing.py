"""How many evaluations each island does in the next epoch, so that a budget is kept.

A budget in evaluations is shared equally and used to the last one: what is done depends on
nothing but the budget. A budget in seconds is used in epochs of a length that the speed measured
so far gives; the same search on another day does other epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from residuum.distillers.settings import Budget

FIRST = 50  # evaluations of an island in the first timed epoch, when nothing is known of the speed
GROWTH = 8  # the first epochs load compiled code, so their speed says little
LONGEST = 1.5  # seconds of a timed epoch: long beside the 0.03 s that Dask takes for one
SHARE = 1 / 10  # of short budgets, since the last epoch may take a third longer than expected
CAUTION = 0.9  # of the time that is left, aimed at by the last epoch
SPENT = 0.99  # of the seconds; what is left then is not worth an epoch


@dataclass(frozen=True, slots=True)
class Pace:
    """The last timed epoch: evaluations an island did, and how long the whole took."""

    evaluations: int = 0
    seconds: float = 0.0

    def then(self, evaluations: int, seconds: float) -> Pace:
        """Return the pace after one more epoch."""
        return Pace(evaluations, max(seconds, 1e-6))

    def next(self, budget: float, used: float) -> int:
        """Return the evaluations of the next epoch of a budget of which `used` seconds are gone."""
        if used >= SPENT * budget:
            return 0
        if not self.evaluations:
            return FIRST
        usual, left = min(LONGEST, SHARE * budget), budget - used
        aim = CAUTION * left if left < 1.5 * usual else usual
        wanted = int(aim * self.evaluations / self.seconds)
        return max(1, min(wanted, GROWTH * self.evaluations))


def next_shares(
    budget: Budget, done: Sequence[int], *, epoch: int, used: float, pace: Pace
) -> list[int]:
    """Return the evaluations of each island in the next epoch; all zero when the budget is used.

    `done` holds what each island has evaluated so far, `used` the seconds; `epoch` is the length
    of an epoch under a budget in evaluations.
    """
    if budget.seconds is not None:
        return [pace.next(budget.seconds, used)] * len(done)
    shares = equal_shares(budget.evaluations or 0, len(done))
    return [min(epoch, max(0, share - n)) for share, n in zip(shares, done, strict=True)]


def equal_shares(total: int, count: int) -> list[int]:
    """Return `count` whole numbers that differ by at most one and sum to `total`."""
    return [total // count + (k < total % count) for k in range(count)]
