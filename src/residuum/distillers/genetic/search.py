"""Genetic search for formulas that fit a table, from its start to formulas in the user's units."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np

from residuum.distillers.genetic.compiled import is_kept
from residuum.distillers.genetic.evolve import epoch
from residuum.distillers.genetic.finishing import Row, finished
from residuum.distillers.genetic.impossible import check_some_allowed, nothing_allowed
from residuum.distillers.genetic.islands import Evolved, run_islands
from residuum.distillers.genetic.jumps import jump_laws
from residuum.distillers.genetic.population import (
    Evolution,
    GeneticIsland,
    form_of,
    formula,
    found_island,
    locals_of,
)
from residuum.distillers.genetic.power_laws import factored_laws, power_laws
from residuum.distillers.genetic.reading import seed_steps
from residuum.distillers.genetic.scene import Setting, build_setting
from residuum.distillers.genetic.seeding import Instruction, seed_formulas
from residuum.distillers.genetic.trees import INTEGER_POWER, MAX_CONSTANTS, SQRT
from residuum.distillers.genetic.workspace import LOGARITHMIC, RELATIVE
from residuum.distillers.journal import Checkpoint, Report
from residuum.distillers.refine.description import choose
from residuum.distillers.refine.formulas import Refined
from residuum.distillers.regression import Table
from residuum.distillers.settings import Budget, GeneticSettings
from residuum.expressions.expression import Expression
from residuum.expressions.simplification import absorb_scales

_LOG = logging.getLogger(__name__)

# Mean squared residual, relative to that of the best constant, that counts as exact.
EXACT = 1e-24
# Share of a budget in seconds that is kept for what comes after the search.
AFTER = 0.17
# Share of a budget in seconds after which formulas are refined no further.
LATEST = 0.93
SIMPLER = 20_000  # evaluations after the last simpler exact formula that end a search
OF_EACH = 3  # formulas of each complexity that are refined
MOST_REFINED = 40
MOST_CLASSES = 60  # units whose blocks are summed with each other before the search


@dataclass(frozen=True, slots=True)
class Found:
    """The refined formulas, simplest first, the place of the one to believe, and notes."""

    formulas: tuple[Refined, ...]
    chosen: int
    notes: tuple[str, ...]
    evaluations: int


def search(
    table: Table,
    settings: GeneticSettings,
    *,
    seed: int,
    map: Callable[..., Iterable[Any]] = map,
    checkpoint: Checkpoint | None = None,
    progress: Report | None = None,
) -> Found:
    """Return the formulas that fit a table best, by complexity.

    With a budget in evaluations the same seed gives the same formulas, whatever `map` is. Raises
    UserError where the settings or the units allow no formula at all.
    """
    compile_engine()
    began = time.perf_counter()
    budget = Budget.read(settings.budget)
    until = math.inf if budget.seconds is None else time.time() + LATEST * budget.seconds
    settings_of, islands = found_islands(table, settings, seed=seed)
    target = EXACT * spread_of(settings_of[0])
    evolve = Evolution(settings_of, target)
    check_some_allowed(table, settings, evolve, islands, partial(_trial, seed=seed), seed=seed)
    evolved = run_islands(
        evolve,
        islands,
        budget=_for_search(budget, time.perf_counter() - began),
        epoch=settings.epoch,
        seed=seed,
        map=map,
        checkpoint=checkpoint,
        progress=progress,
        target=_Enough(target),
    )
    rows = formulas_of(evolved, settings_of)
    if not rows:
        raise nothing_allowed(table, settings, partial(_trial, seed=seed), seed=seed)
    refined = finished(rows, table, settings, seed=seed, until=until, map=map)
    if not refined:
        raise nothing_allowed(table, settings, partial(_trial, seed=seed), seed=seed)
    count = len(table.y) if table.target is None else len(table.target)
    chosen = choose(refined, count, scale=None)
    notes = (*evolved.notes, *unused_seeds(settings_of, settings, table), *chosen.reasons)
    return Found(tuple(refined), chosen.index, notes, evolved.evaluations)


def _trial(
    table: Table, settings: GeneticSettings, *, seed: int
) -> tuple[Evolution, tuple[GeneticIsland, ...]]:
    settings_of, islands = found_islands(table, settings, seed=seed)
    return Evolution(settings_of, EXACT * spread_of(settings_of[0])), islands


@cache
def compile_engine() -> None:
    """Have the engine compiled (or loaded), so that it takes no share of a budget in seconds.

    A process of its own compiles it. Code compiled here would call functions compiled apart,
    where code loaded from disk holds them itself: sums could differ in their last bit, and a
    search would depend on which process compiled first.
    """
    if not is_kept(epoch):
        _LOG.warning("Compiling the genetic search: some minutes, once on this machine.")
        code = f"from {__name__} import load_engine; load_engine()"
        subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    load_engine()


def load_engine() -> None:
    """Run the smallest search, which loads the engine from disk or compiles it."""
    x = np.linspace(1.0, 2.0, 8)
    settings = GeneticSettings(population=20, islands=1, complexity=3)
    places, islands = found_islands(Table.of(("x",), x[:, None], x), settings, seed=0)
    Evolution(places, 0.0)(islands[0], evaluations=1, seed=0)


class _Enough:
    """Tells when an exact formula was found and a simpler one was looked for long enough."""

    def __init__(self, target: float) -> None:
        self.target, self.last, self.size = target, 0, np.inf

    def __call__(self, islands: Sequence[GeneticIsland]) -> bool:
        done = sum(island.evaluations for island in islands)
        size = min((self._simplest(island) for island in islands), default=np.inf)
        if size < self.size:
            self.size, self.last = size, done
        return bool(self.size < np.inf and done >= self.last + max(SIMPLER, 0.5 * self.last))

    def _simplest(self, island: GeneticIsland) -> float:
        exact = island.arrays["loss"] <= self.target
        return (
            float(island.arrays["complexity"][exact].min(initial=10_000)) if exact.any() else np.inf
        )


def found_islands(
    table: Table, settings: GeneticSettings, *, seed: int
) -> tuple[tuple[Setting, ...], tuple[GeneticIsland, ...]]:
    """Return the different settings, and the islands that take turns in them."""
    forms = settings.hypotheses or ("",)
    count = min(len(forms) * (2 if table.units is not None else 1), settings.islands)
    places = tuple(build_setting(table, settings, island=k, seed=seed) for k in range(count))
    # Settings of one form differ in strictness only: what they start from is the same.
    begin = [[*seeds_of(place, table, settings), *starts(place)] for place in places[: len(forms)]]
    islands = tuple(
        found_island(
            places[k % count],
            begin[k % len(forms)],
            number=k,
            names=table.variables,
            hypothesis=forms[k % len(forms)],
            form=k % len(forms),
            target=EXACT * spread_of(places[k % count]),
        )
        for k in range(settings.islands)
    )
    return places, islands


def spread_of(setting: Setting) -> float:
    """Return the mean squared residual of the best constant."""
    data = setting.data
    if len(data.target):
        column = data.whitening.sum(axis=1)
        middle = float(column @ data.target) / max(float(column @ column), 1e-300)
        return float(np.mean((column * middle - data.target) ** 2))
    y = np.log(np.abs(data.y)) if data.loss == LOGARITHMIC else data.y
    w = (data.weight / data.y if data.loss == RELATIVE else data.weight) ** 2
    mean = float(np.sum(w * y) / np.sum(w))
    return float(np.mean(w * (y - mean) ** 2))


def starts(setting: Setting) -> list[list[Instruction]]:
    """Return the formulas that the search starts from."""
    scene, blocks = setting.scene, setting.scene.blocks
    if not scene.hypothesis.identity:
        return []
    operators = {int(c) for c in (*scene.language.unary, *scene.language.binary)}
    if len(scene.language.powers):
        operators.add(INTEGER_POWER)
    groups = [(np.arange(len(blocks.length)), False)]
    if scene.units.known:
        groups += _same_unit(setting)
    seeds = seed_formulas(
        blocks,
        setting.complexity,
        groups,
        scene.probe_values,
        scene.probe_weight,
        frozenset(operators),
    )
    known = (scene.probes, scene.probe_values, scene.probe_weight, frozenset(operators))
    laws = [*power_laws(*known[:2], SQRT in operators), *jump_laws(*known)]
    if len(setting.data.starts) > 2:  # constants differ between experiments: logs do not line up
        return [*laws, *seeds]
    factored = factored_laws(scene.probes, scene.probe_values, blocks, frozenset(operators))
    return [*laws, *factored, *seeds]


def _same_unit(setting: Setting) -> list[tuple[np.ndarray, bool]]:
    """Return the blocks of each unit, those of the value's own in full, else of the simplest."""
    scene, blocks = setting.scene, setting.scene.blocks
    bounds = zip(blocks.first[:-1], blocks.first[1:], strict=True)
    classes = [np.sort(blocks.order[a:b]) for a, b in bounds]
    own = [bool(np.all(row == scene.units.value)) for row in scene.classes]
    order = [k for k in np.argsort([c[0] for c in classes]) if len(classes[k]) > 1 and not own[k]]
    first = [(c, False) for c, yes in zip(classes, own, strict=True) if yes and len(c) > 1]
    return [*first, *((classes[k], True) for k in order[:MOST_CLASSES])]


