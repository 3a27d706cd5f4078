"""The seam every distiller fits: hidden samples and settings in, a front out.

A new distiller is one file with a function of `Distil`'s signature, its settings, and one line in
`DISTILLERS`; the contract tests run over the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from residuum.distillers.front import Front
from residuum.distillers.genetic.distill import distill_genetic
from residuum.distillers.journal import Checkpoint, Report
from residuum.distillers.settings import GeneticSettings, SindySettings
from residuum.distillers.sindy import distill_sindy
from residuum.hidden.samples import HiddenSamples


class Distil(Protocol):
    """Same seed, same front, whatever `map` is (the builtin one, or one over Dask workers)."""

    def __call__(
        self,
        samples: HiddenSamples,
        settings: Any,
        *,
        seed: int,
        map: Callable[..., Iterable[Any]] = map,
        checkpoint: Checkpoint | None = None,
        progress: Report | None = None,
    ) -> Front:
        """Return the candidates for one hidden term, in its alive formal arguments.

        A long search saves its state to `checkpoint`, goes on from what it finds there, and tells
        `progress` how far it is; a short one may ignore both.
        """


@dataclass(frozen=True, slots=True)
class Distiller:
    """A row of the table: the class of the settings and the function that takes them."""

    settings: type
    distil: Distil


DISTILLERS: dict[str, Distiller] = {
    "sindy": Distiller(SindySettings, distill_sindy),
    "genetic": Distiller(GeneticSettings, distill_genetic),
}


def distill(
    samples: HiddenSamples,
    settings: Any,
    *,
    seed: int,
    map: Callable[..., Iterable[Any]] = map,
    checkpoint: Checkpoint | None = None,
    progress: Report | None = None,
) -> Front:
    """Return the front of one hidden term by the distiller whose settings are given.

    `checkpoint` is to be cleared by the caller, once the front is where it belongs.

    Raises TypeError when no distiller has settings of this class, ValueError when the samples
    cannot be distilled (not finite, or too few).
    """
    for distiller in DISTILLERS.values():
        if type(settings) is distiller.settings:
            return distiller.distil(
                samples, settings, seed=seed, map=map, checkpoint=checkpoint, progress=progress
            )
    raise TypeError(f"expected the settings of a distiller, found {type(settings).__name__}")
