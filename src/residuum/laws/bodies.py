"""Laws of systems of bodies: fitted to measured accelerations, or through the dynamics.

Both are done on scalar equations (`problem.body_expansion`). Where the rate of every state was
measured, one receiver stands for all: each body of each frame is one sample of the same equations,
with the body itself first. Where only trajectories were, all bodies move at once.
"""

from __future__ import annotations

from dataclasses import replace

from residuum.data.observations import Observations
from residuum.data.written_bodies import (
    WrittenBodies,
    rates_are_given,
    unknown_name,
    unknown_scalars,
)
from residuum.errors import UserError
from residuum.hidden.samples import Extraction
from residuum.laws.body_rates import rate_data
from residuum.laws.body_rollouts import Rollouts
from residuum.laws.body_starts import body_starts
from residuum.laws.dynamics import Dynamics
from residuum.laws.law import Law
from residuum.laws.rates import Rates
from residuum.laws.refit import Precision
from residuum.laws.settings import SelectSettings
from residuum.laws.starts import starting_trajectories
from residuum.laws.trial import Trial
from residuum.laws.windows import windowed
from residuum.problem.body_completion import complete
from residuum.problem.body_problem import BodyProblem
from residuum.problem.dimensions import inferred_units
from residuum.problem.hidden_term import HiddenTerm
from residuum.problem.problem import Problem

# Components of all bodies together that are integrated at once.
MOST_COMPONENTS = 48
# Nobody watches bodies without noise: more digits would be spent on it. Steps are bounded, for a
# law that asks for very many of them between two frames is not followed there anyway.
WATCHED = Precision(step=1e-7, defect=1e-8, floor=1e-7, iterations=30, most_steps=48)
# Components for which every law of the settings is tried, and laws that are tried in any case.
USUAL_COMPONENTS, FEWEST_LAWS, FEWEST_SHORT = 4, 24, 6


def affordable(settings: SelectSettings, trial: Trial) -> SelectSettings:
    """Return settings with fewer laws to try where many components are integrated at once.

    A refit's time grows with their square.
    """
    components = trial.full.nodes.shape[1] if trial.full.initial_values else 1
    share = min(1.0, (USUAL_COMPONENTS / components) ** 2)
    return replace(
        settings,
        laws=max(min(settings.laws, FEWEST_LAWS), round(share * settings.laws)),
        extend=max(min(settings.extend, 1), round(share * settings.extend)),
        shortlist=max(min(settings.shortlist, FEWEST_SHORT), round(share * settings.shortlist)),
    )


def law_of_bodies(problem: BodyProblem, law: Law) -> Law:
    """Return the law of the scalar equations as one of vectors and sums."""
    formulas = {name: hidden.expression for name, hidden in law.hidden.items()}
    completed = complete(problem, formulas)
    equations = {equation.left: equation.rhs for equation in completed.equations}
    hidden = {
        name: replace(formula, direction=_direction(problem.hidden_term(name)))
        for name, formula in law.hidden.items()
    }
    return replace(law, equations=equations, hidden=hidden, bodies=completed)


def units_of_law(problem: BodyProblem, observations: Observations) -> dict[str, str | None]:
    """Return the units of parameters, and of scalars that are not known, by their names."""
    found = inferred_units(problem, observations.units)
    unknown = unknown_scalars(problem, observations.experiments)
    return found | {unknown_name(scalar, body): found[scalar] for scalar, body in unknown}


def _direction(term: HiddenTerm) -> str:
    return term.arguments[term.vectors.index(True)] if term.vector else ""


def body_trial(
    problem: BodyProblem, observations: Observations, extraction: Extraction
) -> tuple[Problem, Trial]:
    """Return the scalar problem and how its laws meet the data.

    Raises UserError where there are trajectories only, of too many bodies.
    """
    if rates_are_given(problem, observations):
        one = WrittenBodies.of(problem, observations.experiments, receivers=(0,))
        parts = (observations.training, observations.experiments, observations.held_out)
        training, full, unseen = (rate_data(one, part, observations.noise) for part in parts)
        rollouts = Rollouts(problem, observations)
        return one.written, Rates(one.written, training, full, unseen, rollouts)
    everyone = WrittenBodies.of(problem, observations.experiments)
    components = len(everyone.written.components)
    if components > MOST_COMPONENTS:
        raise UserError(
            "too many bodies to refit a law through their trajectories",
            expected=f"at most {MOST_COMPONENTS} components, or measured accelerations",
            found=f"{components}",
            hint="give accelerations: states: {position_tt: [...]}",
        )
    flat = everyone.flat(observations)
    learned = body_starts(everyone, flat, observations, extraction.trajectories)
    moving = Dynamics.of(everyone.written, flat, learned)
    starts = starting_trajectories(everyone.written, flat, learned)
    training, full = (windowed(d, everyone, starts) for d in (moving.training, moving.full))
    runs = moving.training, moving.full
    return everyone.written, replace(moving, training=training, full=full, exact=WATCHED, runs=runs)
