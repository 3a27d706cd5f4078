"""From what a user says about data to observations: read or simulate, check, split, scale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from residuum.data.experiments import Layout, check_positive, check_signals, read_table
from residuum.data.observations import MASK, TIME, Experiment, Observations
from residuum.data.settings import DataSettings
from residuum.data.simulate import simulate
from residuum.data.specification import units_of
from residuum.data.splits import split
from residuum.errors import UserError


def prepare(
    data: DataSettings,
    base: Path,
    *,
    dataset: str,
    states: Sequence[str] = (),
    title: str = "",
    holdout: float = 0.25,
    seed: int = 0,
    where: str = "",
) -> Observations:
    """Return the observations of a dataset, checked, with the held-out split and scales.

    `base` is the folder that relative paths start from, `states` the names taken from a file
    when `data.states` says none, `dataset` and `seed` fix the noise of a simulation, `where` is
    the YAML path of the data section. Raises UserError on every fault of the data.
    """
    if data.simulate is not None:
        source = f"{where}.simulate" if where else "simulate"
        experiments = simulate(data.simulate, seed=seed, dataset=dataset, where=source)
        check_signals(source, experiments)
    else:
        path = Path(base, str(data.file))
        source = str(path)
        experiments = read_table(path, layout(data, states, where))
    noise = data.noise_model
    _check_names(experiments, where)
    if noise.kind == "lognormal":
        check_positive(source, experiments)
    names = [*experiments[0].states, *experiments[0].inputs]
    return Observations.of(
        split(experiments, holdout),
        noise=noise,
        units=units_of(data, names, where),
        title=title,
    )


def layout(data: DataSettings, states: Sequence[str], where: str = "") -> Layout:
    """Return which column of the file is what."""
    columns = dict(data.states) or {name: name for name in states}
    if not columns:
        raise UserError("no states", where=where or None, expected="states: {NAME: COLUMN}")
    return Layout(data.time, columns, dict(data.inputs), data.experiment)


def _check_names(experiments: Sequence[Experiment], where: str) -> None:
    for name in (*experiments[0].states, *experiments[0].inputs):
        if name in (TIME, MASK):
            raise UserError(
                f"{name!r} is a reserved name", where=where or None, hint="choose another"
            )
