"""What a population must offer so that epochs, migration and checkpoints can be done for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np

from residuum.distillers.journal import Arrays, Best


class Island(Protocol):
    """One population with its own search options; a value that is never changed in place.

    Arrays that travel between islands have one individual along their first axis and the same
    names, types and other axes on every island of a search.
    """

    @property
    def evaluations(self) -> int:
        """How many formulas were evaluated since the search began, initial ones included."""

    def to_arrays(self) -> Arrays:
        """Return the whole state, options included, as arrays that a file without pickles holds."""

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Return the island that `to_arrays` wrote; it goes on exactly as the first would have."""

    def emigrants(self, count: int) -> Arrays:
        """Return at most `count` non-dominated individuals, the best first."""

    def accepts(self, newcomers: Arrays) -> np.ndarray:
        """Return which newcomers satisfy this island's own constraints, `bool[m]`."""

    def receive(self, newcomers: Arrays) -> Self:
        """Return the island with its worst individuals replaced; its options and size stay."""

    def best(self) -> Sequence[Best]:
        """Return the non-dominated formulas as text."""
