"""Where the symmetry, sign and trends of formulas are looked at: points in the samples' box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from scipy.stats import qmc

from residuum.distillers.genetic.shape import (
    EQUAL,
    FALLING,
    NEGATIVE,
    OPPOSITE,
    POSITIVE,
    RISING,
    holds,
)
from residuum.distillers.regression import Table
from residuum.distillers.settings import GeneticSettings
from residuum.errors import unknown_name
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression

POINTS = 32  # for each symmetry
LINES, LEVELS = 16, 8  # for each trend
INSIDE = 64  # for the sign, beside the corners
CORNERS = 6  # arguments up to which all corners are looked at
_KINDS = {
    "odd": OPPOSITE, "even": EQUAL, "exchange": EQUAL, "increasing": RISING,
    "decreasing": FALLING, "positive": POSITIVE, "negative": NEGATIVE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Probes:
    """Points `X[m, p]` in the user's units and the relations between the values there.

    `size` is the root mean square of the values in the table.
    """

    X: np.ndarray
    first: np.ndarray
    second: np.ndarray
    kind: np.ndarray
    size: float

    def hold(
        self, formula: Expression, variables: Sequence[str], local: Sequence[Mapping[str, float]]
    ) -> bool:
        """Tell whether a formula has the shape, for every experiment's constants in `local`."""
        if not len(self.kind):
            return True
        columns = dict(zip(variables, self.X.T, strict=True))
        rows = [evaluate(formula, {**columns, **constants}) for constants in local or [{}]]
        m = len(self.X)
        values = np.concatenate([np.broadcast_to(np.asarray(row, float), m) for row in rows])
        places = [self.repeated(k) for k in range(len(rows))]
        first = np.concatenate([place[0] for place in places])
        second = np.concatenate([place[1] for place in places])
        return bool(holds(values, first, second, np.tile(self.kind, len(rows)), self.size))

    def repeated(self, experiment: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of the relations where the points stand once for each experiment."""
        shift = experiment * len(self.X)
        return self.first + shift, self.second + shift


def find_probes(table: Table, settings: GeneticSettings) -> Probes:
    """Return the probes of what the settings say of the shape; none where they say nothing.

    Raises UserError for the name of an argument that the table does not have.
    """
    box = _Box(table)
    for names, word in settings.symmetry.items():
        places = [box.place(name.strip(), "symmetry") for name in names.split(",")]
        box.symmetry(places, word)
    for name, word in settings.trend.items():
        box.trend(box.place(name, "trend"), word)
    if settings.sign is not None:
        box.sign(settings.sign)
    return box.probes()


@dataclass
class _Box:
    table: Table
    points: list[np.ndarray] = field(default_factory=list)
    relations: list[tuple[int, int, int]] = field(default_factory=list)

    def place(self, name: str, where: str) -> int:
        if name not in self.table.variables:
            raise unknown_name(name, self.table.variables, what="variable", where=where)
        return self.table.variables.index(name)

    def inside(self, count: int) -> np.ndarray:
        """Return points spread evenly over the box, `[count, p]`."""
        low, high = self.table.X.min(axis=0), self.table.X.max(axis=0)
        p = self.table.X.shape[1]
        spread = qmc.Sobol(p, scramble=True, rng=7).random(count) if p else np.zeros((count, 0))
        return np.asarray(low + spread * (high - low))

    def enter(self, points: np.ndarray) -> int:
        begin = sum(len(rows) for rows in self.points)
        self.points.append(points)
        return begin

    def symmetry(self, places: Sequence[int], word: str) -> None:
        points = self.inside(POINTS)
        if word == "exchange":
            low, high = self.table.X.min(axis=0), self.table.X.max(axis=0)
            a, b = min(low[list(places)]), max(high[list(places)])
            unit = (points[:, places] - low[list(places)]) / np.maximum(
                (high - low)[list(places)], 1e-300
            )
            points[:, places] = a + unit * (b - a)
        mirrored = points.copy()
        if word == "exchange":
            mirrored[:, places] = points[:, places[::-1]]
        else:
            mirrored[:, places] *= -1.0
        self.relate(self.enter(points), self.enter(mirrored), len(points), word)

    def relate(self, first: int, second: int, count: int, word: str) -> None:
        self.relations += [(first + k, second + k, _KINDS[word]) for k in range(count)]

    def trend(self, place: int, word: str) -> None:
        low, high = self.table.X[:, place].min(), self.table.X[:, place].max()
        for point in self.inside(LINES):
            line = np.tile(point, (LEVELS, 1))
            line[:, place] = np.linspace(low, high, LEVELS)
            begin = self.enter(line)
            self.relate(begin, begin + 1, LEVELS - 1, word)

    def sign(self, word: str) -> None:
        X = self.table.X
        corners = np.zeros((0, X.shape[1]))
        if X.shape[1] <= CORNERS:
            corners = np.array(list(product(*zip(X.min(axis=0), X.max(axis=0), strict=True))))
        points = np.vstack([self.inside(INSIDE), corners])
        begin = self.enter(points)
        self.relate(begin, begin, len(points), word)

    def probes(self) -> Probes:
        X = np.vstack(self.points) if self.points else np.zeros((0, self.table.X.shape[1]))
        rows = np.array(self.relations, np.int64).reshape(-1, 3)
        first, second, kind = (np.ascontiguousarray(column) for column in rows.T)
        size = float(np.sqrt(np.mean(self.table.y**2)))
        return Probes(X, first, second, kind, size)
