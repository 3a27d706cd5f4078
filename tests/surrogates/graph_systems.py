"""Systems of bodies for the tests of the graph surrogate, and heads that are given formulas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from residuum.data.observations import Experiment
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_evaluation import evaluate_bodies
from residuum.problem.body_problem import BodyProblem
from residuum.problem.problem import Parameter
from residuum.surrogates.graph.heads import MessageHead

PAIRS = "sum(force(position_j - position_i, mass_i, mass_j))/mass_i"
NESTED = "update(sum(message(position_j - position_i, mass_i, mass_j)), mass_i)"
RICH = (
    "(strength*sum(charge_j*force(position_j - position_i, mass_i, mass_j))"
    " + drag(position_t_i, charge_i))/mass_i + 0.1*norm(position_i)*position_t_i"
)


@dataclass(frozen=True)
class Truth(MessageHead):
    """A head that is a given function of measures, without unknowns."""

    formula: Callable[..., torch.Tensor]
    mutual: bool = False

    @property
    def size(self):
        return 0

    @property
    def alive(self):
        return ()

    @property
    def central(self):
        return True

    def groups(self):
        return []

    def initial(self, batch, generator):
        return torch.zeros(batch, 0, dtype=torch.float64)

    def partner(self, argument):
        return (0, 2, 1)[argument]

    def forward(self, theta, X, u):
        return self.formula(*X.unbind(-1)).unsqueeze(-1), X

    def linearise(self, theta, tape):
        raise NotImplementedError

    def without(self, argument, theta):
        raise NotImplementedError


def pair_problem() -> BodyProblem:
    """Return a force between bodies that have a mass."""
    return read_body_problem(
        {"position_tt": PAIRS}, states=("position", "position_tt"), scalars=("mass",)
    )


def rich_problem() -> BodyProblem:
    """Return a problem with every kind of part: parameter, own term, known term."""
    return read_body_problem(
        {"position_tt": RICH},
        states=("position", "position_t", "position_tt"),
        scalars=("mass", "charge"),
        parameters={"strength": Parameter("strength")},
    )


def random_experiment(
    rng: np.random.Generator, *, times: int, bodies: int, axes: int = 2, name: str = "one"
) -> Experiment:
    """Return bodies at random places with random accelerations."""
    states = {
        key: rng.standard_normal((times, bodies, axes))
        for key in ("position", "position_t", "position_tt")
    }
    scalars = {
        "mass": np.exp(0.7 * rng.standard_normal(bodies)),
        "charge": rng.standard_normal(bodies),
    }
    names = tuple(f"b{k}" for k in range(bodies))
    return Experiment(name, np.arange(float(times)), states, bodies=names, scalars=scalars)


def pair_data(
    rng: np.random.Generator, phi, *, times: int, bodies: int, axes: int = 2, noise: float = 0.0
) -> Experiment:
    """Return bodies under the central force `phi(r, m_i, m_j)`, with their accelerations."""
    problem, positions = pair_problem(), 2 * rng.standard_normal((times, bodies, axes))
    mass = np.exp(0.7 * rng.standard_normal(bodies))

    def hidden(call, arguments):
        r = np.linalg.norm(arguments[0], axis=-1, keepdims=True)
        return phi(r, *arguments[1:]) * arguments[0] / r

    rates = evaluate_bodies(problem, {"position": positions}, {"mass": mass}, hidden=hidden)
    a = rates["position"]
    a = a + noise * a.std() * rng.standard_normal(a.shape)
    names = tuple(f"b{k}" for k in range(bodies))
    states = {"position": positions, "position_tt": a}
    return Experiment("one", np.arange(float(times)), states, bodies=names, scalars={"mass": mass})
