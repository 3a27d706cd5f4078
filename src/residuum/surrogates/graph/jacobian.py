r"""How do the right-hand sides depend on everything that is unknown?

A right-hand side depends on sums, calls, parameters and scalars of bodies elementwise, and a sum's
term on its calls likewise, so every derivative is a product of elementwise partials, scattered
from pairs to receivers. With `G` the Jacobian of a head at its samples it is `S G`, where the
sparse `S` has an entry for each pair and axis: the cost is linear in the pairs.
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
from residuum.surrogates.graph.values import BodyValues, Called, PairValues


def jacobian(values: BodyValues) -> dict[str, Tensor]:
    """Return the derivatives `[B, R, d, Q]` of each right-hand side."""
    return {
        equation.state: _Spread.over(values).equation(equation.rhs)
        for equation in values.system.problem.equations
    }


@dataclass(frozen=True, slots=True)
class _Spread:
    """The derivatives of one right-hand side, as they are added up in `J[B, R, d, Q]`."""

    values: BodyValues
    J: Tensor

    @classmethod
    def over(cls, values: BodyValues) -> _Spread:
        frames, theta = values.frames, values.theta
        shape = (len(theta), frames.rows, frames.axes, values.system.size)
        return cls(values, theta.new_zeros(shape))

    def equation(self, rhs: Expression) -> Tensor:
        frames, system = self.values.frames, self.values.system
        for name, partial in system.partials[rhs].items():
            change = evaluate(partial, self.values)
            if name.partition("@")[0] != PAIR_SUM:
                self.add(self.values, name, change)
                continue
            term = system.problem.opened[name][0]
            outer = _wide(change, frames.rows)[:, frames.receiver]
            for inner, slope in system.partials[term].items():
                pairs = self.values.pairs
                self.add(pairs, inner, outer * evaluate(slope, pairs))
        return self.J

    def add(self, at: BodyValues | PairValues, name: str, change: Tensor) -> None:
        """Add a change `[B or 1, N, d or 1]` of the right-hand side by a name."""
        if "@" in name and name.partition("@")[0] not in ("norm", "dot"):
            self._call(at, name, change)
        elif name in self.values.system.problem.estimated:
            self._parameter(at, name, change)
        elif name in self.values.system.loose:
            self._scalar(at, name, change)

    def _call(self, at: BodyValues | PairValues, name: str, change: Tensor) -> None:
        called, system = at.call(name), self.values.system
        call = system.problem.call(name)
        place = system.places[call.term]
        G, gradient = called.head.linearise(self.values.theta[:, place], called.tape)
        change = self._full(at, change * called.factor)
        if isinstance(at, PairValues):
            self.J[..., place] += _gather(self.values.frames, called, change, G)
        else:
            self.J[..., place] += change.unsqueeze(-1) * G
        for index, argument in enumerate(call.arguments):
            for variable, partial in system.partials[argument].items():
                if variable in system.loose:
                    slope = _slope(called, gradient, index)
                    self.add(at, variable, change * slope * evaluate(partial, at))

    def _parameter(self, at: BodyValues | PairValues, name: str, change: Tensor) -> None:
        system = self.values.system
        place = system.places[name]
        scale = system.parameter_scales[system.problem.estimated.index(name)]
        self.J[..., place.start] += self._to_rows(at, self._full(at, change * scale))

    def _scalar(self, at: BodyValues | PairValues, name: str, change: Tensor) -> None:
        """Add to the column of each body's own unknown."""
        base, frames, system = name[: -len(SENDER)], self.values.frames, self.values.system
        place = system.places[base]
        _, slopes = system.scalars[base].values(self.values.theta[:, place])
        row = body = torch.arange(frames.rows, device=frames.frame.device)
        if isinstance(at, PairValues):
            row, body = frames.receiver, frames.sender if name.endswith(SENDER) else frames.receiver
        index = frames.unknown[base][body]
        change = self._full(at, change) * slopes[:, index.clamp_min(0), None]
        change = torch.where(index[:, None] >= 0, change, 0.0)
        # Rows and columns as one index: what repeats is added up.
        flat = row * system.scalars[base].count + index.clamp_min(0)
        count = frames.rows * system.scalars[base].count
        total = change.new_zeros(len(change), count, frames.axes).index_add_(1, flat, change)
        self.J[..., place] += total.unflatten(1, (frames.rows, -1)).movedim(2, 3)

    def _to_rows(self, at: BodyValues | PairValues, change: Tensor) -> Tensor:
        if isinstance(at, BodyValues):
            return change
        total = self.J.new_zeros(self.J.shape[:3])
        return total.index_add_(1, self.values.frames.receiver, change)

    def _full(self, at: BodyValues | PairValues, change: Tensor) -> Tensor:
        """Return a change as `[B, N, d]`."""
        batch, rows, axes, _ = self.J.shape
        pairs = isinstance(at, PairValues)
        return change.expand(batch, len(self.values.frames.receiver) if pairs else rows, axes)


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
    starts, order = frames.layout
    outputs, axis = G.shape[2], torch.arange(frames.axes, device=G.device)
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
    return torch.stack(rows).unflatten(1, (frames.rows, frames.axes))
