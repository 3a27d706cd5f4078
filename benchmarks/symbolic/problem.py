"""What a problem of a suite is, and where the suites' data lie."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from residuum.distillers.regression import Table
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.seeds import generator

FOLDER = "RESIDUUM_BENCHMARK_DATA"
BASES = ("m", "s", "kg", "K", "V")
ARITHMETIC = ("+", "-", "*", "/", "neg")
Units = tuple[float, ...]


class Absent(Exception):
    """The data of a suite are not on this machine."""


@dataclass(frozen=True)
class Problem:
    """A table to fit and the truth behind it.

    `X[n, p]` and `y[n]` are what an engine is given (`y` with noise), `test` clean held-out rows
    with the truth's values. `units` are exponents of m, s, kg, K, V of each variable and `unit`
    those of y; None where the engine is not told. `operators` are those of the suite, `loss` is
    `relative` for values over many decades with relative errors. `noise` is the share that rms or
    relative errors have, known to the judge only.
    """

    suite: str
    name: str
    variables: tuple[str, ...]
    X: np.ndarray
    y: np.ndarray
    truth: Expression
    test: Table
    operators: tuple[str, ...]
    units: tuple[Units, ...] | None = None
    unit: Units | None = None
    loss: str = "squared"
    noise: float = 0.0

    @property
    def table(self) -> Table:
        """What the engine is given, as a table."""
        return Table.of(self.variables, self.X, self.y)

    def noisy(self, noise: float, seed: int) -> Problem:
        """Return the problem with errors of `noise` times the rms of y added, by seed."""
        if noise == 0.0:
            return self
        rng = generator(seed, "symbolic", self.suite, self.name, "noise")
        size = noise * rms(self.y)
        y = self.y + size * rng.standard_normal(len(self.y))
        return replace(self, y=y, noise=noise, loss="squared")

    def without_units(self) -> Problem:
        """Return the problem without its units."""
        return replace(self, units=None, unit=None)


def rms(y: np.ndarray) -> float:
    """Return the root of the mean square, for any magnitude."""
    unit = float(np.abs(y).max(initial=0.0)) or 1.0
    return unit * float(np.sqrt(np.mean((y / unit) ** 2)))


def values(truth: Expression, variables: tuple[str, ...], X: np.ndarray) -> np.ndarray:
    """Return a formula's values `[n]` at rows `X[n, p]`."""
    found = evaluate(truth, dict(zip(variables, X.T, strict=True)))
    return np.broadcast_to(found, len(X)).astype(float)


def clean_table(truth: Expression, variables: tuple[str, ...], X: np.ndarray) -> Table:
    """Return the table of the truth at the rows where it is finite."""
    y = values(truth, variables, X)
    kept = np.isfinite(y)
    return Table.of(variables, X[kept], y[kept])


def steady(truth: Expression, variables: tuple[str, ...], X: np.ndarray) -> np.ndarray:
    """Tell at which rows float64 has at least ten digits of the truth; all where few do.

    `exp(u) - 1` keeps six at u = 1e-10, and then two ways to write one formula differ by more than
    the structural measure allows. A second difference over steps of 1e-6 sees rounding, not slope.
    """
    down, y, up = (values(truth, variables, X * (1.0 + step)) for step in (-1e-6, 0.0, 1e-6))
    good = np.abs(up - 2.0 * y + down) <= 1e-10 * np.abs(y) + 1e-12 * np.abs(y).max()
    return good if good.mean() > 0.1 else np.ones(len(X), dtype=bool)


def box_test(
    truth: Expression, variables: tuple[str, ...], X: np.ndarray, y: np.ndarray, *, seed: int
) -> Table:
    """Return up to 400 clean rows, uniform in the box of X made a fifth wider.

    Rows near a pole, where the truth is more than three times its largest value in y, are left out;
    where the truth has no values outside the data's box (a logarithm, a root), so are those.
    """
    low, high = X.min(axis=0), X.max(axis=0)
    middle, half = (low + high) / 2, 0.6 * (high - low)
    rng = generator(seed, "symbolic", "box")
    rows = middle + half * rng.uniform(-1.0, 1.0, (800, X.shape[1]))
    table = clean_table(truth, variables, rows)
    kept = np.abs(table.y) <= 3.0 * np.abs(y).max()
    return Table.of(variables, table.X[kept][:400], table.y[kept][:400])


def data_file(name: str) -> Path:
    """Return the path of a data file; raises Absent, saying so, where it is not there.

    The folder is that of the variable RESIDUUM_BENCHMARK_DATA, else ../shared/data beside the
    checkout.
    """
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    path = Path(os.environ.get(FOLDER) or beside) / name
    if not path.exists():
        raise Absent(f"{path} is not there; name its folder in {FOLDER}")
    return path
