"""The graph surrogate as the particle cases train it."""

from __future__ import annotations

from typing import Any

from residuum.data.observations import Observations
from residuum.problem.body_problem import BodyProblem
from residuum.surrogates.settings import GraphSettings
from residuum.surrogates.surrogate import Surrogate

DEFAULT = GraphSettings(device="cpu")


def train_graph(
    problem: BodyProblem,
    observations: Observations,
    *,
    seed: int,
    settings: GraphSettings = DEFAULT,
) -> Surrogate:
    """Return the graph surrogate of the observations."""
    # Here, since it brings torch, which the page does not need.
    from residuum.surrogates.train import train

    return train(problem, observations, settings, seed=seed, device="cpu")


def about(surrogate: Surrogate) -> dict[str, Any]:
    """Return which forms of messages were chosen, and which measures each term depends on."""
    rows = list(surrogate.history)
    alive = {term: list(map(bool, on)) for term, on in surrogate.alive.items()}
    return {"heads": str(rows[-1]["heads"]) if rows else "", "alive": alive}
