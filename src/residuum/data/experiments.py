"""How columns become experiments, and what is refused before anything is trained on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from residuum.data.columns import check_increasing, check_labels, numbers
from residuum.data.importers import read_columns
from residuum.data.labels import experiment_names, numbered
from residuum.data.observations import Experiment
from residuum.data.reading import Columns
from residuum.errors import UserError

FEWEST_SAMPLES = 3

# An index into columns that picks one experiment.
Rows = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column is what: time, states and inputs by their names, the experiments' labels."""

    time: str
    states: Mapping[str, str]
    inputs: Mapping[str, str]
    experiment: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are needed."""
        extra = (self.experiment,) if self.experiment else ()
        return (self.time, *self.states.values(), *self.inputs.values(), *extra)


def read_table(path: Path, layout: Layout) -> tuple[Experiment, ...]:
    """Return the experiments of a file, checked.

    Experiments are told apart by a column of labels, or are the rows of 2-D arrays
    `(experiment, time)` with times shared `(time,)` or their own; a tail of NaN times pads
    ragged rows. Raises UserError with file, variable and row on every fault.
    """
    columns = read_columns(path, layout.columns)
    numeric = [name for name in layout.columns if name != layout.experiment]
    columns |= {name: numbers(path, name, columns[name]) for name in numeric}
    pieces = _pieces(path, columns, layout)
    names = _labels(path, columns, layout, len(pieces))
    experiments = tuple(
        _experiment(path, name, rows, columns, layout)
        for name, rows in zip(names, pieces, strict=True)
    )
    check_signals(str(path), experiments)
    return experiments


def _pieces(path: Path, columns: Columns, layout: Layout) -> list[Rows]:
    """Return an index into the columns for each experiment."""
    signals = [*layout.states.values(), *layout.inputs.values()]
    shapes = {name: columns[name].shape for name in (layout.time, *signals)}
    reference = columns[signals[0]].shape
    for name in signals:
        _check_shape(path, name, shapes[name], reference)
    n = reference[-1] if reference else 0
    if n == 0:
        raise UserError("no samples", where=f"{path}: {signals[0]}")
    if shapes[layout.time] not in (reference, (n,)):
        _check_shape(path, layout.time, shapes[layout.time], (n,))
    if len(reference) == 2:
        return [(k,) for k in range(reference[0])]
    if layout.experiment is None:
        return [(slice(None),)]
    labels = columns[layout.experiment]
    _check_shape(path, layout.experiment, labels.shape, reference)
    check_labels(path, layout.experiment, labels)
    return [(np.flatnonzero(labels == label),) for label in dict.fromkeys(labels.tolist())]


def _check_shape(path: Path, name: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if found != expected or len(found) not in (1, 2):
        size = "(times,) or (experiments, times)" if len(expected) not in (1, 2) else str(expected)
        raise UserError(
            "wrong shape", where=f"{path}: {name}", expected=size, found=str(tuple(found))
        )


def _labels(path: Path, columns: Columns, layout: Layout, count: int) -> tuple[str, ...]:
    if layout.experiment is None:
        return numbered(count)
    labels = list(dict.fromkeys(columns[layout.experiment].reshape(-1).tolist()))
    if len(labels) != count:
        raise UserError(
            "wrong number of labels",
            where=f"{path}: {layout.experiment}",
            expected=f"one for each of {count} experiments",
            found=str(len(labels)),
        )
    return experiment_names(labels)


def _experiment(path: Path, name: str, rows: Rows, columns: Columns, layout: Layout) -> Experiment:
    def pick(column: str) -> np.ndarray:
        values = columns[column]
        whole = rows if values.ndim == 2 or not isinstance(rows[0], int) else (slice(None),)
        return np.asarray(values[whole])

    t = pick(layout.time)
    signals = {key: pick(column) for key, column in layout.states.items()}
    inputs = {key: pick(column) for key, column in layout.inputs.items()}
    padded = columns[layout.time].ndim == 2
    keep = slice(0, _length(t, signals) if padded else len(t))
    own = np.arange(len(columns[layout.time]))[rows] if t.ndim == 1 and not padded else None
    _check_times(f"{path}: {layout.time}", name, t[keep], own)
    return Experiment(
        name,
        t[keep],
        {key: values[keep] for key, values in signals.items()},
        {key: values[keep] for key, values in inputs.items()},
    )


def _length(t: np.ndarray, states: Mapping[str, np.ndarray]) -> int:
    """Return the samples before a tail in which time and every state are NaN."""
    empty = np.isnan(t) & np.all([np.isnan(v) for v in states.values()], axis=0)
    filled = np.flatnonzero(~empty)
    return int(filled[-1]) + 1 if len(filled) else 0


def _check_times(where: str, name: str, t: np.ndarray, rows: np.ndarray | None) -> None:
    if len(t) < FEWEST_SAMPLES:
        raise UserError(
            "too few samples",
            where=f"{where} ({name})",
            expected=f"at least {FEWEST_SAMPLES} in each experiment",
            found=str(len(t)),
        )
    check_increasing(where, name, t, rows)


def check_signals(where: str, experiments: Sequence[Experiment]) -> None:
    """Raise UserError when a state is all missing or constant, or an input all missing."""
    for group in ("states", "inputs"):
        for name in getattr(experiments[0], group):
            for e in experiments:
                if not np.isfinite(getattr(e, group)[name]).any():
                    raise UserError(
                        "no values, all are missing", where=f"{where}: {name} ({e.name})"
                    )
    for name in experiments[0].states:
        values = np.concatenate([e.states[name] for e in experiments])
        values = values[np.isfinite(values)]
        if values.min() == values.max():
            raise UserError(
                "constant signal",
                where=f"{where}: {name}",
                expected="a state that changes",
                found=f"{values[0]:g} everywhere",
            )


def check_positive(where: str, experiments: Sequence[Experiment]) -> None:
    """Raise UserError when lognormal noise is declared for data that are not positive."""
    if experiments[0].bodies:
        raise UserError(
            "lognormal noise of vectors", where=where, expected="gaussian or relative noise"
        )
    for e in experiments:
        for name, values in e.states.items():
            wrong = np.flatnonzero(values <= 0)
            if len(wrong):
                raise UserError(
                    "not positive, but the noise is lognormal",
                    where=f"{where}: {name}, t = {e.t[wrong[0]]:g} ({e.name})",
                    expected="positive values",
                    found=f"{values[wrong[0]]:g}",
                    hint="use gaussian or relative noise, or mark zeros as missing",
                )
