"""After the search: formulas refined, those that broke a constraint on the way left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from residuum.distillers.genetic.demands import Demands, named_locals
from residuum.distillers.refine.fitting import Task, fit
from residuum.distillers.refine.formulas import Refined, distinct, nondominated
from residuum.distillers.refine.refinement import refine
from residuum.distillers.regression import Table
from residuum.distillers.settings import GeneticSettings
from residuum.expressions.expression import Expression


@dataclass(frozen=True, slots=True)
class Row:
    """A formula of the search; `local` holds the constants of each experiment by their names."""

    expression: Expression
    loss: float
    local: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def finished(
    rows: Sequence[Row],
    table: Table,
    settings: GeneticSettings,
    *,
    seed: int,
    until: float = math.inf,
    map: Callable[..., Iterable[Any]] = map,
) -> list[Refined]:
    """Return the refined front, simplest first; empty where no formula meets the settings.

    Local constants are columns of the table while formulas are refined, so their values stay.
    After `until` (`time.time`) formulas stay as they are.
    """
    local = {name: values for row in rows for name, values in row.local.items()}
    wider = _widened(table, local)
    refined = refine(
        [(row.expression, row.loss) for row in rows],
        wider,
        loss=settings.loss,
        snap=settings.snap,
        complexity=settings.complexity + 4,
        seed=seed,
        until=until,
        map=map,
    )
    demands = Demands.of(table, settings)
    if demands.any:
        # Where refining breaks a constraint the formula as the search had it stays.
        found = [*refined, *_as_found(rows, wider, settings)]
        met = [r for r in found if demands.met(r.expression, _of(r.expression, local))]
        met = distinct(met, lambda r: r.expression, wider)
        refined = nondominated(met, lambda r: r.expression, lambda r: r.loss)
    return [_named(r, local, table) for r in refined]


def _widened(table: Table, local: Mapping[str, tuple[float, ...]]) -> Table:
    """Return the table with a column for every local constant."""
    if not local:
        return table
    columns = [np.asarray(values)[table.experiment] for values in local.values()]
    return replace(
        table,
        variables=(*table.variables, *local),
        X=np.column_stack([table.X, *columns]),
        units=None,
        unit=None,
    )


def _as_found(rows: Sequence[Row], table: Table, settings: GeneticSettings) -> list[Refined]:
    task = Task(table, settings.loss, starts=1, iterations=0, spreads=False)
    measured = [Refined(row.expression, fit(row.expression, task).loss) for row in rows]
    return [row for row in measured if math.isfinite(row.loss)]


def _of(
    formula: Expression, local: Mapping[str, tuple[float, ...]]
) -> dict[str, tuple[float, ...]]:
    return {name: local[name] for name in formula.variables if name in local}


def _named(found: Refined, local: Mapping[str, tuple[float, ...]], table: Table) -> Refined:
    used = _of(found.expression, local)
    if not used:
        return found
    formula, values = named_locals(found.expression, used, table.variables)
    # A number that went into local values takes its interval with it.
    intervals = found.intervals
    if len(formula.constants) != len(intervals):
        left = list(formula.constants)
        kept = []
        for constant, interval in zip(found.expression.constants, intervals, strict=False):
            if left and constant == left[0]:
                kept.append(interval)
                left.pop(0)
        intervals = tuple(kept) if not left else ()
    # The error of prediction knows nothing of local constants.
    return replace(found, expression=formula, intervals=intervals, local=values, left_out=math.nan)
