r"""Populations that evolve apart and exchange their best after every epoch.

The state after epoch :math:`e` is a function of the state before it,

.. math:: s_{e+1} = M_e\bigl(E(s_e^0; r_{e,0}), \dots, E(s_e^K; r_{e,K})\bigr),
   \qquad r_{e,k} = \mathrm{hash}(\mathrm{seed}, e, k),

with evolution :math:`E` on each island and migration :math:`M` between them. Only :math:`E` is
mapped over workers, and it is pure: the result depends neither on how many workers there are nor
on which of them were lost, and a search that is resumed after any epoch ends like one that was
never stopped (budgets in seconds excepted).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Generic, Protocol

from residuum.distillers.genetic.migration import AnyIsland, migrate
from residuum.distillers.genetic.pacing import Pace, next_shares
from residuum.distillers.genetic.resuming import Moment, packed, unpacked
from residuum.distillers.journal import Best, Checkpoint, Progress, Report
from residuum.distillers.settings import Budget
from residuum.seeds import child_seed

EMIGRANTS = 5
# Share of an epoch's evaluations, below which formulas that were not tried yet are too rare.
EXHAUSTED = 0.02
TIMED = (
    "The search ended after a time and not after a number of evaluations: the same search on "
    "another machine, or at another moment, may find other formulas."
)


class Evolve(Protocol[AnyIsland]):
    """A pure function that can be sent to another process."""

    def __call__(self, island: AnyIsland, *, evaluations: int, seed: int) -> AnyIsland:
        """Return the island after so many more evaluations."""


@dataclass(frozen=True, slots=True)
class Evolved(Generic[AnyIsland]):
    """The islands at the end of a search, and what the reader should know of it."""

    islands: tuple[AnyIsland, ...]
    epochs: int
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def evaluations(self) -> int:
        """Evaluations of all islands together."""
        return sum(_counts(self.islands))


@dataclass(frozen=True, slots=True)
class Turn(Generic[AnyIsland]):
    """What one worker does in one epoch."""

    island: AnyIsland
    evaluations: int
    seed: int


def run_islands(
    evolve: Evolve[AnyIsland],
    islands: Sequence[AnyIsland],
    *,
    budget: Budget,
    epoch: int,
    seed: int,
    map: Callable[..., Iterable[Any]] = map,
    checkpoint: Checkpoint | None = None,
    progress: Report | None = None,
    target: Callable[[Sequence[AnyIsland]], bool] = lambda _: False,
    emigrants: int = EMIGRANTS,
    clock: Callable[[], float] = time.perf_counter,
) -> Evolved[AnyIsland]:
    """Return the islands when the budget is used, or earlier when `target` holds for them.

    `evolve` and the islands travel to workers by `map`; `epoch` is how many evaluations an island
    does between two migrations (under a budget in seconds the measured speed decides). The state
    is saved to `checkpoint` after every epoch; clearing it is left to the caller, who has a
    result to write first. Raises ValueError when there is no island.
    """
    if not islands:
        raise ValueError("islands: expected at least one, found none")
    moment = _start(islands, checkpoint)
    began = clock() - moment.seconds
    pace, advance = Pace(), partial(_advance, evolve)
    while not target(moment.islands):
        done = _counts(moment.islands)
        shares = next_shares(budget, done, epoch=epoch, used=clock() - began, pace=pace)
        if not any(shares):
            break
        evolved = tuple(map(advance, _turns(moment, shares, seed=seed)))
        gained = sum(_counts(evolved)) - sum(done)
        if gained == 0 or (budget.seconds is None and gained < EXHAUSTED * sum(shares)):
            break  # hardly anything new can be tried: a small space of formulas was searched whole
        settled = migrate(evolved, seed=seed, epoch=moment.epoch, emigrants=emigrants)
        used = clock() - began
        pace = pace.then(max(shares), used - moment.seconds)
        moment = Moment(settled, moment.epoch + 1, used)
        _record(moment, checkpoint, progress)
    notes = (TIMED,) if budget.seconds is not None else ()
    return Evolved(moment.islands, moment.epoch, moment.seconds, notes)


def _start(islands: Sequence[AnyIsland], checkpoint: Checkpoint | None) -> Moment[AnyIsland]:
    """Return where the search was when it was stopped, or its beginning."""
    arrays = None if checkpoint is None else checkpoint.load()
    if arrays is None:
        return Moment(tuple(islands), 0, 0.0)
    return unpacked(arrays, [type(island) for island in islands])


def _turns(moment: Moment[AnyIsland], shares: Sequence[int], *, seed: int) -> list[Turn[AnyIsland]]:
    return [
        Turn(island, share, child_seed(seed, "epoch", moment.epoch, "island", k))
        for k, (island, share) in enumerate(zip(moment.islands, shares, strict=True))
    ]


def _advance(evolve: Evolve[AnyIsland], turn: Turn[AnyIsland]) -> AnyIsland:
    if turn.evaluations == 0:
        return turn.island
    return evolve(turn.island, evaluations=turn.evaluations, seed=turn.seed)


def _record(
    moment: Moment[AnyIsland], checkpoint: Checkpoint | None, progress: Report | None
) -> None:
    if checkpoint is not None:
        checkpoint.save(packed(moment))
    if progress is not None:
        progress(
            Progress(
                epoch=moment.epoch,
                evaluations=sum(_counts(moment.islands)),
                seconds=moment.seconds,
                find=partial(_formulas, moment.islands),
            )
        )


def _counts(islands: Sequence[AnyIsland]) -> list[int]:
    return [island.evaluations for island in islands]


def _formulas(islands: Sequence[AnyIsland]) -> Iterable[Best]:
    return chain.from_iterable(island.best() for island in islands)
