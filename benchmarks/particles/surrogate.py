"""The graph surrogate behind one function, by the registry where it stands there.

Until it does, a fit is dressed as far as extraction asks: `FittedGraph` then goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from residuum.data.observations import Observations
from residuum.problem.body_problem import BodyProblem
from residuum.seeds import child_seed
from residuum.surrogates.settings import SETTINGS, GraphSettings

DEFAULT = GraphSettings(device="cpu")


def train_graph(
    problem: BodyProblem,
    observations: Observations,
    *,
    seed: int,
    settings: GraphSettings = DEFAULT,
) -> Any:
    """Return the graph surrogate of the observations."""
    if "graph" in SETTINGS:
        from residuum.surrogates.train import train

        return train(problem, observations, settings, seed=seed, device="cpu")
    return _fitted(problem, observations, settings, seed)


def about(surrogate: Any) -> dict[str, Any]:
    """Return which forms of messages were chosen and which arguments are alive, where known."""
    rows = list(surrogate.history)
    heads = str(rows[-1].get("heads", "")) if rows else ""
    return {"heads": heads, "alive": {k: list(map(bool, v)) for k, v in surrogate.alive.items()}}


def _fitted(
    problem: BodyProblem, observations: Observations, settings: GraphSettings, seed: int
) -> FittedGraph:
    import torch

    from residuum.surrogates.graph import fit_graph
    from residuum.surrogates.graph_frames import frames_of

    frames = frames_of(problem, observations.training)
    with torch.inference_mode():
        search = fit_graph(problem, frames, settings, seed=child_seed(seed, "train", "graph"))
    return FittedGraph(problem, search)


@dataclass(frozen=True)
class FittedGraph:
    """What extraction asks of a surrogate, of a fit of one problem.

    A term that is not central is told by its component along the line, mean over the axes.
    """

    problem: BodyProblem
    search: Any

    @property
    def parameters(self) -> Mapping[str, tuple[float, float]]:
        """Nothing is estimated beside the terms."""
        return {}

    @property
    def noise(self) -> Mapping[str, float]:
        """Standard deviations of the accelerations' errors."""
        return {k: float(e.sigma[0]) for k, e in self.search.trained.errors.items()}

    @property
    def alive(self) -> Mapping[str, tuple[bool, ...]]:
        """Which measures each term depends on."""
        rows = ((t, self.search.trained.heads[t.name].alive) for t in self.problem.hidden_terms)
        return {t.name: tuple(m in on for m in range(len(t.measures))) for t, on in rows}

    @property
    def latents(self) -> Mapping[str, int]:
        """Numbers of alive measures."""
        return {name: sum(on) for name, on in self.alive.items()}

    @property
    def history(self) -> tuple[Mapping[str, float | str], ...]:
        """The rounds of the training."""
        return tuple(self.search.history)

    def hidden(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean `[n]` and covariance `[n, n]` of a term at measures `X[n, m]`."""
        import torch

        mean, J, _ = self._linear(term, X)
        trained = self.search.trained
        whole = torch.zeros(len(X), trained.system.size, dtype=torch.float64)
        whole[:, trained.system.places[term]] = torch.as_tensor(J)
        # By the factor: the inverse itself loses symmetry where the data outweigh the priors.
        root = torch.linalg.solve_triangular(trained.factor.S[0], whole.mT, upper=False).numpy()
        return mean, root.T @ root

    def hidden_gradient(self, term: str, X: np.ndarray) -> np.ndarray:
        """Return the derivatives `[n, m]` of a term's mean."""
        return self._linear(term, X)[2]

    def _linear(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        import torch

        trained, head = self.search.trained, self.search.trained.heads[term]
        axes = self.search.bench.frames.axes
        points, parts = torch.as_tensor(X, dtype=torch.float64)[None], []
        with torch.inference_mode():
            for k in range(1 if head.central else axes):
                u = torch.zeros(len(X), axes, dtype=torch.float64)
                u[:, k] = 1.0
                value, tape = head.forward(trained.part(term), points, u)
                J, slope = head.linearise(trained.part(term), tape)
                own = 0 if head.central else k
                parts.append([part[0, :, own].numpy() for part in (value, J, slope)])
        mean, J, slope = (np.mean(column, axis=0) for column in zip(*parts, strict=True))
        return mean, J, slope
