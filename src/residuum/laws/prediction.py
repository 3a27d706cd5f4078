"""What a law predicts from an initial state, without the campaign it came from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from residuum.data.observations import Experiment
from residuum.errors import UserError
from residuum.laws.forecast import completed, roll_out
from residuum.laws.law import Law
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter, Problem


def problem_of(law: Law) -> Problem:
    """Return the completed equations of a law as a problem in which nothing is hidden."""
    used = {name for side in law.equations.values() for name in side.variables}
    given = {n: Parameter(n, row.value) for n, row in law.parameters.items() if n in used}
    return read_problem(
        {left: side.infix() for left, side in law.equations.items()},
        inputs=law_inputs(law),
        parameters=given,
    )


def law_inputs(law: Law) -> tuple[str, ...]:
    """Return the names in a law that are neither states, parameters nor time."""
    from residuum.laws.export.system import system_of

    system = system_of(law)
    return system.arguments[1 + len(system.results) :]


def predict(law: Law, t: np.ndarray, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return every component at the times `t[n]`, from the first row of `columns[name][n]`.

    Inputs are taken at all rows. Everything is in the user's units; NaN after the solution
    ceases to exist. Raises UserError where a component or input has no column, or times do not
    increase.
    """
    if law.bodies is not None:
        raise UserError(
            "a law of bodies starts from vectors",
            where=law.dataset,
            hint="use laws.body_prediction.predict_bodies, or the command residuum predict",
        )
    problem = problem_of(law)
    for name in (*problem.components, *problem.inputs):
        if name not in columns:
            needed = ", ".join(("t", *problem.components, *problem.inputs))
            raise UserError(f"no column {name!r}", expected=f"the columns {needed}")
    if len(t) < 2 or (np.diff(t) <= 0).any():
        raise UserError("times do not increase", where="t", expected="two or more, in order")
    inputs = {name: columns[name] for name in problem.inputs}
    initial = np.array([columns[name][0] for name in problem.components], dtype=float)
    sides = completed(problem, {}, {})
    path = roll_out(problem, sides, Experiment("given", t, {}, inputs), initial, t)
    return {name: path[:, k] for k, name in enumerate(problem.components)}
