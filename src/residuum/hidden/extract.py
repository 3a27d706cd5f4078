"""What did the surrogate learn, as numbers that formulas can be fitted to?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from residuum.data.observations import Experiment, Observations
from residuum.data.written_bodies import WrittenBodies, alike, rates_are_given
from residuum.expressions.evaluation import evaluate
from residuum.hidden.body_samples import body_samples
from residuum.hidden.samples import Extraction, HiddenSamples, Structure, Trajectory
from residuum.hidden.structure import structure_of
from residuum.problem.body_problem import BodyProblem
from residuum.problem.dimensions import units_of_terms
from residuum.problem.problem import Problem

POINTS_AN_INTERVAL = 3
MOST_POINTS = 200  # of a hidden term, over all experiments and calls
FEWEST_POINTS = 8  # of a call in one experiment


class Surrogate(Protocol):
    """What is asked of a surrogate here (`surrogates.surrogate.Surrogate`)."""

    @property
    def experiments(self) -> tuple[str, ...]: ...
    @property
    def parameters(self) -> Mapping[str, tuple[float, float]]: ...
    @property
    def noise(self) -> Mapping[str, float]: ...
    @property
    def alive(self) -> Mapping[str, tuple[bool, ...]]: ...
    @property
    def latents(self) -> Mapping[str, int]: ...
    def states(self, experiment: str, t: np.ndarray) -> dict[str, np.ndarray]: ...
    def hidden(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...
    def hidden_prior(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...
    def hidden_gradient(self, term: str, X: np.ndarray) -> np.ndarray: ...
    def mean(self, term: str, X: np.ndarray) -> np.ndarray: ...
    def linearised(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...
    @property
    def posterior(self) -> np.ndarray: ...
    @property
    def forms(self) -> Mapping[str, str]: ...
    @property
    def maps(self) -> Mapping[str, tuple[np.ndarray, float]]: ...


def extract(
    surrogate: Surrogate, problem: Problem | BodyProblem, observations: Observations
) -> Extraction:
    """Return samples of every hidden term, and what else was found.

    Samples stand along the trajectories, at equal times within each experiment's training part,
    about three an interval between measurements and at most two hundred a term; those of bodies
    at pairs of them, as measured or as the surrogate has them. Their covariance is the posterior
    with all other unknowns marginalised. Everything is in the user's units.
    """
    units = units_of_terms(problem, observations.units)
    found = _extract(surrogate, problem, observations)
    samples = {
        name: replace(rows, units=units[name].arguments, unit=units[name].value)
        for name, rows in found.samples.items()
    }
    return replace(found, samples=samples)


def _extract(
    surrogate: Surrogate, problem: Problem | BodyProblem, observations: Observations
) -> Extraction:
    if not isinstance(problem, BodyProblem):
        return _along_trajectories(surrogate, problem, observations)
    if rates_are_given(problem, observations):
        samples, structure = body_samples(surrogate, problem, observations.training)
        return _extraction(surrogate, samples, {}, structure)
    seen = alike(observations)
    bodies = WrittenBodies.of(problem, seen.experiments)
    parts = [e for e in seen.training if e.name in surrogate.experiments]
    paths = {e.name: Trajectory(e.t, surrogate.states(e.name, e.t)) for e in parts}
    moving = [bodies.gathered(e, paths[e.name].components) for e in parts]
    samples, structure = body_samples(surrogate, problem, moving, posterior=True)
    return _numbered(_extraction(surrogate, samples, paths, structure), moving, observations)


def _numbered(found: Extraction, seen: Sequence[Experiment], whole: Observations) -> Extraction:
    """Return samples that tell experiments by their place among all, not among those seen."""
    places = {e.name: place for place, e in enumerate(whole.experiments)}
    place = np.array([places[e.name] for e in seen])
    samples = {
        name: replace(rows, experiment=place[rows.experiment])
        for name, rows in found.samples.items()
    }
    return replace(found, samples=samples)


def _along_trajectories(
    surrogate: Surrogate,
    problem: Problem,
    observations: Observations,
) -> Extraction:
    parts = {e.name: e.training() for e in observations.experiments}
    parts = {name: parts[name] for name in surrogate.experiments}
    samples = {
        term.name: _samples(surrogate, problem, observations, parts, term.name)
        for term in problem.hidden_terms
    }
    trajectories = {
        name: Trajectory(part.t, surrogate.states(name, part.t)) for name, part in parts.items()
    }
    return _extraction(surrogate, samples, trajectories, structure_of(surrogate, samples))


def _extraction(
    surrogate: Surrogate,
    samples: Mapping[str, HiddenSamples],
    trajectories: Mapping[str, Trajectory],
    structure: Structure,
) -> Extraction:
    return Extraction(
        samples=samples,
        trajectories=trajectories,
        parameters=dict(surrogate.parameters),
        noise=dict(surrogate.noise),
        structure=structure,
    )


def sample_times(part: Experiment, most: int) -> np.ndarray:
    """Return equal times over an experiment's span, about three an interval and at most `most`."""
    count = POINTS_AN_INTERVAL * (len(part.t) - 1) + 1
    return np.linspace(part.t[0], part.t[-1], min(count, most))


def arguments_at(
    surrogate: Surrogate, problem: Problem, part: Experiment, t: np.ndarray, term: str
) -> np.ndarray:
    """Return the arguments `[calls, n, a]` of every call of a term at times `t[n]`."""
    values = {name: np.asarray(value) for name, value in problem.known.items()}
    values |= {name: np.asarray(value) for name, (value, _) in surrogate.parameters.items()}
    values |= {name: part.input_at(name, t) for name in problem.inputs}
    values |= {"t": t, **surrogate.states(part.name, t)}
    calls = [call for call in problem.calls if call.term == term]
    rows = [
        np.stack([np.broadcast_to(evaluate(a, values), t.shape) for a in call.arguments], -1)
        for call in calls
    ]
    return np.stack(rows)


def _samples(
    surrogate: Surrogate,
    problem: Problem,
    observations: Observations,
    parts: Mapping[str, Experiment],
    term: str,
) -> HiddenSamples:
    order = {e.name: index for index, e in enumerate(observations.experiments)}
    calls = sum(call.term == term for call in problem.calls)
    most = max(FEWEST_POINTS, MOST_POINTS // (len(parts) * calls))
    X, times, experiment = [], [], []
    for name, part in parts.items():
        t = sample_times(part, most)
        X.append(arguments_at(surrogate, problem, part, t, term).reshape(calls * len(t), -1))
        times.append(np.tile(t, calls))
        experiment.append(np.full(calls * len(t), order[name]))
    points = np.concatenate(X)
    values, covariance = surrogate.hidden(term, points)
    prior_mean, prior = surrogate.hidden_prior(term, points)
    return HiddenSamples(
        term=term,
        arguments=problem.hidden_term(term).arguments,
        X=points,
        values=values,
        covariance=covariance,
        t=np.concatenate(times),
        experiment=np.concatenate(experiment),
        alive=surrogate.alive[term],
        prior=prior,
        prior_mean=prior_mean,
    )
