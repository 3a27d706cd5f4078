"""What do the fits of one graph surrogate share, and which heads may stand for a hidden term?"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from residuum.problem.body_problem import BodyProblem
from residuum.surrogates.graph.features import features_of
from residuum.surrogates.graph.frames import Frames
from residuum.surrogates.graph.heads import CentralHead, FreeHead, MessageHead
from residuum.surrogates.graph.latent import TopHead
from residuum.surrogates.graph.trunk import Trunk
from residuum.surrogates.graph.values import (
    GraphSystem,
    UnknownScalar,
)
from residuum.surrogates.graph.views import TermView, UnitHead, view_of
from residuum.surrogates.settings import GraphSettings

LOOKED_AT = 40_000  # pairs by which ranges are taken
Row = dict[str, float | str]


@dataclass(frozen=True, slots=True)
class GraphBench:
    """What all fits share; `parameter_start[p]` and `parameter_bounds[2, p]` are in units of
    `parameter_scales`."""

    problem: BodyProblem
    frames: Frames
    settings: GraphSettings
    views: Mapping[str, TermView]
    parameter_scales: Tensor
    parameter_start: Tensor
    parameter_bounds: Tensor
    scalars: Mapping[str, UnknownScalar]
    record: Callable[[Row], None]

    @property
    def unknown_divisors(self) -> tuple[str, ...]:
        """The scalars that equations divide by and that are not known for every body."""
        unknown = self.frames.unknown
        return tuple(
            s for s in self.problem.divisors if s in unknown and bool((unknown[s] >= 0).any())
        )

    def system(self, heads: Mapping[str, MessageHead]) -> GraphSystem:
        """Return the equations with these heads."""
        return GraphSystem(self.problem, heads, self.parameter_scales, self.scalars)

    def head(self, term: str, kind: str, dead: Collection[int] = ()) -> MessageHead:
        """Return an untrained head of a kind for a term, without its `dead` measures."""
        head = self._head(term, kind)
        theta = torch.zeros(1, head.size, dtype=torch.float64, device=self.parameter_start.device)
        for argument in dead:
            if argument in head.alive:
                head, theta = head.without(argument, theta)
        return head

    def _head(self, term: str, kind: str) -> MessageHead:
        view, settings = self.views[term], self.settings
        layers = (settings.width,) * settings.layers
        if kind == "latent":
            return self._latent(view)
        length = bool(view.term.vectors) and view.term.vectors[0]
        if kind.startswith("free"):
            trunk = Trunk(
                features_of(view.X, length=length), layers, view.scale, view.axes, view.axes
            )
            return FreeHead(trunk, view.exchange if kind == "free mutual" else None)
        mutual = kind == "mutual"
        exchange = view.exchange if mutual else None
        features = features_of(view.X, length=length, exchange=exchange, signed=view.learned)
        along = view.along
        if along is not None and view.learned[along]:
            scale = view.scale / float(features.unit[along])
            return CentralHead(Trunk(features, layers, scale), mutual, length=along)
        return CentralHead(Trunk(features, layers, view.scale), mutual)

    def _latent(self, view: TermView) -> MessageHead:
        """Return the head of a latent message, or of the update that reads it."""
        settings, along = self.settings, view.along
        K = settings.bottleneck.width
        if view.in_pairs or along is None:
            layers = (settings.width,) * settings.layers
            features = features_of(view.X, length=along == 0)
            return FreeHead(Trunk(features, layers, 1.0, K, view.axes), None)
        others = [k for k in range(view.X.shape[1]) if k != along]
        features = features_of(view.X, length=False, alive=others, signed=view.learned)
        layers = (settings.top,) if settings.top else ()
        trunk = Trunk(features, layers, view.scale / float(features.unit[along]), view.axes, K)
        sparse = settings.bottleneck.sparsity == "l1"
        return TopHead(trunk, along, settings.bottleneck.penalty if sparse else None)

    def first(
        self, heads: Mapping[str, MessageHead], batch: int, generator: torch.Generator
    ) -> Tensor:
        """Return starts `[batch, Q]` of all unknowns."""
        parts = [heads[term.name].initial(batch, generator) for term in self.problem.hidden_terms]
        parts.append(self.parameter_start.cpu().expand(batch, -1))
        for scalar in self.scalars.values():
            size = 0.0 if scalar.positive else 0.5
            noise = torch.randn(batch, scalar.count, generator=generator, dtype=torch.float64)
            parts.append(size * noise)
        return torch.cat(parts, 1).to(self.parameter_scales.device)


def make_bench(
    problem: BodyProblem,
    frames: Frames,
    settings: GraphSettings,
    record: Callable[[Row], None],
) -> GraphBench:
    """Return the bench of a problem and the frames to be fitted."""
    scalars = _unknown_scalars(problem, frames)
    scales, start, bounds = _parameters(problem)
    scales, start, bounds = (part.to(frames.frame.device) for part in (scales, start, bounds))
    units = {term.name: UnitHead() for term in problem.hidden_terms}
    few = some_of(frames)
    views = {}
    for term in problem.hidden_terms:
        system = GraphSystem(problem, units, scales, scalars)
        theta = torch.cat([start, start.new_zeros(system.size - len(start))])[None]
        views[term.name] = view_of(system, few, theta, term)
    return GraphBench(problem, frames, settings, views, scales, start, bounds, scalars, record)


def some_of(frames: Frames) -> Frames:
    """Return frames, evenly spread, with about `LOOKED_AT` pairs in all."""
    each = max(1, len(frames.receiver) // max(1, len(frames)))
    step = max(1, len(frames) * each // LOOKED_AT)
    return frames.take(torch.arange(len(frames), device=frames.frame.device) % step == 0)


def _parameters(problem: BodyProblem) -> tuple[Tensor, Tensor, Tensor]:
    """Return scales `[p]`, starts `[p]` and bounds `[2, p]` of estimated parameters.

    Starts and bounds are in units of the scales.
    """
    rows = []
    for parameter in (p for p in problem.parameters if p.estimated):
        low, high = parameter.bounds or (-math.inf, math.inf)
        start = (low + high) / 2 if parameter.bounds else 1.0
        scale = max(abs(start), (high - low) / 2 if parameter.bounds else 1.0)
        rows.append((scale, start / scale, low / scale, high / scale))
    table = torch.tensor(rows, dtype=torch.float64).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 2:].T


def _unknown_scalars(problem: BodyProblem, frames: Frames) -> dict[str, UnknownScalar]:
    """Return the scalars with values that are not known: positive where one divides by them."""
    found = {}
    for name, index in frames.unknown.items():
        count = int(index.max()) + 1 if len(index) else 0
        if not count:
            continue
        known = frames.bodies[name][torch.isfinite(frames.bodies[name])]
        positive = name in problem.divisors
        size = float(known.abs().median()) if len(known) else 1.0
        found[name] = UnknownScalar(count, size if positive else 0.0, positive)
    return found
