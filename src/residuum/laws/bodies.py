"""Laws of systems of bodies: fitted to measured accelerations, or through the dynamics.

Both are done on scalar equations (`problem.body_expansion`). Where the rate of every state was
measured, one receiver stands for all: each body of each frame is one sample of the same equations,
with the body itself first. Where only trajectories were, all bodies move at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from residuum.data.observations import Observations
from residuum.distillers.front import Front
from residuum.errors import UserError
from residuum.hidden.samples import Extraction
from residuum.laws.body_layout import Layout
from residuum.laws.choice import Map, Selection, prepare_choice
from residuum.laws.dynamics import Dynamics
from residuum.laws.law import Law
from residuum.laws.rates import Rates
from residuum.laws.select import select_by
from residuum.laws.settings import SelectSettings
from residuum.laws.trial import Trial
from residuum.problem.body_completion import complete
from residuum.problem.body_problem import BodyProblem
from residuum.problem.problem import Problem

# Components of all bodies together that are integrated at once.
MOST_COMPONENTS = 48


def select_bodies(
    problem: BodyProblem,
    observations: Observations,
    extraction: Extraction,
    fronts: Sequence[Mapping[str, Front]],
    settings: SelectSettings,
    *,
    dataset: str = "",
    map: Map = map,
) -> Selection:
    """Refit candidates of the hidden terms of bodies, choose one law, and say how sure it is.

    See `select.select`. Raises UserError where there are trajectories only, of too many bodies.
    """
    written, trial = body_trial(problem, observations, extraction)
    choice = prepare_choice(written, trial, extraction, settings, map=map)
    found = select_by(choice, extraction, fronts, units={}, dataset=dataset)
    return replace(found, law=law_of_bodies(problem, found.law))


def law_of_bodies(problem: BodyProblem, law: Law) -> Law:
    """Return the law of the scalar equations as one of vectors and sums."""
    formulas = {name: hidden.expression for name, hidden in law.hidden.items()}
    completed = complete(problem, formulas)
    equations = {equation.left: equation.rhs for equation in completed.equations}
    return replace(law, equations=equations, bodies=completed)


def body_trial(
    problem: BodyProblem, observations: Observations, extraction: Extraction
) -> tuple[Problem, Trial]:
    """Return the scalar problem and how its laws meet the data."""
    if rates_are_given(problem, observations):
        layout = Layout.of(problem, observations.experiments, receivers=(0,))
        parts = (observations.training, observations.experiments, observations.held_out)
        training, full, unseen = (layout.rates(part, observations.noise) for part in parts)
        return layout.written, Rates(layout.written, training, full, unseen)
    layout = Layout.of(problem, observations.experiments)
    components = len(layout.written.components)
    if components > MOST_COMPONENTS:
        raise UserError(
            "too many bodies to refit a law through their trajectories",
            expected=f"at most {MOST_COMPONENTS} components, or measured accelerations",
            found=f"{components}",
            hint="give accelerations: states: {position_tt: [...]}",
        )
    flat = layout.flat(observations)
    return layout.written, Dynamics.of(layout.written, flat, extraction.trajectories)


def rates_are_given(problem: BodyProblem, observations: Observations) -> bool:
    """Tell whether the left-hand side and every component of each equation were measured."""
    needed = {equation.left for equation in problem.equations} | set(problem.components)
    return needed <= set(observations.states)
