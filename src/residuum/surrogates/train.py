"""How is a surrogate trained? By the kind that is asked for, from values to a value."""

from __future__ import annotations

from collections.abc import Callable

import torch

from residuum.data.observations import Observations
from residuum.data.written_bodies import WrittenBodies, alike, rates_are_given
from residuum.errors import UserError
from residuum.problem.body_problem import BodyProblem, refuse_nested
from residuum.problem.problem import Problem
from residuum.seeds import child_seed
from residuum.surrogates.graph.fit import train_graph, train_on_paths
from residuum.surrogates.graph.surrogate import GraphSurrogate
from residuum.surrogates.pinn import fit_pinn
from residuum.surrogates.pinn_surrogate import PinnSurrogate
from residuum.surrogates.settings import GraphSettings, PinnSettings
from residuum.surrogates.surrogate import Surrogate
from residuum.surrogates.trained import Row

Progress = Callable[[Row], None]
GPU_BATCH = 64


def train(
    problem: Problem | BodyProblem,
    observations: Observations,
    settings: PinnSettings | GraphSettings,
    *,
    seed: int,
    device: str = "auto",
    progress: Progress | None = None,
) -> Surrogate:
    """Return the surrogate of the training part of the observations that the settings ask for.

    `progress` is called with a row of figures after every round. `device` is `cpu`, `cuda` or
    `auto`: the settings' choice, and if that is `auto` too, CUDA where there is one and the batch
    (restarts times experiments) is large enough to gain from it. The graph surrogate of bodies fits
    accelerations, or what smoothed paths say of them, of the number of bodies of which most was
    measured; the collocation surrogate fits paths by the equations written out. Raises UserError
    when the observations cannot be trained on.
    """
    batch = settings.ensemble * len(observations.training)
    where = choose_device(settings.device if device == "auto" else device, batch)
    with torch.inference_mode():
        if isinstance(settings, GraphSettings):
            return _of_bodies(problem, observations, settings, seed, where, progress)
        if isinstance(problem, BodyProblem):
            refuse_nested(problem)
            observations = alike(observations)
            bodies = WrittenBodies.of(problem, observations.experiments)
            problem, observations = bodies.written, bodies.flat(observations)
        fit = fit_pinn(
            problem,
            observations,
            settings,
            seed=child_seed(seed, "train", "pinn"),
            device=where,
            progress=progress,
        )
        return PinnSurrogate.of(problem, fit)


def _of_bodies(
    problem: Problem | BodyProblem,
    observations: Observations,
    settings: GraphSettings,
    seed: int,
    device: torch.device,
    progress: Progress | None,
) -> Surrogate:
    if not isinstance(problem, BodyProblem):
        raise UserError(
            "the graph surrogate is for systems of bodies",
            where="surrogates.graph",
            hint="use pinn, or name the column that tells bodies apart under data: body",
        )
    child = child_seed(seed, "train", "graph")
    if not rates_are_given(problem, observations):
        refuse_nested(problem)
        seen = alike(observations)
        fit, paths = train_on_paths(
            problem, seen, settings, seed=child, device=device, progress=progress
        )
        bodies = WrittenBodies.of(problem, seen.experiments)
        states = {e.name: (e.t, bodies.components(e)) for e in paths.experiments}
        return GraphSurrogate.of(fit, states)
    fit = train_graph(
        problem,
        observations,
        settings,
        seed=child,
        device=device,
        progress=progress,
    )
    return GraphSurrogate.of(fit)


def choose_device(name: str, batch: int) -> torch.device:
    """Return the torch device; raises UserError where CUDA is asked for and absent."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("no CUDA device was found", hint="use device: cpu or auto")
    if name == "auto":
        # Small batches are bound by kernel launches: a CPU core is faster.
        name = "cuda" if batch >= GPU_BATCH and torch.cuda.is_available() else "cpu"
    return torch.device(name)


SURROGATES: dict[str, Callable[..., Surrogate]] = {"pinn": train, "graph": train}
READERS: dict[str, type[Surrogate]] = {"pinn": PinnSurrogate, "graph": GraphSurrogate}