def seeds_of(setting: Setting, table: Table, settings: GeneticSettings) -> list[list[Instruction]]:
    """Return the user's formulas in scaled columns; a form to fill in has no place for them."""
    if not setting.scene.hypothesis.identity:
        return []
    return [
        seed_steps(text, table.variables, [float(s) for s in setting.scales], setting.size)
        for text in settings.seeds
    ]


def unused_seeds(
    places: Sequence[Setting], settings: GeneticSettings, table: Table
) -> tuple[str, ...]:
    """Return a note for each of the user's formulas that no island may start from."""
    if settings.hypotheses:
        return tuple(f"{text} was not used as a seed: forms are given" for text in settings.seeds)
    notes = []
    for k, text in enumerate(settings.seeds):
        alone = [
            found_island(
                place, [seeds_of(place, table, settings)[k]], number=0, names=table.variables,
                hypothesis="", form=0, target=0.0,
            )
            for place in places
        ]  # fmt: skip
        if not any(np.isfinite(island.arrays["loss"]).any() for island in alone):
            notes.append(f"{text} was not used as a seed: it breaks a constraint")
    return tuple(notes)


def formulas_of(evolved: Evolved[GeneticIsland], settings: Sequence[Setting]) -> list[Row]:
    """Return the best formulas of each complexity over all islands, in the user's units."""
    best: dict[int, list[tuple[float, int, int]]] = {}
    for k, island in enumerate(evolved.islands):
        loss, complexity = island.arrays["loss"], island.arrays["complexity"]
        for row in np.flatnonzero(np.isfinite(loss)):
            best.setdefault(int(complexity[row]), []).append((float(loss[row]), k, int(row)))
    rows, lowest = [], np.inf
    for size in sorted(best):
        distinct: list[tuple[float, int, int]] = []
        for entry in sorted(best[size]):
            new = not distinct or entry[0] > distinct[-1][0] * (1 + 1e-9)
            if new and entry[0] < 2.0 * lowest and len(distinct) < OF_EACH:
                distinct.append(entry)
        rows += distinct
        lowest = min(lowest, best[size][0][0], *(e[0] for e in best[size]))
    chosen = sorted(rows)[:MOST_REFINED]
    found = []
    for number, (best_loss, k, place) in enumerate(chosen):
        values = locals_of(evolved.islands[k].arrays, place)
        names = {slot: f"local@{MAX_CONSTANTS * number + slot}" for slot in values}
        whole = in_user_units(evolved.islands[k], place, settings[k % len(settings)], names)
        found.append(Row(whole, best_loss, {names[slot]: values[slot] for slot in values}))
    return found


def in_user_units(
    island: GeneticIsland, row: int, setting: Setting, local: Mapping[int, str] | None = None
) -> Expression:
    """Return the formula of a row in the variables and units of the table.

    `local` names the constants that differ between experiments, by place.
    """
    form = form_of(island)
    names = [f"column@{k}" for k in range(len(form.columns))]
    scaled = formula(
        island.arrays,
        row,
        replace(form, columns=tuple(Expression.variable(n) for n in names)),
        local,
    )
    scales = dict(zip(names, (float(s) for s in setting.scales), strict=True))
    found = absorb_scales(scaled, scales, scale=setting.size)
    return found.substitute(dict(zip(names, form.columns, strict=True)))


def _for_search(budget: Budget, used: float) -> Budget:
    if budget.seconds is None:
        return budget
    return Budget(seconds=max((1.0 - AFTER) * budget.seconds - used, 0.05 * budget.seconds))
