"""How each distiller searches a table that stands on its own, without hidden samples around it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from residuum.distillers.choices import Settings
from residuum.distillers.regression import Table
from residuum.distillers.settings import GeneticSettings, SindySettings
from residuum.errors import UserError
from residuum.expressions.expression import Expression
from residuum.hidden.samples import HiddenSamples

if TYPE_CHECKING:
    from residuum.distillers.journal import Report

# Sparse regression of a table turns a matrix of rows by rows.
MOST_ROWS = 3000


class Fitted(Protocol):
    """One formula of a search and its loss."""

    @property
    def expression(self) -> Expression: ...
    @property
    def loss(self) -> float: ...


class Found(Protocol):
    """What a search found: formulas, the index of the one to believe, and notes."""

    @property
    def formulas(self) -> Sequence[Fitted]: ...
    @property
    def chosen(self) -> int: ...
    @property
    def notes(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class _Sums:
    formulas: tuple[Fitted, ...]
    chosen: int
    notes: tuple[str, ...]


def search_table(
    table: Table,
    settings: Settings,
    *,
    seed: int,
    map: Callable[..., Iterable[Any]] = map,
    progress: Report | None = None,
) -> Found:
    """Return what the distiller of these settings finds in a table."""
    if isinstance(settings, GeneticSettings):
        from residuum.distillers.genetic.search import search

        return search(table, settings, seed=seed, map=map, progress=progress)
    return _sparse(table, settings, seed=seed, map=map)


def _sparse(
    table: Table, settings: SindySettings, *, seed: int, map: Callable[..., Iterable[Any]]
) -> Found:
    """Return sparse sums, and of those the one with the shortest description."""
    from residuum.distillers.sindy import distill_sindy

    rows = len(table.y)
    if rows > MOST_ROWS:
        raise UserError(
            "too many rows for sparse regression",
            where="X",
            expected=f"at most {MOST_ROWS}",
            found=str(rows),
            hint="use the genetic distiller, or fewer rows",
        )
    front = distill_sindy(_samples(table), settings, seed=seed, map=map)
    formulas = front.nondominated
    lengths = [
        rows * row.loss / 2
        + row.structure_nats
        + len(row.expression.constants) * math.log(rows) / 2
        for row in formulas
    ]
    return _Sums(formulas, int(np.argmin(lengths)), front.notes)


def _samples(table: Table) -> HiddenSamples:
    count = len(table.y)
    covariance = np.zeros((count, count))
    if table.precision is not None:
        covariance = np.diag(1 / table.precision)
    if table.whitening is not None:
        covariance = np.linalg.inv(table.whitening.T @ table.whitening)
    return HiddenSamples(
        term="value",
        arguments=table.variables,
        X=table.X,
        values=table.y,
        covariance=covariance,
        t=np.arange(count, dtype=float),
        experiment=table.experiment,
        alive=(True,) * len(table.variables),
    )
