"""From what a user says about data to observations: read or simulate, check, split, scale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from residuum.data.body_checks import check_bodies, check_divisors
from residuum.data.body_files import BodyLayout, read_bodies
from residuum.data.experiments import Layout, check_positive, check_signals, read_table
from residuum.data.observations import AXIS, BODY, MASK, TIME, Experiment, Observations
from residuum.data.settings import DataSettings
from residuum.data.simulate import simulate
from residuum.data.simulate_bodies import simulate_bodies
from residuum.data.specification import units_of
from residuum.data.splits import split
from residuum.errors import UserError
from residuum.problem.body_problem import BodyProblem


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
    bodies: BodyProblem | None = None,
) -> Observations:
    """Return the observations of a dataset, checked, with the held-out split and scales.

    `base` is the folder that relative paths start from, `states` the names taken from a file
    when `data.states` says none, `dataset` and `seed` fix the noise of a simulation, `where` is
    the YAML path of the data section, `bodies` the problem if it is one of bodies. Raises
    UserError on every fault of the data.
    """
    if bodies is not None or data.of_bodies:
        source, experiments = _bodies(data, base, dataset, states, seed, where, bodies)
    else:
        source, experiments = _trajectories(data, base, dataset, states, seed, where)
    noise = data.noise_model
    _check_names(experiments, where)
    if noise.kind == "lognormal":
        check_positive(source, experiments)
    first = experiments[0]
    return Observations.of(
        split(experiments, holdout),
        noise=noise,
        units=units_of(data, [*first.states, *first.inputs, *first.scalars], where),
        title=title,
    )


def _trajectories(
    data: DataSettings, base: Path, dataset: str, states: Sequence[str], seed: int, where: str
) -> tuple[str, tuple[Experiment, ...]]:
    if data.simulate is not None:
        source = _simulation(where)
        experiments = simulate(data.simulate, seed=seed, dataset=dataset, where=source)
        check_signals(source, experiments)
        return source, experiments
    path = Path(base, str(data.file))
    return str(path), read_table(path, layout(data, states, where))


def _bodies(
    data: DataSettings,
    base: Path,
    dataset: str,
    states: Sequence[str],
    seed: int,
    where: str,
    problem: BodyProblem | None,
) -> tuple[str, tuple[Experiment, ...]]:
    lefts = [equation.left for equation in problem.equations] if problem else []
    if data.simulate is not None:
        source = _simulation(where)
        experiments = simulate_bodies(data.simulate, seed=seed, dataset=dataset, where=source)
        check_bodies(source, experiments, lefts)
    else:
        path = Path(base, str(data.file))
        source, experiments = str(path), read_bodies(path, body_layout(data, states, where), lefts)
    if problem is not None:
        check_divisors(experiments, problem.divisors, source)
    return source, experiments


def _simulation(where: str) -> str:
    return f"{where}.simulate" if where else "simulate"


def layout(data: DataSettings, states: Sequence[str], where: str = "") -> Layout:
    """Return which column of the file is what."""
    columns = {key: str(column) for key, column in _columns(data, states, where).items()}
    return Layout(data.time, columns, dict(data.inputs), data.experiment)


def body_layout(data: DataSettings, states: Sequence[str], where: str = "") -> BodyLayout:
    """Return which column or variable of the file is what of the bodies."""
    columns = _columns(data, states, where)
    given = dict(data.inputs), dict(data.scalars), data.experiment, data.body
    return BodyLayout(data.time, columns, *given)


def _columns(
    data: DataSettings, states: Sequence[str], where: str
) -> dict[str, str | tuple[str, ...]]:
    columns = dict(data.states) or {name: name for name in states}
    if not columns:
        raise UserError("no states", where=where or None, expected="states: {NAME: COLUMN}")
    return dict(columns)


def _check_names(experiments: Sequence[Experiment], where: str) -> None:
    first = experiments[0]
    reserved = (TIME, MASK, BODY, AXIS) if first.bodies else (TIME, MASK)
    for name in (*first.states, *first.inputs, *first.scalars):
        if name in reserved:
            raise UserError(
                f"{name!r} is a reserved name", where=where or None, hint="choose another"
            )
