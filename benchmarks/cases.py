"""The cases: equations with a hidden part, their truth, and the draws of their noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from residuum.data.observations import Observations
from residuum.data.prepare import prepare
from residuum.data.settings import DataSettings, Noise, SimulateSettings, Times
from residuum.data.simulate import simulate
from residuum.expressions.calculus import terms
from residuum.expressions.expression import Expression
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter, Problem

STATES = ("prey", "predator")
# The sign with which each hidden term stands in its equation is the problem's, not the term's.
HIDDEN = ("predation", "growth")
DENSE = 301


@dataclass(frozen=True, slots=True)
class LotkaVolterra:
    """prey' = alpha*prey - beta*prey*predator, predator' = gamma*prey*predator - delta*predator.

    The linear parts are known; both products are hidden.
    """

    name: str
    alpha: float
    beta: float
    gamma: float
    delta: float
    initial: tuple[float, float]
    stop: float

    @property
    def coefficients(self) -> dict[str, float]:
        """The true factor of prey*predator in each hidden term."""
        return {"predation": self.beta, "growth": self.gamma}

    def problem(self) -> Problem:
        """Return what is known of the system."""
        return read_problem(
            {
                "prey_t": "alpha*prey - predation(prey, predator)",
                "predator_t": "growth(prey, predator) - delta*predator",
            },
            states=STATES,
            parameters={
                "alpha": Parameter("alpha", self.alpha),
                "delta": Parameter("delta", self.delta),
            },
        )

    def simulation(self, points: int, noise: float) -> SimulateSettings:
        """Return the complete equations, sampled evenly; noise is a share of a state's mean."""
        return SimulateSettings(
            equations={
                "prey_t": "alpha*prey - beta*prey*predator",
                "predator_t": "gamma*prey*predator - delta*predator",
            },
            initial=dict(zip(STATES, self.initial, strict=True)),
            times=Times(stop=self.stop, points=points),
            parameters={
                "alpha": self.alpha,
                "beta": self.beta,
                "gamma": self.gamma,
                "delta": self.delta,
            },
            noise=Noise("relative", noise),
        )

    def observe(self, *, points: int, noise: float, draw: int) -> Observations:
        """Return one draw: all samples are used, and the size of the noise is not told."""
        return prepare(
            DataSettings(simulate=self.simulation(points, noise), noise=Noise("relative")),
            Path(),
            dataset=f"{self.name}-{points}-{noise:g}",
            states=STATES,
            title=self.name,
            holdout=0.0,
            seed=draw,
        )

    def path(self, points: int = DENSE) -> np.ndarray:
        """Return the true states `[points, 2]`, evenly in time."""
        (clean,) = simulate(self.simulation(points, 0.0), seed=0, dataset=self.name)
        return np.stack([clean.states[name] for name in STATES], axis=1)

    def truth(self, X: np.ndarray) -> dict[str, np.ndarray]:
        """Return the true hidden terms at states `X[n, 2]`."""
        return {name: c * X[:, 0] * X[:, 1] for name, c in self.coefficients.items()}


B1 = LotkaVolterra("B1", 1.3, 0.9, 0.8, 1.8, (0.44249296, 4.6280594), 3.0)
B2 = LotkaVolterra("B2", 1.3, 0.9, 0.8, 1.8, (0.44249296, 4.6280594), 3.0)
B3 = LotkaVolterra("B3", 2 / 3, 4 / 3, 1.0, 1.0, (1.0, 1.0), 10.0)
CASES: dict[str, LotkaVolterra] = {case.name: case for case in (B1, B2, B3)}


def is_product(expression: Expression, names: tuple[str, str] = STATES) -> bool:
    """Return whether a formula is a constant times the product of two variables, nothing else."""
    rows = terms(expression)
    if len(rows) != 1 or rows[0][0] == 0.0:
        return False
    coefficient, part = rows[0]
    return bool(np.isfinite(coefficient)) and sorted(part.tokens) == sorted(["*", *names])


def recovered(hidden: Mapping[str, Expression]) -> bool:
    """Return whether every hidden term of a Lotka-Volterra law is a constant times the product."""
    return set(hidden) == set(HIDDEN) and all(is_product(e) for e in hidden.values())


def hidden_error(found: Mapping[str, np.ndarray], truth: Mapping[str, np.ndarray]) -> float:
    """Return the rms of found - truth over the rms of truth, all hidden terms together."""
    wrong = np.concatenate([found[name] - truth[name] for name in truth])
    right = np.concatenate(list(truth.values()))
    return float(np.sqrt(np.mean(wrong**2) / np.mean(right**2)))
