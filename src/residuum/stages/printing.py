"""What a long search says while it runs: the formulas that are new, at most every few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from residuum.distillers.journal import Progress

SECONDS = 5.0


class ProgressPrinter:
    """A `Report` that writes to a stream, the log of the job by default.

    The first epoch is always told, then one every `seconds`; formulas are listed once.
    """

    def __init__(
        self,
        term: str,
        *,
        stream: TextIO | None = None,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._term, self._stream = term, stream or sys.stderr
        self._seconds, self._clock = seconds, clock
        self._next = -float("inf")
        self._told: set[str] = set()

    def __call__(self, progress: Progress) -> None:
        """Write one epoch, if it is time."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + self._seconds
        lines = [
            f"{self._term}: epoch {progress.epoch}, {progress.evaluations} evaluations, "
            f"{progress.seconds:.1f} s"
        ]
        for row in progress.best:
            if row.text not in self._told:
                self._told.add(row.text)
                lines.append(f"  complexity {row.complexity:2d}  loss {row.loss:.4g}  {row.text}")
        print("\n".join(lines), file=self._stream, flush=True)
