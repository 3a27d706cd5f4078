"""What a law of bodies predicts from where bodies begin, for any number of them."""

from __future__ import annotations

import numpy as np

from residuum.data.body_checks import check_coinciding, check_divisors
from residuum.data.observations import Experiment
from residuum.data.written_bodies import scalars_of
from residuum.errors import UserError
from residuum.laws.body_rollouts import follow
from residuum.laws.law import Law

# A close encounter may ask for any number of evaluations of the forces.
MOST_EVALUATIONS = 1_000_000


def predict_bodies(law: Law, e: Experiment) -> dict[str, np.ndarray]:
    """Return every component `[n, b, d]` of a law of bodies at the times of an experiment.

    It starts from the first frame; inputs are taken at all times, and of scalars that are not
    known the law's estimates. Everything is in the user's units; NaN after the solution ceases to
    exist. Raises UserError where something of the first frame is missing.
    """
    problem = law.bodies
    if problem is None:
        raise UserError("no law of bodies", where=law.dataset)
    _check_times(e)
    values = {name: row.value for name, row in law.parameters.items()}
    known = scalars_of(e, values)
    _check_first(e, problem.components, known)
    check_divisors([e], problem.divisors)
    check_coinciding(e.name, [e.take(np.arange(len(e)) == 0)])
    start = np.concatenate([e.states[c][0].ravel() for c in problem.components])
    path = follow(problem, e, values, start, e.t, most=MOST_EVALUATIONS)
    shape = (len(e), len(problem.components), len(e.bodies), e.axes)
    return dict(zip(problem.components, np.moveaxis(path.reshape(shape), 1, 0), strict=True))


def _check_times(e: Experiment) -> None:
    if len(e) < 2 or (np.diff(e.t) <= 0).any():
        raise UserError(
            "times do not increase", where=f"t ({e.name})", expected="two or more, in order"
        )
    for name, values in e.inputs.items():
        if not np.isfinite(values).any():
            raise UserError("no values, all are missing", where=f"{name} ({e.name})")


def _check_first(e: Experiment, components: tuple[str, ...], known: dict[str, np.ndarray]) -> None:
    for name in components:
        absent = np.flatnonzero(~np.isfinite(e.states[name][0]).all(axis=1))
        if len(absent):
            raise UserError(
                f"no {name} of {e.bodies[absent[0]]} at the first time",
                where=f"t = {e.t[0]:g} ({e.name})",
                expected="the state of every body there",
            )
    for name, values in known.items():
        absent = np.flatnonzero(~np.isfinite(values))
        if len(absent):
            raise UserError(
                f"no {name} of {e.bodies[absent[0]]}",
                where=e.name,
                expected="a number, or the name of a body of which the law has an estimate",
            )
