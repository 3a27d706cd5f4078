"""What did the surrogate of a system of bodies learn, as numbers that formulas can be fitted to?

A term between bodies is sampled at pairs of bodies as they were measured, in lengths and scalars:
`force(position_j - position_i, mass_i, mass_j)` as a function of distance and both masses. Where
a term's argument is a sum of another's values, both are told in a fixed gauge (`hidden.gauge`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from residuum.data.observations import Experiment
from residuum.data.written_bodies import scalars_of
from residuum.hidden.gauge import gauges_of
from residuum.hidden.readout import Posterior, Readout
from residuum.hidden.samples import HiddenSamples, Structure
from residuum.hidden.structure import structure_of
from residuum.problem.body_evaluation import evaluate_bodies
from residuum.problem.body_problem import BodyProblem
from residuum.problem.hidden_term import Call

MOST_PAIRS = 300
Places = tuple[np.ndarray, np.ndarray, np.ndarray]


class Terms(Protocol):
    """What is asked of a surrogate here."""

    @property
    def parameters(self) -> Mapping[str, tuple[float, float]]: ...
    @property
    def alive(self) -> Mapping[str, tuple[bool, ...]]: ...
    @property
    def latents(self) -> Mapping[str, int]: ...
    def mean(self, term: str, X: np.ndarray) -> np.ndarray: ...
    def hidden(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...
    def hidden_gradient(self, term: str, X: np.ndarray) -> np.ndarray: ...
    def hidden_prior(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


class Chained(Terms, Posterior, Protocol):
    """The same where one term's argument may be another's values."""


def body_samples(
    surrogate: Chained,
    problem: BodyProblem,
    experiments: Sequence[Experiment],
    *,
    posterior: bool = False,
) -> tuple[dict[str, HiddenSamples], Structure]:
    """Return samples of every hidden term at pairs of bodies, or bodies, and what they show.

    They are of all frames, evenly spaced in the order of their first argument. As a `posterior`
    they come with their prior, which matters where data are noisy.
    """
    held = {inner: surrogate for names in problem.nested.values() for inner in names}
    places = {
        term: _spread(*found)
        for term, found in places_of(problem, experiments, surrogate.parameters, held).items()
    }
    gauges = gauges_of(surrogate, problem, {term: X for term, (X, _, _) in places.items()})
    readout = Readout(surrogate, gauges)
    samples = {}
    for term in problem.hidden_terms:
        own = _samples(readout, term.name, term.measures, *places[term.name])
        if posterior:
            mean, prior = surrogate.hidden_prior(term.name, places[term.name][0])
            own = replace(own, prior=prior, prior_mean=mean)
        samples[term.name] = own
    return samples, replace(structure_of(readout, samples), gauge=readout.gauge)


def places_of(
    problem: BodyProblem,
    experiments: Sequence[Experiment],
    parameters: Mapping[str, tuple[float, float]],
    held: Mapping[str, Terms],
) -> dict[str, Places]:
    """Return the arguments `[n, a]` of every hidden term where it was called, times, experiments.

    Vectors are told by their lengths. `held` are the terms whose values other terms take.
    """
    found: dict[str, list[Places]] = {term.name: [] for term in problem.hidden_terms}
    values = {name: value for name, (value, _) in parameters.items()}
    for number, e in enumerate(experiments):
        note = _Notes(problem, e.t, number, found, held)
        evaluate_bodies(
            problem,
            {name: e.states[name] for name in problem.needed},
            scalars_of(e, values),
            parameters=values,
            inputs={name: e.input_at(name, e.t) for name in problem.inputs},
            t=e.t,
            hidden=note,
        )
    return {
        term: tuple(np.concatenate(column) for column in zip(*rows, strict=True))  # type: ignore[misc]
        for term, rows in found.items()
    }


@dataclass(slots=True)
class _Notes:
    """Stands for every hidden term, and writes down what it is called with.

    Its values are zero, except of terms whose values matter.
    """

    problem: BodyProblem
    t: np.ndarray
    experiment: int
    found: dict[str, list[Places]]
    held: Mapping[str, Terms]
    frames: dict[str, int] = field(default_factory=dict)

    def __call__(self, call: Call, arguments: tuple[np.ndarray, ...]) -> np.ndarray:
        term = self.problem.hidden_term(call.term)
        rows = zip(arguments, term.vectors, strict=True)
        numbers = [np.linalg.norm(a, axis=-1) if vector else a[..., 0] for a, vector in rows]
        shape = np.broadcast_shapes(*(n.shape for n in numbers))
        X = np.stack([np.broadcast_to(n, shape).ravel() for n in numbers], axis=-1)
        # Frames come in chunks, in order.
        first = self.frames.get(call.placeholder, 0)
        self.frames[call.placeholder] = first + shape[0]
        t = np.repeat(self.t[first : first + shape[0]], len(X) // shape[0])
        whole = np.isfinite(X).all(axis=1)
        place = X[whole], t[whole], np.full(int(whole.sum()), self.experiment)
        self.found[call.term].append(place)
        if call.term not in self.held:
            return np.zeros(np.broadcast_shapes(*(a.shape for a in arguments)))
        values = self.held[call.term].mean(call.term, X).reshape((*shape, 1))
        if not term.vector:
            return values
        along = term.vectors.index(True)
        return values * arguments[along] / numbers[along][..., None]


def _spread(X: np.ndarray, t: np.ndarray, experiment: np.ndarray) -> Places:
    """Return at most `MOST_PAIRS` places, evenly spaced in the order of the first argument."""
    order = np.lexsort(X.T[::-1])
    kept = np.linspace(0, len(order) - 1, min(len(order), MOST_PAIRS))
    rows = order[np.unique(kept.round().astype(int))]
    return X[rows], t[rows], experiment[rows]


def _samples(
    readout: Readout,
    term: str,
    measures: tuple[str, ...],
    X: np.ndarray,
    t: np.ndarray,
    experiment: np.ndarray,
) -> HiddenSamples:
    X = readout.placed(term, X)
    values, covariance = readout.hidden(term, X)
    return HiddenSamples(
        term=term,
        arguments=measures,
        X=X,
        values=values,
        covariance=covariance,
        t=t,
        experiment=experiment,
        alive=readout.alive[term],
    )
