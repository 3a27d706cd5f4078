"""The genetic distiller: hidden samples in, a front of formulas of any form out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from residuum.distillers.front import Front
from residuum.distillers.genetic.search import search
from residuum.distillers.journal import Checkpoint, Report
from residuum.distillers.refine.fronts import front_of
from residuum.distillers.regression import Table, table_of
from residuum.distillers.settings import GeneticSettings, SindySettings
from residuum.distillers.sindy import distill_sindy
from residuum.errors import UserError
from residuum.hidden.samples import HiddenSamples
from residuum.seeds import child_seed

ORIGIN = "genetic"
LOCAL = "constants differ between experiments: no law of the model"
SPARSE = 3  # sums of monomials that the search starts from as well
MOST_ROWS = 1000


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
    table = table_of(samples)
    sparse = _sparse_seeds(samples, table, settings, seed=seed)
    found = search(
        table,
        replace(settings, seeds=(*settings.seeds, *sparse)),
        seed=seed,
        map=map,
        checkpoint=checkpoint,
        progress=progress,
    )
    formulas = [replace(row, status=LOCAL) if row.local else row for row in found.formulas]
    return front_of(samples.term, formulas, origin=ORIGIN, notes=found.notes)


def _sparse_seeds(
    samples: HiddenSamples, table: Table, settings: GeneticSettings, *, seed: int
) -> list[str]:
    """Return the best sparse polynomials: where the law is one, the search need not find it."""
    sums = {"+", "*"} <= set(settings.operators)
    rows, p = table.X.shape
    if not sums or settings.hypotheses or settings.max_constants < 2 or not 0 < p <= 4:
        return []
    if rows > MOST_ROWS:
        return []
    quick = SindySettings(degree=2 if p > 2 else 3, candidates=2, resamples=0)
    try:
        front = distill_sindy(samples, quick, seed=child_seed(seed, "seeds"))
    except UserError:
        return []
    best = sorted(front.nondominated, key=lambda row: row.loss)[:SPARSE]
    return [row.expression.infix() for row in best if row.expression.variables]
