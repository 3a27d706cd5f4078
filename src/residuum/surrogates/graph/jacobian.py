r"""How do the right-hand sides depend on everything that is unknown?

A right-hand side depends on sums, calls, parameters and scalars of bodies elementwise, and a sum's
term on its calls likewise, so every derivative is a product of elementwise partials, scattered
from pairs to receivers. With `G` the Jacobian of a head at its samples it is `S G`, where the
sparse `S` has an entry for each pair and axis: the cost is linear in the pairs. What mixes axes is
the vector argument of a call, a length or a product: there the change is a matrix for each row
(`turning`), which meets the Jacobian of the sum that stands in the argument.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from residuum.expressions.expression import Expression
from residuum.expressions.torch_evaluation import evaluate
from residuum.problem.body_problem import SENDER
from residuum.problem.names import PAIR_SUM
from residuum.surrogates.graph.frames import Frames
from residuum.surrogates.graph.turning import by_argument, by_vector_call
from residuum.surrogates.graph.values import BodyValues, Called, PairValues

At = BodyValues | PairValues


def jacobian(values: BodyValues) -> dict[str, Tensor]:
    """Return the derivatives `[B, R, d, Q]` of each right-hand side."""
    sums: dict[str, Tensor] = {}
    return {
        equation.state: _Spread.over(values, values.frames.axes, sums).equation(equation.rhs)
        for equation in values.system.problem.equations
    }


def pair_jacobian(values: BodyValues, placeholder: str) -> Tensor:
    """Return the derivatives `[B, E, K, Q]` of a call inside a sum, for every pair."""
    width = values.pairs.call(placeholder).vector.shape[-1]
    spread = _Spread.over(values, width, {}, by_pair=True)
    spread.add(values.pairs, placeholder, values.theta.new_ones(1, 1, 1))
    return spread.J


@dataclass(frozen=True, slots=True)
class _Spread:
    """The derivatives of one right-hand side, as they are added up in `J[B, R, d, Q]`.

    With `by_pair` they are those of pairs, `J[B, E, d, Q]`. `sums` keeps the Jacobians of sums that
    stand in vector arguments, once worked out.
    """

    values: BodyValues
    J: Tensor
    sums: dict[str, Tensor]
    by_pair: bool = False

    @classmethod
    def over(
        cls, values: BodyValues, width: int, sums: dict[str, Tensor], *, by_pair: bool = False
    ) -> _Spread:
        rows = len(values.frames.receiver) if by_pair else values.frames.rows
        shape = (len(values.theta), rows, width, values.system.size)
        return cls(values, values.theta.new_zeros(shape), sums, by_pair)

    def equation(self, rhs: Expression) -> Tensor:
        self.formula(self.values, rhs, self.values.theta.new_ones(1, 1, 1))
        return self.J

    def formula(self, at: At, formula: Expression, change: Tensor) -> None:
        """Add a change `[B or 1, N or 1, d or 1]` by what a formula holds."""
        for name, partial in self.values.system.partials[formula].items():
            if name in self.values.system.unknown:
                self.add(at, name, change * evaluate(partial, at))

    def add(self, at: At, name: str, change: Tensor) -> None:
        """Add a change `[B or 1, N, d or 1]` of the right-hand side by a name."""
        kind, at_mark, _ = name.partition("@")
        if kind == PAIR_SUM:
            receiver, pairs = self.values.frames.receiver, self.values.pairs
            outer = _wide(change, self.values.frames.rows)[:, receiver]
            self.formula(pairs, self.values.system.problem.opened[name][0], outer)
        elif kind in ("norm", "dot"):
            arguments = self.values.system.problem.opened[name]
            for argument, matrix in by_vector_call(at, kind, arguments):
                self.push(at, argument, self._full(at, change).unsqueeze(-1) * matrix)
        elif at_mark:
            self._call(at, name, change)
        elif name in self.values.system.problem.estimated:
            self._parameter(at, name, change)
        else:
            self._scalar(at, name, change)

    def push(self, at: At, argument: Expression, matrix: Tensor) -> None:
        """Add a change `[B or 1, N, d, l]` by each component of a vector argument."""
        for name, partial in self.values.system.partials[argument].items():
            if name not in self.values.system.unknown:
                continue
            slope = evaluate(partial, at)
            change = matrix * (slope.unsqueeze(-2) if slope.dim() else slope)
            if name.partition("@")[0] != PAIR_SUM:
                self.add(at, name, change.sum(-1))
                continue
            inner = self._sum(name)
            if inner.shape[2] == 1:
                change = change.sum(-1, keepdim=True)
            self.J.add_(change @ inner)

    def _sum(self, name: str) -> Tensor:
        """Return the Jacobian `[B, R, l, Q]` of a sum."""
        if name not in self.sums:
            width = self.values[name].shape[-1]
            own = _Spread.over(self.values, width, self.sums)
            own.add(self.values, name, self.values.theta.new_ones(1, 1, 1))
            self.sums[name] = own.J
        return self.sums[name]

    def _call(self, at: At, name: str, change: Tensor) -> None:
        called, system = at.call(name), self.values.system
        call = system.problem.call(name)
        place = system.places[call.term]
        G, gradient, turn = called.head.linearise(self.values.theta[:, place], called.tape)
        raw, change = change, self._full(at, change * called.factor)
        if self.by_pair:
            self.J[..., place] += change.unsqueeze(-1) * G[:, called.sample]
        elif isinstance(at, PairValues):
            self.J[..., place] += _gather(self.values.frames, called, change, G)
        else:
            self.J[..., place] += change.unsqueeze(-1) * G
        vectors = system.problem.hidden_term(call.term).vectors
        for index, argument in enumerate(call.arguments):
            if not system.unknown & set(argument.variables):
                continue
            slope = _slope(called, gradient, index)
            if vectors[index]:
                turns = turn if vectors.index(True) == index else None
                matrix = by_argument(at, called, argument, slope, turns)
                self.push(at, argument, self._full(at, raw).unsqueeze(-1) * matrix)
            else:
                self.formula(at, argument, change * slope)

    def _parameter(self, at: At, name: str, change: Tensor) -> None:
        system = self.values.system
        place = system.places[name]
        scale = system.parameter_scales[system.problem.estimated.index(name)]
        self.J[..., place.start] += self._to_rows(at, self._full(at, change * scale))

    def _scalar(self, at: At, name: str, change: Tensor) -> None:
        """Add to the column of each body's own unknown."""
        base, frames, system = name[: -len(SENDER)], self.values.frames, self.values.system
        place = system.places[base]
        _, slopes = system.scalars[base].values(self.values.theta[:, place])
        row = body = torch.arange(self.J.shape[1], device=frames.frame.device)
        if isinstance(at, PairValues):
            body = frames.sender if name.endswith(SENDER) else frames.receiver
            row = row if self.by_pair else frames.receiver
        index = frames.unknown[base][body]
        change = self._full(at, change) * slopes[:, index.clamp_min(0), None]
        change = torch.where(index[:, None] >= 0, change, 0.0)
        # Rows and columns as one index: what repeats is added up.
        flat = row * system.scalars[base].count + index.clamp_min(0)
        count = self.J.shape[1] * system.scalars[base].count
        total = change.new_zeros(len(change), count, change.shape[-1]).index_add_(1, flat, change)
        self.J[..., place] += total.unflatten(1, (self.J.shape[1], -1)).movedim(2, 3)

    def _to_rows(self, at: At, change: Tensor) -> Tensor:
        if isinstance(at, BodyValues) or self.by_pair:
            return change
        total = self.J.new_zeros(self.J.shape[:3])
        return total.index_add_(1, self.values.frames.receiver, change)

    def _full(self, at: At, change: Tensor) -> Tensor:
        """Return a change as `[B, N, d]`."""
        batch, _, axes, _ = self.J.shape
        frames = self.values.frames
        count = len(frames.receiver) if isinstance(at, PairValues) else frames.rows
        return change.expand(batch, count, axes)


