"""How long tables, a row for every experiment, time and body, become experiments of bodies."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from residuum.data.body_layout import BodyLayout, whole_vectors
from residuum.data.columns import check_increasing, check_labels
from residuum.data.labels import experiment_names
from residuum.data.observations import Experiment
from residuum.data.reading import Columns
from residuum.errors import UserError

UNSORTED = "the rows of a body follow its time; several experiments need an `experiment` column"

OF_TIME = "what changes in time for each body is a state"


def experiments_of_table(
    path: Path, columns: Columns, layout: BodyLayout
) -> tuple[Experiment, ...]:
    """Return the experiments of a long table; raises UserError on rows that contradict others."""
    n = len(columns[layout.time])
    for name in layout.columns:
        if name not in columns or columns[name].shape != (n,):
            found = str(columns[name].shape) if name in columns else "none"
            raise UserError("wrong shape", where=f"{path}: {name}", expected=str((n,)), found=found)
    if layout.body is None:
        raise UserError(
            "no column tells bodies apart",
            where=str(path),
            hint="name it: data: {body: COLUMN}, or give arrays (time, body, axis)",
        )
    check_labels(path, layout.body, columns[layout.body], "a body")
    if layout.experiment is None:
        return (_experiment(path, "experiment_000", np.arange(n), columns, layout),)
    labels = columns[layout.experiment]
    check_labels(path, layout.experiment, labels)
    kinds = list(dict.fromkeys(labels.tolist()))
    return tuple(
        _experiment(path, name, np.flatnonzero(labels == label), columns, layout)
        for name, label in zip(experiment_names(kinds), kinds, strict=True)
    )


def _experiment(
    path: Path, name: str, rows: np.ndarray, columns: Columns, layout: BodyLayout
) -> Experiment:
    labels = columns[str(layout.body)][rows].tolist()
    kinds = list(dict.fromkeys(labels))
    bodies = experiment_names(kinds, "body")
    places = {label: index for index, label in enumerate(kinds)}
    body = np.array([places[label] for label in labels])
    for index, label in enumerate(bodies):
        own = rows[body == index]
        _check_times(f"{path}: {layout.time}", f"{label}, {name}", columns[layout.time][own], own)
    t, frame = np.unique(columns[layout.time][rows], return_inverse=True)
    states = {}
    for state in layout.states:
        vectors = np.stack([columns[c][rows] for c in layout.columns_of(state)], axis=-1)
        states[state] = np.full((len(t), len(bodies), vectors.shape[-1]), np.nan)
        states[state][frame, body] = whole_vectors(vectors)
    inputs = {
        key: _shared(path, c, columns[c], rows, frame, [f"t = {time:g}" for time in t])
        for key, c in layout.inputs.items()
    }
    scalars = {
        key: _shared(path, c, columns[c], rows, body, [f"body {b}" for b in bodies], OF_TIME)
        for key, c in layout.scalars.items()
    }
    return Experiment(name, t, states, inputs, bodies=bodies, scalars=scalars)


def _check_times(where: str, owner: str, t: np.ndarray, rows: np.ndarray) -> None:
    twice = np.flatnonzero(np.diff(t) == 0)
    if len(twice):
        raise UserError(
            "a body appears twice at one time",
            where=f"{where}, row {rows[twice[0] + 1] + 1} ({owner})",
            expected="one row for each body and time",
            found=f"t = {t[twice[0]]:g} also in row {rows[twice[0]] + 1}",
        )
    check_increasing(where, owner, t, rows, hint=UNSORTED)


def _shared(
    path: Path,
    column: str,
    values: np.ndarray,
    rows: np.ndarray,
    group: np.ndarray,
    names: list[str],
    hint: str | None = None,
) -> np.ndarray:
    """Return the one value of each group of rows, NaN where all are missing."""
    found = np.full(len(names), np.nan)
    there = np.isfinite(values[rows])
    found[group[there][::-1]] = values[rows][there][::-1]  # the first row of each group stays
    wrong = np.flatnonzero(there & (values[rows] != found[group]))
    if len(wrong):
        first = wrong[0]
        raise UserError(
            f"two values for {names[group[first]]}",
            where=f"{path}: {column}, row {rows[first] + 1}",
            expected=f"{found[group[first]]:g}, as in an earlier row",
            found=f"{values[rows[first]]:g}",
            hint=hint,
        )
    return found
