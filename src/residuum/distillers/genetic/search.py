"""Genetic search for formulas that fit a table, from its start to formulas in the user's units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from residuum.distillers.genetic.islands import run_islands
from residuum.distillers.genetic.population import (
    Evolution,
    GeneticIsland,
    form_of,
    formula,
    found_island,
)
from residuum.distillers.genetic.scene import Setting, build_setting
from residuum.distillers.genetic.seeding import Instruction, power_laws, seed_formulas
from residuum.distillers.genetic.trees import INTEGER_POWER, SQRT
from residuum.distillers.journal import Checkpoint, Report
from residuum.distillers.regression import Table
from residuum.distillers.settings import Budget, GeneticSettings
from residuum.errors import UserError

# Mean squared residual, relative to that of the best constant, that counts as exact.
EXACT = 1e-24


def evolve_table(
    table: Table,
    settings: GeneticSettings,
    *,
    seed: int,
    map: Callable[..., Iterable[Any]] = map,
    checkpoint: Checkpoint | None = None,
    progress: Report | None = None,
):
    kinds = 2 if table.units is not None else 1
    kinds = max(kinds, len(settings.hypotheses) * kinds) or 1
    count = min(kinds, settings.islands)
    places = [build_setting(table, settings, island=k, seed=seed) for k in range(count)]
    islands = [
        found_island(
            places[k % count],
            starts(places[k % count]),
            number=k,
            names=table.variables,
            hypothesis=settings.hypotheses[k % len(settings.hypotheses)] if settings.hypotheses else "",
            form=k % len(settings.hypotheses) if settings.hypotheses else 0,
        )
        for k in range(settings.islands)
    ]
    target = EXACT * _variance(places[0])
    evolved = run_islands(
        Evolution(tuple(places), target),
        islands,
        budget=Budget.read(settings.budget),
        epoch=settings.epoch,
        seed=seed,
        map=map,
        checkpoint=checkpoint,
        progress=progress,
        target=lambda group: any(island.arrays["loss"].min() <= target for island in group),
    )
    return evolved, places


def _variance(setting: Setting) -> float:
    data = setting.data
    w = data.weight**2
    mean = float(np.sum(w * data.y) / np.sum(w))
    return float(np.mean(w * (data.y - mean) ** 2))


def starts(setting: Setting) -> list[list[Instruction]]:
    """Return the formulas that the search starts from."""
    scene = setting.scene
    if not scene.hypothesis.identity:
        return []
    operators = {int(c) for c in (*scene.language.unary, *scene.language.binary)}
    if len(scene.language.powers):
        operators.add(INTEGER_POWER)
    blocks = scene.blocks
    everything = np.arange(len(blocks.length))
    groups = [everything]
    if scene.units.known:
        groups = [blocks.order[a:b] for a, b in zip(blocks.first[:-1], blocks.first[1:], strict=True)]
        groups = [np.sort(g) for g in groups if len(g) > 1] + [everything]
    found = list(
        seed_formulas(
            blocks, setting.complexity, groups, scene.probe_values, scene.probe_weight,
            frozenset(operators),
        )
    )  # fmt: skip
    laws = power_laws(scene.probes, scene.probe_values, SQRT in operators)
    return [*laws, *found]
