r"""What is every name in the equations worth, for bodies and for their pairs?

A name has a value for every row (a body in a frame) or for every ordered pair of rows, with the
batch of restarts in front: `[B or 1, R or E, d or 1]`. Values are worked out when first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from residuum.expressions.calculus import ZERO, differentiate
from residuum.expressions.expression import Expression
from residuum.expressions.torch_evaluation import evaluate
from residuum.problem.body_problem import RECEIVER, SENDER, BodyProblem, arguments_of
from residuum.problem.hidden_term import Call
from residuum.problem.names import PAIR_SUM
from residuum.surrogates.graph.frames import Frames
from residuum.surrogates.graph.heads import MessageHead

Partials = Mapping[str, Expression]


@dataclass(frozen=True, slots=True)
class UnknownScalar:
    """Values of a scalar of bodies that are not known: `count` of them about `center`.

    Positive ones are `center * exp(theta)`, others `center + theta`.
    """

    count: int
    center: float
    positive: bool

    def values(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Return the values and their slopes by theta."""
        if not self.positive:
            return self.center + theta, torch.ones_like(theta)
        values = self.center * theta.exp()
        return values, values


@dataclass(frozen=True)
class GraphSystem:
    """The equations with a head for every hidden term.

    Unknowns `theta[B, Q]` are the heads' in the order of the terms, then the estimated parameters
    (in units of `parameter_scales`), then the unknown scalars.
    """

    problem: BodyProblem
    heads: Mapping[str, MessageHead]
    parameter_scales: Tensor
    scalars: Mapping[str, UnknownScalar]

    @cached_property
    def places(self) -> Mapping[str, slice]:
        """Where the unknowns of terms, parameters and scalars stand, by name."""
        sizes = {term.name: self.heads[term.name].size for term in self.problem.hidden_terms}
        sizes |= dict.fromkeys(self.problem.estimated, 1)
        sizes |= {name: scalar.count for name, scalar in self.scalars.items()}
        places, start = {}, 0
        for name, size in sizes.items():
            places[name] = slice(start, start + size)
            start += size
        return places

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return max((place.stop for place in self.places.values()), default=0)

    @cached_property
    def partials(self) -> Mapping[Expression, Partials]:
        """Derivatives of right-hand sides, terms of sums and arguments of calls."""
        formulas = [e.rhs for e in self.problem.equations]
        formulas += [row.term for row in self.problem.sums]
        called = arguments_of(self.problem.calls, self.problem.vector_calls)
        formulas += [argument for arguments in called.values() for argument in arguments]
        return {formula: _gradient(formula) for formula in formulas}

    @cached_property
    def loose(self) -> frozenset[str]:
        """The names of what is estimated, in formulas."""
        ends = (RECEIVER, SENDER)
        return frozenset(self.problem.estimated) | {n + e for n in self.scalars for e in ends}

    @cached_property
    def unknown(self) -> frozenset[str]:
        """All names that depend on what is estimated: placeholders of calls and sums too."""
        found = self.loose | {call.placeholder for call in self.problem.calls}
        # What is called may stand in what is called: as often as there are placeholders.
        for _ in self.problem.opened:
            found |= {
                name
                for name, formulas in self.problem.opened.items()
                if any(found & set(formula.variables) for formula in formulas)
            }
        return found

    def values(self, frames: Frames, theta: Tensor) -> BodyValues:
        """Return the values of names for the rows of frames."""
        return BodyValues(self, frames, theta)


def _gradient(formula: Expression) -> dict[str, Expression]:
    pairs = ((name, differentiate(formula, name)) for name in formula.variables)
    return {name: partial for name, partial in pairs if partial != ZERO}


@dataclass(frozen=True, slots=True)
class Called:
    """A hidden call: measures `X[B or 1, S, m]` where the head was evaluated, its values and tape.

    `sample[N]` is where each row's or pair's value stands, `factor[B or 1, N, d or 1]` multiplies
    it. `turned[N]` tells pairs for which the sample is that of the reverse. `u[B or 1, N, d]` is
    the direction of each row or pair.
    """

    head: MessageHead
    X: Tensor
    value: Tensor
    tape: Any
    sample: Tensor
    factor: Tensor
    turned: Tensor
    u: Tensor

    @property
    def vector(self) -> Tensor:
        """The term's values `[B, N, d or 1]`."""
        return self.value[:, self.sample] * self.factor


