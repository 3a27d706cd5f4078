r"""What is minimised: weighted differences of accelerations and right-hand sides.

.. math:: r = (R(\theta) - a) / s

Frames are taken in parts, and the normal equations are added up over them, so that the Jacobian
of all of them never stands in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from residuum.expressions.torch_evaluation import evaluate
from residuum.surrogates.graph.divergence import latent_slopes, latents_sent
from residuum.surrogates.graph.errors import Errors, gaussian_constant
from residuum.surrogates.graph.frames import Frames
from residuum.surrogates.graph.jacobian import jacobian
from residuum.surrogates.graph.values import BodyValues, GraphSystem
from residuum.surrogates.normal_equations import Normal, Unknowns

NUMBERS = 8_000_000  # in the Jacobian of the pairs of one part


@dataclass(frozen=True)
class GraphModel:
    """The residuals of a system on frames, and their normal equations, for given errors.

    `divergence` weighs what messages that are latent cost (`divergence`).
    """

    system: GraphSystem
    frames: Frames
    errors: Mapping[str, Errors]
    divergence: float = 0.0

    @cached_property
    def parts(self) -> tuple[Frames, ...]:
        """The frames, in parts that bound the memory."""
        batch = len(next(iter(self.errors.values())).sigma)
        return parts_of(self.frames, self.system.size * batch * self.frames.axes)

    @cached_property
    def scales(self) -> list[dict[str, Tensor]]:
        """The standard deviations `[B, R, 1]` of each part."""
        return [
            {state: self.errors[state].scale(part.size(state)) for state in part.targets}
            for part in self.parts
        ]

    def residuals(self, state: Tensor, shared: Tensor) -> tuple[Tensor, Any]:
        """Return the residuals `[B, 1, N]` and what `equations` needs."""
        rows: list[Tensor] = []
        kept: list[BodyValues | None] = []
        for part, scale in zip(self.parts, self.scales, strict=True):
            values = self.system.values(part, shared)
            rows += [torch.nan_to_num(e / scale[s]) for s, e in differences(values).items()]
            if self.divergence:
                rows += [self.divergence**0.5 * z for z in latents_sent(values)]
            # Of several parts none is kept, which bounds memory: `equations` does them again.
            kept.append(values if len(self.parts) == 1 else None)
        return torch.cat([r.flatten(1) for r in rows], 1).unsqueeze(1), (shared, kept)

    def equations(self, tape: Any, r: Tensor) -> Normal:
        """Return the normal equations."""
        shared, kept = tape
        B, Q = shared.shape
        A, g, start = shared.new_zeros(B, Q, Q), shared.new_zeros(B, Q), 0
        for part, scale, values in zip(self.parts, self.scales, kept, strict=True):
            values = self.system.values(part, shared) if values is None else values
            for state, J in jacobian(values).items():
                there = torch.isfinite(part.targets[state]).unsqueeze(-1)
                J = torch.where(there, J, 0.0) if not bool(there.all()) else J
                J = J.div_(scale[state].unsqueeze(-1)).flatten(1, 2)
                stop = start + J.shape[1]
                A += J.mT @ J
                g += (J.mT @ r[:, 0, start:stop].unsqueeze(-1)).squeeze(-1)
                start = stop
            for J in latent_slopes(values) if self.divergence else ():
                J = (self.divergence**0.5 * J).flatten(1, 2)
                stop = start + J.shape[1]
                A += J.mT @ J
                g += (J.mT @ r[:, 0, start:stop].unsqueeze(-1)).squeeze(-1)
                start = stop
        none = shared.new_zeros(B, 1, 0)
        return Normal(none.new_zeros(B, 1, 0, 0), none.new_zeros(B, 1, 0, Q), A, Unknowns(none, g))

    def constant(self) -> Tensor:
        """Return what the likelihood owes to the size of the errors, `[B]`."""
        rows = [
            gaussian_constant(scale[state], torch.isfinite(target))
            for part, scale in zip(self.parts, self.scales, strict=True)
            for state, target in part.targets.items()
        ]
        return torch.stack(rows).sum(0)


def parts_of(frames: Frames, columns: int) -> tuple[Frames, ...]:
    """Return frames in parts whose pairs, times `columns`, are not too many numbers."""
    return frames.parts(max(1, NUMBERS // max(1, columns)))


def differences(values: BodyValues) -> dict[str, Tensor]:
    """Return right-hand side minus measured acceleration, `[B, R, d]`, NaN where not measured."""
    batch = len(values.theta)
    found = {}
    for equation in values.system.problem.equations:
        target = values.frames.targets[equation.state]
        difference = evaluate(equation.rhs, values) - target
        found[equation.state] = difference.expand(batch, *target.shape)
    return found


def all_differences(system: GraphSystem, frames: Frames, theta: Tensor) -> dict[str, Tensor]:
    """Return the same for all frames, worked out in parts."""
    columns = 32 * len(theta) * frames.axes
    parts = [differences(system.values(part, theta)) for part in parts_of(frames, columns)]
    return {state: torch.cat([part[state] for part in parts], 1) for state in parts[0]}
