"""What a long search keeps on disk and says while it runs: the seams, without files or printing.

A distiller that is over in seconds has no use for either; one that takes minutes saves its state
to a `Checkpoint` and hands a `Progress` to a `Report`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np

Arrays: TypeAlias = Mapping[str, np.ndarray]


class Checkpoint(Protocol):
    """Where the state of one search survives a kill; it belongs to exactly one problem."""

    def load(self) -> Arrays | None:
        """Return the state that was saved last, None where there is none of this problem."""

    def save(self, arrays: Arrays) -> None:
        """Keep a state, whole or not at all."""

    def clear(self) -> None:
        """Forget the state, once the search has its result."""


@dataclass(frozen=True, slots=True)
class Best:
    """One formula found so far."""

    complexity: int
    loss: float
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search is: epochs and evaluations done, seconds used.

    `find` writes the best formulas out; it is only called by those who look at `best`, since a
    few hundred formulas as text may cost as much as thousands of evaluations.
    """

    epoch: int
    evaluations: int
    seconds: float
    find: Callable[[], Iterable[Best]] = field(repr=False, compare=False)

    @property
    def best(self) -> tuple[Best, ...]:
        """Formulas that no other beats in both complexity and loss, simplest first."""
        lowest, kept = math.inf, []
        finite = (row for row in self.find() if math.isfinite(row.loss))
        for row in sorted(finite, key=lambda row: (row.complexity, row.loss, row.text)):
            if row.loss < lowest:
                lowest = row.loss
                kept.append(row)
        return tuple(kept)


Report: TypeAlias = Callable[[Progress], None]