def _wide(change: Tensor, rows: int) -> Tensor:
    """Return a change with a row axis, where it is the same for all."""
    return change.expand(
        len(change) if change.dim() == 3 else 1, rows, change.shape[-1] if change.dim() else 1
    )


def _slope(called: Called, gradient: Tensor, index: int) -> Tensor:
    """Return the slope of a call's value by one argument, `[B, N, K]`."""
    own = gradient[:, called.sample][..., index]
    if not bool(called.turned.any()):
        return own
    partner = called.head.partner(index)
    other = gradient[:, called.sample][..., partner]
    return torch.where(called.turned[:, None], other, own)


def _gather(frames: Frames, called: Called, change: Tensor, G: Tensor) -> Tensor:
    """Return `S G`, `[B, R, d, q]`, of a head's Jacobian `G[B, S, K, q]`."""
    width, outputs = change.shape[-1], G.shape[2]
    starts, order = frames.layout(width)
    axis = torch.arange(width, device=G.device)
    column = called.sample[:, None] * outputs + (axis if outputs > 1 else axis * 0)
    column = column.flatten()[order]
    # A sum of rows with weights: a sparse matrix times a dense one, by torch's fastest way.
    rows = [
        embedding_bag(
            column,
            inner.flatten(0, 1),
            starts,
            mode="sum",
            per_sample_weights=weights.flatten()[order],
            include_last_offset=True,
        )
        for weights, inner in zip(change, G, strict=True)
    ]
    return torch.stack(rows).unflatten(1, (frames.rows, width))
