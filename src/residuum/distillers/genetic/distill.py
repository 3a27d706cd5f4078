"""The genetic distiller: hidden samples in, a front of formulas of any form out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from residuum.distillers.front import Front
from residuum.distillers.genetic.search import search
from residuum.distillers.journal import Checkpoint, Report
from residuum.distillers.refine.fronts import front_of
from residuum.distillers.regression import table_of
from residuum.distillers.settings import GeneticSettings
from residuum.hidden.samples import HiddenSamples

ORIGIN = "genetic"


def distill_genetic(
    samples: HiddenSamples,
    settings: GeneticSettings,
    *,
    seed: int,
    map: Callable[..., Iterable[Any]] = map,
    checkpoint: Checkpoint | None = None,
    progress: Report | None = None,
) -> Front:
    """Return the refined front of formulas in the alive arguments.

    Islands evolve on workers by `map`; the front does not depend on how many there are, nor on a
    run being stopped and resumed from `checkpoint` (budgets in seconds excepted).
    """
    found = search(
        table_of(samples),
        settings,
        seed=seed,
        map=map,
        checkpoint=checkpoint,
        progress=progress,
    )
    return front_of(samples.term, found.formulas, origin=ORIGIN, notes=found.notes)
