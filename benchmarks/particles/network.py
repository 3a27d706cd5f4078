"""What a trained surrogate says of snapshots: its messages and its accelerations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from benchmarks.particles.agreement import acceleration_errors, agreement, direct
from benchmarks.particles.simulations import Snapshots
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.problem.body_evaluation import evaluate_bodies, pairs
from residuum.problem.body_problem import BodyProblem
from residuum.problem.hidden_term import Call

CHUNK = 400  # rows of one call: a covariance is worked out beside each mean
Values = Callable[[str, np.ndarray], np.ndarray]  # a hidden term at measures `[n, m]`


class Terms(Protocol):
    """What is asked of a surrogate here."""

    def hidden(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


def means_of(surrogate: Terms) -> Values:
    """Return the posterior means of a surrogate's hidden terms."""

    def values(term: str, X: np.ndarray) -> np.ndarray:
        parts = np.split(X, range(CHUNK, len(X), CHUNK))
        return np.concatenate([surrogate.hidden(term, part)[0] for part in parts])

    return values


def formulas_of(problem: BodyProblem, hidden: dict[str, Expression]) -> Values:
    """Return the values of formulas that stand for hidden terms."""

    def values(term: str, X: np.ndarray) -> np.ndarray:
        named = dict(zip(problem.hidden_term(term).measures, X.T, strict=True))
        return np.broadcast_to(evaluate(hidden[term], named), len(X))

    return values


@dataclass
class Answers:
    """Stands for every hidden term of a problem, and notes what it said in sums over pairs."""

    problem: BodyProblem
    values: Values
    messages: list[np.ndarray] = field(default_factory=list)

    def __call__(self, call: Call, arguments: tuple[np.ndarray, ...]) -> np.ndarray:
        term = self.problem.hidden_term(call.term)
        X, direction = measures(arguments, term.vectors)
        size = self.values(term.name, X.reshape(-1, X.shape[-1])).reshape(*X.shape[:-1], 1)
        vector = size * direction if term.vector else size
        if call in self.problem.pair_calls:
            self.messages.append(vector)
        return vector


def measures(
    arguments: tuple[np.ndarray, ...], vectors: tuple[bool, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return lengths and scalars `[..., m]` and the unit vector of the first vector."""
    lengths = [
        np.linalg.norm(a, axis=-1, keepdims=True) if vector else a
        for a, vector in zip(arguments, vectors, strict=True)
    ]
    shape = np.broadcast_shapes(*(length.shape for length in lengths))
    first = vectors.index(True)
    X = np.concatenate([np.broadcast_to(length, shape) for length in lengths], axis=-1)
    return X, arguments[first] / lengths[first]


def predicted(
    problem: BodyProblem, values: Values, found: Snapshots
) -> tuple[np.ndarray, np.ndarray]:
    """Return accelerations `[F, n, d]` and the messages of all pairs `[F*n*(n-1), d]`."""
    answers = Answers(problem, values)
    states = {"position": found.positions, "position_t": found.velocities}
    scalars = {"mass": found.masses, "charge": found.charges}
    rates = evaluate_bodies(problem, states, scalars, hidden=answers)
    axes = found.positions.shape[-1]
    return rates["position"], np.concatenate([m.reshape(-1, axes) for m in answers.messages])


def true_messages(found: Snapshots) -> np.ndarray:
    """Return the true forces of all pairs in the order of `predicted`."""
    others = pairs(found.masses.shape[1])
    forces = np.take_along_axis(found.forces, others[None, :, :, None], axis=2)
    return forces.reshape(-1, forces.shape[-1])


def judged(problem: BodyProblem, values: Values, found: Snapshots) -> dict[str, Any]:
    """Return robust and full R2 of the messages, mapped and direct, and errors of accelerations."""
    accelerations, messages = predicted(problem, values, found)
    forces = true_messages(found)
    errors = acceleration_errors(accelerations, found.accelerations)
    return {
        **dict(zip(("robust", "full"), agreement(messages, forces), strict=True)),
        **dict(zip(("direct", "direct_full"), direct(messages, forces), strict=True)),
        **errors,
    }
