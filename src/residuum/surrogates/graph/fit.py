"""What the graph surrogate hands on: hidden terms with their posterior, masses, comparisons.

Numbers go in and come out in the user's units, as numpy arrays. A vector term is given as the
scalar that multiplies its direction, in its measures: lengths of vectors, and scalars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor

from residuum.data.observations import Observations
from residuum.data.written_bodies import unknown_name, unknown_scalars
from residuum.expressions.torch_evaluation import evaluate
from residuum.problem.body_problem import BodyProblem
from residuum.surrogates.graph.bench import Row, some_of
from residuum.surrogates.graph.frames import Frames, frames_of, seen_bodies
from residuum.surrogates.graph.model import all_differences
from residuum.surrogates.graph.narrowing import LatentMap, latent_maps
from residuum.surrogates.graph.paths import Paths, smoothed
from residuum.surrogates.graph.search import GraphSearch, fit_graph
from residuum.surrogates.graph.values import GraphSystem
from residuum.surrogates.settings import GraphSettings

# How often rates of smoothed paths are corrected by the fit before, and rounds of each fit.
CORRECTIONS, CORRECTED_ROUNDS = 4, 3


@dataclass(frozen=True, eq=False)
class GraphFit:
    """Heads with unknowns `theta[Q]`, their posterior `covariance[Q, Q]`, `prior_precision[Q]`.

    `kinds` tells the form of each term: mutual, central, free mutual, free, latent; `maps` the
    vectors that latents stand for. `unknown` lists the
    scalars that were not known, each with the label of its body.
    """

    system: GraphSystem
    kinds: Mapping[str, str]
    theta: Tensor
    covariance: Tensor
    prior_precision: Tensor
    axes: int
    unknown: tuple[tuple[str, str], ...]
    maps: Mapping[str, LatentMap]
    noise: Mapping[str, float]
    relative_noise: Mapping[str, float]
    comparisons: tuple[Mapping[str, float | str], ...]
    history: tuple[Mapping[str, float | str], ...]

    @classmethod
    def of(cls, search: GraphSearch, unknown: Sequence[tuple[str, str]] = ()) -> GraphFit:
        """Return the fit that a search ended with."""
        trained = search.trained
        return cls(
            system=trained.system,
            kinds=dict(trained.kinds),
            theta=trained.theta[0],
            covariance=trained.factor.shared_covariance()[0],
            prior_precision=trained.prior_precision[0],
            axes=search.bench.frames.axes,
            unknown=tuple(unknown),
            maps=latent_maps(trained.system, some_of(search.bench.frames), trained.theta),
            noise={state: float(row.sigma[0]) for state, row in trained.errors.items()},
            relative_noise={state: float(r.epsilon[0]) for state, r in trained.errors.items()},
            comparisons=tuple(asdict(row) for row in search.comparisons),
            history=search.history,
        )

    @property
    def terms(self) -> Mapping[str, tuple[str, ...]]:
        """The measures of each hidden term."""
        return {term.name: term.measures for term in self.system.problem.hidden_terms}

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
    def scalars(self) -> Mapping[str, tuple[float, float]]:
        """Value and standard deviation of every scalar that was not known, as `mass_of_LABEL`."""
        found = {}
        for name, scalar in self.system.scalars.items():
            place = self.system.places[name]
            values, slopes = scalar.values(self.theta[place])
            variance = self.covariance[place, place].diagonal().clamp_min(0)
            labels = [label for own, label in self.unknown if own == name]
            sds = variance.sqrt() * slopes.abs()
            for label, value, sd in zip(labels, values.tolist(), sds.tolist(), strict=True):
                found[unknown_name(name, label)] = (value, sd)
        return found


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
    search = fit_graph(problem, frames, settings, seed=seed, progress=progress)
    return GraphFit.of(search, unknown_scalars(problem, observations.training))


def train_on_paths(
    problem: BodyProblem,
    observations: Observations,
    settings: GraphSettings,
    *,
    seed: int,
    device: torch.device,
    progress: Callable[[Row], None] | None = None,
) -> tuple[GraphFit, Paths]:
    """Return the graph surrogate of paths without accelerations, and the smoothed paths.

    It is fitted to derivatives of the smoothed paths, then again to what these stand for by the
    fit before (`graph.paths`). Raises UserError when a state is not measured or nothing could be
    fitted.
    """
    paths = smoothed(problem, observations.training)
    search = fit_graph(
        problem,
        frames_of(problem, paths.experiments, paths.rates, paths.lengths(paths.rates)).to(device),
        settings,
        seed=seed,
        progress=progress,
    )
    for _ in range(CORRECTIONS):
        model = _accelerations(search, problem, paths)
        targets = paths.corrected(model)
        lengths = paths.lengths(targets, model)
        frames = frames_of(problem, paths.experiments, targets, lengths).to(device)
        search = search.goes_on(frames, rounds=CORRECTED_ROUNDS, stage="corrected")
    fit = GraphFit.of(search, unknown_scalars(problem, observations.training))
    # Rates that rest on the same measurements are not as many witnesses as there are rates.
    covariance = fit.covariance * paths.sharing
    return replace(fit, covariance=covariance, noise=paths.noise), paths


def _accelerations(
    search: GraphSearch, problem: BodyProblem, paths: Paths
) -> dict[str, dict[str, np.ndarray]]:
    """Return the model's accelerations `[n, b, d]` by experiment and state, NaN where unseen."""
    frames, trained = search.bench.frames, search.trained
    still = {state: torch.zeros_like(target) for state, target in frames.targets.items()}
    found = all_differences(trained.system, replace(frames, targets=still), trained.theta)
    rows = {state: _numpy(values[0]) for state, values in found.items()}
    seen = [seen_bodies(problem, e) for e in paths.experiments]
    ends = np.cumsum([mask.sum() for mask in seen])[:-1]
    parts = {state: np.split(values, ends) for state, values in rows.items()}
    return {
        e.name: {state: _placed(parts[state][k], mask) for state in parts}
        for k, (e, mask) in enumerate(zip(paths.experiments, seen, strict=True))
    }


def _placed(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    whole = np.full((*mask.shape, values.shape[1]), np.nan)
    whole[mask] = values
    return whole


def _numpy(values: Tensor) -> np.ndarray:
    return np.asarray(values.cpu().numpy()).copy()
