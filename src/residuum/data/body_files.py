"""How a file becomes experiments of bodies: which column is what, and what form it has.

A long table has a row for every experiment, time and body; arrays have these as dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from residuum.data.body_arrays import experiments_of_arrays
from residuum.data.body_checks import check_bodies
from residuum.data.body_layout import BodyLayout
from residuum.data.body_tables import experiments_of_table
from residuum.data.columns import numbers
from residuum.data.hdf5_files import read_named
from residuum.data.importers import check_file, read_columns
from residuum.data.observations import Experiment
from residuum.data.reading import Columns
from residuum.data.swaps import check_swaps

__all__ = ["BodyLayout", "read_bodies"]


def read_bodies(
    path: Path, layout: BodyLayout, lefts: Sequence[str] = ()
) -> tuple[Experiment, ...]:
    """Return the experiments of a file of bodies, checked.

    csv, tsv and parquet are long tables, and so are 1-D arrays of the other formats. Arrays are
    `(experiment, time, body, axis)` or `(time, body, axis)`, and a state's columns, one an axis,
    lack the last. Times are `(time,)` or `(experiment, time)`, scalars `(body,)` or
    `(experiment, body)`. `lefts` are the left-hand sides of the equations: given accelerations
    make single times enough. Raises UserError with file, variable and place on every fault.
    """
    columns = _read(path, layout)
    numeric = [name for name in columns if name not in layout.labels]
    columns |= {name: numbers(path, name, columns[name]) for name in numeric}
    states = [columns[name] for state in layout.states for name in layout.columns_of(state)]
    long = all(values.ndim == 1 for values in states)
    read = experiments_of_table if long else experiments_of_arrays
    experiments = read(path, columns, layout)
    check_bodies(str(path), experiments, lefts)
    check_swaps(str(path), experiments)
    return experiments


def _read(path: Path, layout: BodyLayout) -> Columns:
    if path.suffix.lower() != ".nc":
        return read_columns(path, layout.columns)
    check_file(path)
    return read_named(path, layout.columns, layout.meanings, optional=layout.labels)
