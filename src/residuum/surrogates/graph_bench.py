"""What do the fits of one graph surrogate share, and which heads may stand for a hidden term?"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from residuum.expressions.torch_evaluation import evaluate
from residuum.problem.body_problem import BodyProblem
from residuum.problem.hidden_term import Call, HiddenTerm
from residuum.problem.names import PAIR_SUM
from residuum.surrogates.graph_errors import sizes
from residuum.surrogates.graph_features import features_of
from residuum.surrogates.graph_frames import Frames
from residuum.surrogates.graph_heads import CentralHead, FreeHead, MessageHead
from residuum.surrogates.graph_trunk import Trunk
from residuum.surrogates.graph_values import (
    BodyValues,
    GraphSystem,
    UnknownScalar,
    measured,
)
from residuum.surrogates.settings import GraphSettings

LOOKED_AT = 40_000  # pairs by which ranges are taken
SAME = 1e-9  # relative difference below which an argument is the exchanged other one
Row = dict[str, float | str]


@dataclass(frozen=True, slots=True)
class TermView:
    """What a hidden term's calls show: measures `X[N, m]`, the axes, and the value's typical size.

    `exchange[m]` is the measure that takes each one's place when two bodies are exchanged, None
    outside sums or where a measure has no partner.
    """

    term: HiddenTerm
    X: Tensor
    axes: int
    in_pairs: bool
    exchange: tuple[int, ...] | None
    scale: float

    @property
    def kinds(self) -> tuple[str, ...]:
        """The heads that may stand for the term, simplest first."""
        central = ("mutual", "central") if self.exchange is not None else ("central",)
        if not self.term.vector:
            return central
        free = ("free mutual", "free") if self.exchange is not None else ("free",)
        return (*central, *free)


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
        length = view.term.vector or (bool(view.term.vectors) and view.term.vectors[0])
        if kind.startswith("free"):
            trunk = Trunk(
                features_of(view.X, length=length), layers, view.scale, view.axes, view.axes
            )
            return FreeHead(trunk, view.exchange if kind == "free mutual" else None)
        mutual = kind == "mutual"
        features = features_of(view.X, length=length, exchange=view.exchange if mutual else None)
        return CentralHead(Trunk(features, layers, view.scale), mutual)


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
    few = frames.take(_some(frames))
    views = {}
    for term in problem.hidden_terms:
        system = GraphSystem(problem, units, scales, scalars)
        theta = torch.cat([start, start.new_zeros(system.size - len(start))])[None]
        views[term.name] = _view(system, few, theta, term)
    return GraphBench(
        problem, frames, settings, views, scales, start, bounds, scalars, record
    )


@dataclass(frozen=True)
class UnitHead(MessageHead):
    """The constant one, without unknowns: where a term's surroundings are looked at."""

    mutual: bool = False

    @property
    def size(self) -> int:
        return 0

    @property
    def central(self) -> bool:
        return True

    def partner(self, argument: int) -> int:
        return argument

    def forward(self, theta: Tensor, X: Tensor, u: Tensor) -> tuple[Tensor, Any]:
        return theta.new_ones(len(theta), len(u), 1), X

    def linearise(self, theta: Tensor, tape: Any) -> tuple[Tensor, Tensor]:
        B, (_, N, m) = len(theta), tape.shape
        return theta.new_zeros(B, N, 1, 0), theta.new_zeros(B, N, 1, m)

    def without(self, argument: int, theta: Tensor) -> tuple[MessageHead, Tensor]:
        return self, theta


def _some(frames: Frames) -> Tensor:
    """Return a mask of frames, evenly spread, with about `LOOKED_AT` pairs in all."""
    each = max(1, len(frames.receiver) // max(1, len(frames)))
    step = max(1, len(frames) * each // LOOKED_AT)
    return torch.arange(len(frames), device=frames.frame.device) % step == 0


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


def _view(system: GraphSystem, frames: Frames, theta: Tensor, term: HiddenTerm) -> TermView:
    """Return what the calls of a term show on frames."""
    values = BodyValues(system, frames, theta)
    calls = [call for call in system.problem.calls if call.term == term.name]
    vectors = term.vectors or (False,) * len(term.arguments)
    inside = {call.placeholder for call in system.problem.pair_calls}
    in_pairs = any(call.placeholder in inside for call in calls)
    at = values.pairs if in_pairs else values
    X = torch.cat([measured(at, call, vectors)[0][0] for call in calls])
    exchange = _exchange(system, frames, theta, calls, vectors) if in_pairs else None
    return TermView(term, X, frames.axes, in_pairs, exchange, _scale(values, calls))


def _exchange(
    system: GraphSystem,
    frames: Frames,
    theta: Tensor,
    calls: Sequence[Call],
    vectors: tuple[bool, ...],
) -> tuple[int, ...] | None:
    """Return the partner of each measure when bodies are exchanged; None where there is none."""
    # What is unknown begins equal for all bodies; told apart, it shows whose it is.
    apart = theta + torch.linspace(0.1, 1.0, theta.shape[1], dtype=theta.dtype).to(theta.device)
    pairs = BodyValues(system, frames, apart).pairs
    back = frames.reverse
    partners: tuple[int, ...] | None = None
    for call in calls:
        X, u = measured(pairs, call, vectors)
        found = _partners(X[0], X[0][back])
        turned = not any(vectors) or _close(u, -u[back])
        if found is None or not turned or partners not in (None, found):
            return None
        partners = found
    return partners


def _partners(X: Tensor, reverse: Tensor) -> tuple[int, ...] | None:
    count = X.shape[1]
    found = []
    for a in range(count):
        order = [a, *(b for b in range(count) if b != a)]
        match = next((b for b in order if _close(reverse[:, b], X[:, a])), None)
        if match is None:
            return None
        found.append(match)
    return tuple(found)


def _close(a: Tensor, b: Tensor) -> bool:
    return bool(((a - b).abs() <= SAME * (a.abs() + b.abs()).amax()).all())


def _scale(values: BodyValues, calls: Sequence[Call]) -> float:
    """Return the size of a term that alone makes the measured accelerations."""
    names, ratios = {call.placeholder for call in calls}, []
    frames, partials = values.frames, values.system.partials
    for equation in values.system.problem.equations:
        a = sizes(frames.targets[equation.state])
        for name, partial in partials[equation.rhs].items():
            change = evaluate(partial, values)
            if name in names:
                ratios.append(a / change.abs().amax(-1).expand(1, len(a))[0])
            if name.partition("@")[0] != PAIR_SUM:
                continue
            for inner, slope in partials[values.system.problem.opened[name][0]].items():
                if inner in names:
                    each = evaluate(slope, values.pairs).abs().median()
                    ratios.append(a / (change.abs().amax(-1).expand(1, len(a))[0] * each))
    found = torch.cat(ratios) if ratios else torch.ones(1)
    found = found[torch.isfinite(found) & (found > 0)]
    return float(found.median()) if len(found) else 1.0
