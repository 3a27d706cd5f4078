"""What the graph surrogate hands on: hidden terms with their posterior, masses, comparisons.

Numbers go in and come out in the user's units, as numpy arrays. A vector term is given as the
scalar that multiplies its direction, in its measures: lengths of vectors, and scalars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from residuum.data.observations import Experiment, Observations
from residuum.expressions.torch_evaluation import evaluate
from residuum.problem.body_problem import BodyProblem
from residuum.surrogates.graph import GraphSearch, fit_graph
from residuum.surrogates.graph_bench import Row
from residuum.surrogates.graph_frames import Frames, frames_of
from residuum.surrogates.graph_heads import MessageHead
from residuum.surrogates.graph_values import GraphSystem
from residuum.surrogates.settings import GraphSettings

Estimates = Mapping[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class GraphFit:
    """Heads with unknowns `theta[Q]`, their posterior `covariance[Q, Q]`, `prior_precision[Q]`.

    `kinds` tells the form of each term: mutual, central, free mutual, free.
    """

    system: GraphSystem
    kinds: Mapping[str, str]
    theta: Tensor
    covariance: Tensor
    prior_precision: Tensor
    axes: int
    noise: Mapping[str, float]
    relative_noise: Mapping[str, float]
    comparisons: tuple[Mapping[str, float | str], ...]
    history: tuple[Mapping[str, float | str], ...]

    @classmethod
    def of(cls, search: GraphSearch) -> GraphFit:
        """Return the fit that a search ended with."""
        trained = search.trained
        return cls(
            system=trained.system,
            kinds=dict(trained.kinds),
            theta=trained.theta[0],
            covariance=trained.factor.shared_covariance()[0],
            prior_precision=trained.prior_precision[0],
            axes=search.bench.frames.axes,
            noise={state: float(row.sigma[0]) for state, row in trained.errors.items()},
            relative_noise={state: float(r.epsilon[0]) for state, r in trained.errors.items()},
            comparisons=tuple(asdict(row) for row in search.comparisons),
            history=search.history,
        )

    @property
    def terms(self) -> Mapping[str, tuple[str, ...]]:
        """The measures of each hidden term."""
        return {term.name: term.measures for term in self.system.problem.hidden_terms}

    @property
    def alive(self) -> Mapping[str, tuple[bool, ...]]:
        """Which measures each hidden term depends on."""
        heads = self.system.heads
        return {
            name: tuple(index in heads[name].alive for index in range(len(measures)))
            for name, measures in self.terms.items()
        }

    @torch.inference_mode()
    def hidden(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean `[n]` and covariance `[n, n]` of a hidden term at measures `X[n, m]`.

        A free term is averaged over directions: what of it acts along its vector.
        """
        value, J, _ = self._linear(term, X)
        place = self.system.places[term]
        # The covariance as a square: symmetric and without negative eigenvalues.
        half = J @ torch.linalg.cholesky_ex(self.covariance[place, place])[0]
        return _numpy(value), _numpy(half @ half.mT)

    @torch.inference_mode()
    def hidden_prior(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the same without the data, the term being linear about the optimum."""
        value, J, _ = self._linear(term, X)
        place = self.system.places[term]
        half = J / self.prior_precision[place].sqrt()
        return _numpy(value - J @ self.theta[place]), _numpy(half @ half.mT)

    @torch.inference_mode()
    def hidden_gradient(self, term: str, X: np.ndarray) -> np.ndarray:
        """Return the derivatives `[n, m]` of a hidden term's mean at `X[n, m]`."""
        return _numpy(self._linear(term, X)[2])

    @torch.inference_mode()
    def accelerations(self, frames: Frames) -> dict[str, np.ndarray]:
        """Return the right-hand side `[R, d]` of every equation for the rows of frames."""
        values = self.system.values(frames, self.theta[None])
        return {e.state: _numpy(evaluate(e.rhs, values)[0]) for e in self.system.problem.equations}

    @torch.inference_mode()
    def pair_values(self, frames: Frames, placeholder: str) -> np.ndarray:
        """Return the values `[E, d or 1]` of a hidden call inside a sum, for all pairs."""
        values = self.system.values(frames, self.theta[None])
        return _numpy(values.pairs.call(placeholder).vector[0])

    @property
    def parameters(self) -> Mapping[str, tuple[float, float]]:
        """Value and standard deviation of each estimated parameter."""
        found = {}
        for name, scale in zip(
            self.system.problem.estimated, self.system.parameter_scales.tolist(), strict=True
        ):
            index = self.system.places[name].start
            sd = float(self.covariance[index, index].clamp_min(0).sqrt())
            found[name] = (float(self.theta[index]) * scale, sd * abs(scale))
        return found

    @property
    def scalars(self) -> Estimates:
        """Values and standard deviations of the scalars of bodies that were not known.

        In the order of `unknown_bodies`.
        """
        found = {}
        for name, scalar in self.system.scalars.items():
            place = self.system.places[name]
            values, slopes = scalar.values(self.theta[place])
            variance = self.covariance[place, place].diagonal().clamp_min(0)
            found[name] = (_numpy(values), _numpy(variance.sqrt() * slopes.abs()))
        return found

    def _linear(self, term: str, X: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Return values `[n]`, their Jacobian `[n, q]` and their gradient `[n, m]`."""
        head = self.system.heads[term]
        theta = self.theta[None, self.system.places[term]]
        points = torch.tensor(np.asarray(X, dtype=float)).to(theta.device)[None]
        if head.central:
            value, tape = head.forward(theta, points, points[0, :, :1])
            J, gradient = head.linearise(theta, tape)
            return value[0, :, 0], J[0, :, 0], gradient[0, :, 0]
        return _along(head, theta, points, self.axes)


def _along(
    head: MessageHead, theta: Tensor, points: Tensor, axes: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the part of a free term along its direction, averaged over the axes and back."""
    totals = None
    for axis in range(axes):
        for sign in (1.0, -1.0):
            u = points.new_zeros(points.shape[1], axes)
            u[:, axis] = sign
            value, tape = head.forward(theta, points, u)
            J, gradient = head.linearise(theta, tape)
            parts = [sign * part[0, :, axis] / (2 * axes) for part in (value, J, gradient)]
            totals = (
                parts if totals is None else [a + b for a, b in zip(totals, parts, strict=True)]
            )
    value, J, gradient = totals or [points.new_zeros(0)] * 3
    return value, J, gradient


def train_graph(
    problem: BodyProblem,
    observations: Observations,
    settings: GraphSettings,
    *,
    seed: int,
    device: torch.device,
    progress: Callable[[Row], None] | None = None,
) -> GraphFit:
    """Return the graph surrogate of the training part of observations with given accelerations.

    Raises UserError when accelerations or states are not given or nothing could be fitted.
    """
    frames = frames_of(problem, observations.training).to(device)
    return GraphFit.of(fit_graph(problem, frames, settings, seed=seed, progress=progress))


def unknown_bodies(
    problem: BodyProblem, experiments: Sequence[Experiment]
) -> dict[str, list[tuple[str, str]]]:
    """Return experiment and body of each value of a scalar that is not known."""
    return {
        name: [
            (experiment.name, body)
            for experiment in experiments
            for body, value in zip(experiment.bodies, experiment.scalars[name], strict=True)
            if np.isnan(value)
        ]
        for name in problem.scalars
    }


def _numpy(values: Tensor) -> np.ndarray:
    return np.asarray(values.cpu().numpy()).copy()
