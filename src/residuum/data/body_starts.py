"""Where bodies begin, as a table or arrays say it in the names of a law.

A state `position` is the array `position`, or the columns `position_x`, `position_y`, ...; its
rate `position_t` those and `position_x_t`, ... The columns `body` and `experiment` hold labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from residuum.data.body_arrays import experiments_of_arrays
from residuum.data.body_layout import BodyLayout
from residuum.data.body_tables import experiments_of_table
from residuum.data.columns import numbers
from residuum.data.hdf5_files import EXPERIMENT
from residuum.data.observations import BODY, TIME, Experiment
from residuum.data.reading import Columns
from residuum.data.table_files import read_table_file
from residuum.errors import UserError
from residuum.problem.body_expansion import AXIS_NAMES, along


def read_starts(
    path: Path, components: Sequence[str], scalars: Sequence[str], inputs: Sequence[str]
) -> tuple[Experiment, ...]:
    """Return experiments of bodies of which the first frame, times and inputs are of use.

    Long tables have a row for every time and body, arrays the dimensions (time, body, axis), or
    (body, axis) of the first time alone. Raises UserError, located in the file, on every fault.
    """
    columns = read_table_file(path, fewest=1)
    layout = _layout(path, columns, components, scalars, inputs)
    columns = {
        name: values if name in layout.labels else numbers(path, name, values)
        for name, values in columns.items()
        if name in layout.columns
    }
    states = [name for state in components for name in layout.columns_of(state)]
    if all(columns[name].shape == columns[TIME].shape for name in states):
        if layout.body is None:
            raise UserError(f"no column {BODY!r}", where=str(path), expected="labels of bodies")
        return experiments_of_table(path, columns, layout)
    frames = len(np.atleast_1d(columns[TIME]))
    for state in components:
        for name in layout.columns_of(state):
            whole = 3 if isinstance(layout.states[state], str) else 2
            columns[name] = _at_first_time(columns[name], frames, whole)
    return experiments_of_arrays(path, columns, layout)


def _layout(
    path: Path,
    columns: Columns,
    components: Sequence[str],
    scalars: Sequence[str],
    inputs: Sequence[str],
) -> BodyLayout:
    states = {name: _columns(path, columns, name) for name in components}
    for name in (TIME, *scalars, *inputs):
        if name not in columns:
            expected = ", ".join((TIME, BODY, *components, *scalars, *inputs))
            raise UserError(f"no column {name!r}", where=str(path), expected=expected)
    axes = {name: len(found) for name, found in states.items() if not isinstance(found, str)}
    if len(set(axes.values())) > 1:
        found = ", ".join(f"{count} of {name}" for name, count in axes.items())
        raise UserError(
            "columns of different numbers of axes",
            where=str(path),
            expected="as many for every state",
            found=found,
        )
    labels = [name if name in columns else None for name in (EXPERIMENT, BODY)]
    return BodyLayout(TIME, states, {n: n for n in inputs}, {n: n for n in scalars}, *labels)


def _columns(path: Path, columns: Columns, component: str) -> str | tuple[str, ...]:
    if component in columns:
        return component
    names = [along(component, axis) for axis in range(len(AXIS_NAMES))]
    found = tuple(name for name in names if name in columns)
    if not found or found != tuple(names[: len(found)]):
        raise UserError(
            f"no column {next(n for n in names if n not in found)!r}",
            where=str(path),
            expected=f"{', '.join(names[:2])} or, of arrays (time, body, axis), {component}",
        )
    return found


def _at_first_time(values: np.ndarray, frames: int, whole: int) -> np.ndarray:
    """Return arrays without a time as those of which later times are missing."""
    if values.ndim != whole - 1:
        return values
    padded = np.full((frames, *values.shape), np.nan)
    padded[:1] = values
    return padded


def long_table(e: Experiment, components: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return components `[n, b, d]` as the columns of a table that `read_starts` reads."""
    n, b = len(e), len(e.bodies)
    found = {
        EXPERIMENT: np.full(n * b, e.name),
        TIME: np.repeat(e.t, b),
        BODY: np.tile(np.array(e.bodies), n),
    }
    return found | {
        along(name, axis): values[:, :, axis].ravel()
        for name, values in components.items()
        for axis in range(e.axes)
    }