class BodyValues(dict[str, Tensor]):
    """The values of names for rows."""

    def __init__(self, system: GraphSystem, frames: Frames, theta: Tensor) -> None:
        super().__init__(_parameters(system, theta))
        self.system, self.frames, self.theta = system, frames, theta
        self.called: dict[str, Called] = {}
        self.pairs = PairValues(self)

    def __missing__(self, name: str) -> Tensor:
        self[name] = self._found(name)
        return self[name]

    def _found(self, name: str) -> Tensor:
        if name.partition("@")[0] == PAIR_SUM:
            return self._sum(self.system.problem.opened[name][0])
        if "@" in name:
            return placeholder(self, name)
        if name in self.frames.signals:
            return self.frames.signals[name][None]
        return self.of_body(name[: -len(RECEIVER)])

    def of_body(self, base: str) -> Tensor:
        """Return a component or scalar of every row."""
        known = self.frames.bodies[base][None]
        if base not in self.system.scalars:
            return known
        theta = self.theta[:, self.system.places[base]]
        values, _ = self.system.scalars[base].values(theta)
        index = self.frames.unknown[base]
        return torch.where(index[:, None] >= 0, values[:, index.clamp_min(0), None], known)

    def call(self, name: str) -> Called:
        """Return a hidden call, worked out once."""
        if name not in self.called:
            self.called[name] = _call(self, name, None)
        return self.called[name]

    def _sum(self, term: Expression) -> Tensor:
        values = evaluate(term, self.pairs)
        frames = self.frames
        values = values.expand(len(values), len(frames.receiver), values.shape[-1])
        total = values.new_zeros(len(values), frames.rows, values.shape[-1])
        return total.index_add_(1, frames.receiver, values)


class PairValues(dict[str, Tensor]):
    """The values of names for pairs: `_i` of the receiver, `_j` of the sender."""

    def __init__(self, bodies: BodyValues) -> None:
        super().__init__(bodies)
        self.bodies = bodies
        self.system, self.frames, self.theta = bodies.system, bodies.frames, bodies.theta
        self.called: dict[str, Called] = {}

    def __missing__(self, name: str) -> Tensor:
        self[name] = self._found(name)
        return self[name]

    def _found(self, name: str) -> Tensor:
        frames = self.bodies.frames
        if "@" in name:
            return placeholder(self, name)
        if name in frames.signals:
            return frames.signals[name][None, frames.receiver]
        rows = frames.sender if name.endswith(SENDER) else frames.receiver
        return self.bodies.of_body(name[: -len(SENDER)])[:, rows]

    def call(self, name: str) -> Called:
        """Return a hidden call, worked out once."""
        if name not in self.called:
            self.called[name] = _call(self, name, self.frames)
        return self.called[name]


def placeholder(values: BodyValues | PairValues, name: str) -> Tensor:
    """Return the value of a length, a product or a hidden call."""
    kind, formulas = name.partition("@")[0], values.system.problem.opened[name]
    if kind not in ("norm", "dot"):
        return values.call(name).vector
    arguments = [evaluate(formula, values) for formula in formulas]
    product = (arguments[0] * arguments[-1]).sum(-1, keepdim=True)
    return product.sqrt() if kind == "norm" else product


def measured(
    values: BodyValues | PairValues, call: Call, vectors: tuple[bool, ...]
) -> tuple[Tensor, Tensor]:
    """Return measures `[B or 1, N, m]` and the direction `[B or 1, N, d]` of the first vector.

    The direction is ones `[1, N, 1]` where there is no vector.
    """
    count = values.frames.rows if isinstance(values, BodyValues) else len(values.frames.receiver)
    parts, direction = [], None
    for formula, vector in zip(call.arguments, vectors, strict=True):
        argument = evaluate(formula, values)
        length = argument.norm(dim=-1, keepdim=True) if vector else argument
        parts.append(length)
        if vector and direction is None:
            direction = argument / length.clamp_min(torch.finfo(length.dtype).tiny)
    batch = max(len(part) if part.dim() == 3 else 1 for part in parts)
    X = torch.cat([part.expand(batch, count, 1) for part in parts], -1)
    return X, X.new_ones(1, count, 1) if direction is None else direction


def _call(values: BodyValues | PairValues, name: str, pairs: Frames | None) -> Called:
    call = values.system.problem.call(name)
    term = values.system.problem.hidden_term(call.term)
    head = values.system.heads[call.term]
    X, u = measured(values, call, term.vectors or (False,) * len(term.arguments))
    sample = torch.arange(u.shape[1], device=u.device)
    turned = torch.zeros_like(sample, dtype=torch.bool)
    factor = u if term.vector and head.central else torch.ones_like(u[:1, :, :1])
    seen = u
    if head.mutual and pairs is not None:
        sample = pairs.meeting
        turned = pairs.receiver > pairs.sender
        X, seen = X[:, pairs.forward], u[:, pairs.forward]
        if not head.central:
            factor = torch.where(turned[:, None], -factor, factor)
    value, tape = head.forward(values.theta[:, values.system.places[call.term]], X, seen)
    return Called(head, X, value, tape, sample, factor, turned, u)


def _parameters(system: GraphSystem, theta: Tensor) -> dict[str, Tensor]:
    known = {name: theta.new_tensor(value) for name, value in system.problem.known.items()}
    scales = dict(zip(system.problem.estimated, system.parameter_scales, strict=True))
    free = {
        name: (theta[:, system.places[name]] * scale)[:, :, None] for name, scale in scales.items()
    }
    return known | free
