"""What of a user's table takes part in a search, in which numbers, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from residuum.distillers.coherence import Coherent
from residuum.distillers.preselection import most_useful
from residuum.distillers.regression import Table
from residuum.errors import UserError

# Beyond these sizes powers of the numbers leave the range of float64.
_LARGEST, _SMALLEST = 1e60, 1e-60


@dataclass(frozen=True, slots=True)
class Prepared:
    """A table in coherent, moderate numbers; a user's column times its factor is the table's.

    `factor` is that of the value; `notes` are sentences on what was left out or converted.
    """

    table: Table
    factors: Mapping[str, float]
    factor: float
    notes: tuple[str, ...]


def prepare(
    table: Table,
    *,
    value: str,
    coherent: Coherent | None = None,
    kept: Collection[str] = (),
    most: int = 30,
    seed: int = 0,
) -> Prepared:
    """Return the table without columns that cannot matter, in numbers that can be computed with.

    Constant columns and repetitions of earlier ones are left out, then all but the `most` most
    useful; columns named in `kept` never are. Extreme numbers are divided by powers of two.
    Raises UserError for extreme numbers with units, and where no column is left.
    """
    notes: list[str] = []
    factors = dict(coherent.factors) if coherent else dict.fromkeys((*table.variables, value), 1.0)
    notes += _conversions(factors, coherent)
    X = table.X * [factors[name] for name in table.variables]
    alive = _distinct(X, table.variables, kept, notes)
    if not alive:
        raise UserError(
            f"{value} changes but no variable does",
            where="X",
            expected="a column that is not constant",
            found="; ".join(notes),
        )
    if len(alive) > most:
        alive = _useful(X, table, alive, kept, most, seed, notes)
    names = tuple(table.variables[j] for j in alive)
    X, y = X[:, alive], table.y * factors[value]
    shifts = {name: _shift(column) for name, column in zip(names, X.T, strict=True)}
    shifts[value] = _shift(y)
    if coherent:
        _refuse_extremes(shifts)
    notes += [
        f"{name} was divided by {1 / shift:.3g} for the search"
        for name, shift in shifts.items()
        if shift != 1
    ]
    total = {name: factors[name] * shift for name, shift in shifts.items()}
    units = None if coherent is None else tuple(coherent.dimensions[name] for name in names)
    scaled = replace(
        table,
        variables=names,
        X=X * [shifts[name] for name in names],
        units=units,
        unit=None if coherent is None else coherent.dimensions[value],
    )
    return Prepared(_with_value(scaled, total[value]), total, total[value], tuple(notes))


def _refuse_extremes(shifts: Mapping[str, float]) -> None:
    # Columns divided one by one would no longer be in coherent units.
    for name, shift in shifts.items():
        if shift != 1:
            raise UserError(
                "numbers too extreme to compute with",
                where=name,
                expected=f"a largest size between {_SMALLEST:g} and {_LARGEST:g}",
                found=f"about {1 / shift:.1g}",
                hint="give this column in another unit",
            )


def _with_value(table: Table, factor: float) -> Table:
    """Return the table with values times `factor` and the same residuals."""
    return replace(
        table,
        y=table.y * factor,
        precision=None if table.precision is None else table.precision / factor / factor,
        whitening=None if table.whitening is None else table.whitening / factor,
    )


def _conversions(factors: Mapping[str, float], coherent: Coherent | None) -> list[str]:
    return [
        f"{name} was multiplied by {factor:.6g} for the search, so that units agree"
        for name, factor in factors.items()
        if coherent and factor != 1
    ]


def _distinct(
    X: np.ndarray, names: Sequence[str], kept: Collection[str], notes: list[str]
) -> list[int]:
    """Return the columns that are neither constant nor an earlier one again, with a note each."""
    alive: list[int] = []
    seen: dict[bytes, str] = {}
    for j, name in enumerate(names):
        column = np.ascontiguousarray(X[:, j]) + 0.0  # minus zero is zero
        twin = seen.setdefault(column.tobytes(), name)
        if name in kept:
            alive.append(j)
        elif column.min() == column.max():
            notes.append(f"{name} is constant: left out")
        elif twin != name:
            notes.append(f"{name} is the same as {twin}: left out")
        else:
            alive.append(j)
    return alive


def _useful(
    X: np.ndarray,
    table: Table,
    alive: list[int],
    kept: Collection[str],
    most: int,
    seed: int,
    notes: list[str],
) -> list[int]:
    wanted = [j for j in alive if table.variables[j] in kept]
    others = [j for j in alive if table.variables[j] not in kept]
    count = max(0, min(most - len(wanted), len(others)))
    chosen = [others[k] for k in most_useful(X[:, others], table.y, count, seed=seed)]
    notes.append(
        f"the search was given the {len(wanted) + count} of {len(alive)} columns that a forest of "
        "random trees uses most"
    )
    return sorted(wanted + chosen)


def _shift(column: np.ndarray) -> float:
    """Return a power of two that brings a column of extreme numbers to the size of one."""
    largest = float(np.abs(column).max(initial=0.0))
    if largest == 0 or _SMALLEST < largest < _LARGEST:
        return 1.0
    return float(2.0 ** -np.clip(np.floor(np.log2(largest)), -1020, 1020))
