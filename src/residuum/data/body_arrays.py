"""How arrays with the dimensions (experiment, time, body, axis) become experiments of bodies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from residuum.data.body_layout import BodyLayout, whole_vectors
from residuum.data.columns import check_increasing, check_labels
from residuum.data.labels import body_names, experiment_names, numbered
from residuum.data.observations import Experiment
from residuum.data.reading import Columns
from residuum.errors import UserError

DIMENSIONS = "(experiment, time, body, axis) or (time, body, axis)"
OF_AXES = "(experiment, time, body) or (time, body) for each axis"


def experiments_of_arrays(
    path: Path, columns: Columns, layout: BodyLayout
) -> tuple[Experiment, ...]:
    """Return the experiments of arrays; raises UserError where shapes do not fit.

    A tail of missing times, and one of bodies that are missing throughout while other experiments
    have them, pads experiments of different size.
    """
    states = {state: _vectors(path, columns, layout, state) for state in layout.states}
    reference = next(iter(states))
    count, n, b = states[reference].shape[:3]
    for state, values in states.items():
        if values.shape != states[reference].shape:
            raise _wrong(path, layout, state, values.shape, str(states[reference].shape))
    if 0 in states[reference].shape:
        raise UserError("no samples", where=f"{path}: {layout.columns_of(reference)[0]}")

    def group(names: Mapping[str, str], size: int) -> dict[str, np.ndarray]:
        return {key: _rows(path, c, columns[c], (count, size)) for key, c in names.items()}

    t = _rows(path, layout.time, columns[layout.time], (count, n))
    inputs, scalars = group(layout.inputs, n), group(layout.scalars, b)
    bodies = _body_labels(path, columns, layout, (count, b))
    return tuple(
        _experiment(
            f"{path}: {layout.time}",
            Experiment(
                name,
                t[k],
                {key: whole_vectors(values[k]) for key, values in states.items()},
                {key: values[k] for key, values in inputs.items()},
                bodies=bodies[k],
                scalars={key: values[k] for key, values in scalars.items()},
            ),
            padded=count > 1,
        )
        for k, name in enumerate(_names(path, columns, layout, count))
    )


def _vectors(path: Path, columns: Columns, layout: BodyLayout, state: str) -> np.ndarray:
    """Return a state as `[E, n, b, d]`."""
    names = layout.columns_of(state)
    arrays = [columns[name] for name in names]
    single = isinstance(layout.states[state], str)
    for name, values in zip(names, arrays, strict=True):
        if values.ndim not in ((3, 4) if single else (2, 3)) or values.shape != arrays[0].shape:
            raise UserError(
                "wrong shape",
                where=f"{path}: {name}",
                expected=DIMENSIONS if single else OF_AXES,
                found=str(values.shape),
                hint=f"one axis alone is written as a list: {state}: [{name}]"
                if single and values.ndim == 2
                else None,
            )
    whole = arrays[0] if single else np.stack(arrays, axis=-1)
    return whole if whole.ndim == 4 else whole[None]


def _wrong(
    path: Path, layout: BodyLayout, state: str, found: tuple[int, ...], expected: str
) -> UserError:
    where = f"{path}: {layout.columns_of(state)[0]}"
    return UserError("wrong shape", where=where, expected=expected, found=str(found))


def _rows(path: Path, name: str, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return an array with a row for every experiment, the same where it has one for all."""
    if values.shape == shape[:1] and shape[1] == 1:
        values = values[:, None]  # MATLAB's files lose a last dimension of one
    if values.shape not in (shape, shape[1:]):
        raise UserError(
            "wrong shape",
            where=f"{path}: {name}",
            expected=f"{shape[1:]} or {shape}",
            found=str(values.shape),
        )
    return np.broadcast_to(values, shape)


def _body_labels(
    path: Path, columns: Columns, layout: BodyLayout, shape: tuple[int, int]
) -> list[tuple[str, ...]]:
    labels = columns.get(layout.body or "")
    if layout.body is None or labels is None:
        return [body_names(shape[1])] * shape[0]
    check_labels(path, layout.body, labels.reshape(-1), "a body")
    rows = [row.tolist() for row in _rows(path, layout.body, labels, shape)]
    for row in rows:
        if len(set(row)) < len(row):
            twice = next(label for label in row if row.count(label) > 1)
            raise UserError(f"body {twice!r} appears twice", where=f"{path}: {layout.body}")
    return [experiment_names(row, "body") for row in rows]


def _names(path: Path, columns: Columns, layout: BodyLayout, count: int) -> tuple[str, ...]:
    labels = columns.get(layout.experiment or "")
    if labels is None:
        return numbered(count)
    if labels.reshape(-1).shape != (count,):
        raise UserError(
            "wrong number of labels",
            where=f"{path}: {layout.experiment}",
            expected=f"one for each of {count} experiments",
            found=str(labels.size),
        )
    check_labels(path, str(layout.experiment), labels.reshape(-1))
    return experiment_names(labels.reshape(-1).tolist())


def _experiment(where: str, e: Experiment, *, padded: bool) -> Experiment:
    """Return an experiment without its padding, its times checked."""
    known = np.any([np.isfinite(v).all(axis=2) for v in e.states.values()], axis=0)
    times = _used(known.any(axis=1) | np.isfinite(e.t))
    bodies = known.any(axis=0) | np.any([np.isfinite(v) for v in e.scalars.values()], axis=0)
    count = _used(bodies) if padded else len(e.bodies)
    check_increasing(where, e.name, e.t[:times])
    return Experiment(
        e.name,
        e.t[:times],
        {name: values[:times, :count] for name, values in e.states.items()},
        {name: values[:times] for name, values in e.inputs.items()},
        bodies=e.bodies[:count],
        scalars={name: values[:count] for name, values in e.scalars.items()},
    )


def _used(mask: np.ndarray) -> int:
    """Return how many entries there are up to the last True."""
    found = np.flatnonzero(mask)
    return int(found[-1]) + 1 if len(found) else 0
