r"""How far off may an acceleration be?

.. math:: s^2 = \sigma^2 + \epsilon^2 |a|^2

Noise has a size :math:`\sigma`; what a network cannot follow grows with the acceleration, so that
a few close encounters would decide everything if it were not for :math:`\epsilon`. Both are
estimated from the residuals, by maximum likelihood with the fit's degrees of freedom taken off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

FIRST_FLOOR = 0.3  # of the median acceleration: sigma at the start, where epsilon is one
LEAST_FLOOR = 0.1  # the same later: small accelerations do not decide everything either
SMALLEST = 1e-8  # of the median acceleration, and of one: what nobody can measure
STEPS = 12


@dataclass(frozen=True, slots=True)
class Errors:
    """`sigma[B]` and `epsilon[B]` of one equation."""

    sigma: Tensor
    epsilon: Tensor

    def scale(self, size: Tensor) -> Tensor:
        """Return the standard deviation `[B, R, 1]` where accelerations have `size[R]`."""
        return self.variance(size).sqrt()

    def variance(self, size: Tensor) -> Tensor:
        """Return its square."""
        relative = self.epsilon[:, None] * size
        return (self.sigma[:, None].square() + relative.square()).unsqueeze(-1)

    def take(self, s: slice) -> Errors:
        """Return some elements of the batch."""
        return Errors(self.sigma[s], self.epsilon[s])

    def update(self, e: Tensor, size: Tensor, determined: Tensor) -> Errors:
        """Return the estimate from residuals `e[B, R, d]` (NaN where nothing was measured).

        `determined[B]` is the number of unknowns that these data determine.
        """
        there = torch.isfinite(e)
        count = there.sum((1, 2))
        free = (count - determined).clamp_min(0.1 * count)
        squares = torch.where(there, e.square(), 0.0) * (count / free)[:, None, None]
        level = _median(size)
        low = torch.stack([SMALLEST * level, torch.ones_like(level) * SMALLEST], -1)
        logs = torch.stack([self.sigma, self.epsilon], -1).log()
        for _ in range(STEPS):
            logs = torch.maximum(logs + _step(logs, squares, there, size), low.log())
            least = logs[:, 1] + (LEAST_FLOOR * level).log()
            logs = torch.stack([torch.maximum(logs[:, 0], least), logs[:, 1]], -1)
        return Errors(logs[:, 0].exp(), logs[:, 1].exp())


def _step(logs: Tensor, squares: Tensor, there: Tensor, size: Tensor) -> Tensor:
    """Return a step of Fisher scoring in the two logarithms, `[B, 2]`."""
    variance = Errors(logs[:, 0].exp(), logs[:, 1].exp()).variance(size)
    share = (2 * logs[:, 0]).exp()[:, None, None] / variance
    shares = torch.stack([share, 1 - share], 1) * there.unsqueeze(1)
    excess = squares / variance - 1
    slope = (shares * excess.unsqueeze(1)).sum((2, 3))
    fisher = 2 * torch.einsum("bird,bjrd->bij", shares, shares)
    fisher = fisher + 1e-3 * there.sum() * torch.eye(2, dtype=logs.dtype, device=logs.device)
    return torch.linalg.solve(fisher, slope).clamp(-1.0, 1.0)


def first_errors(size: Tensor, batch: int) -> Errors:
    """Return what to begin with: errors of the size of the accelerations."""
    floor = FIRST_FLOOR * _median(size)
    return Errors(floor.expand(batch).clone(), torch.ones_like(floor).expand(batch).clone())


def sizes(target: Tensor) -> Tensor:
    """Return the length `[R]` of measured accelerations, zero where they are not."""
    return torch.nan_to_num(target).norm(dim=-1)


def standard_error(size: Tensor) -> Tensor:
    """Return a fixed scale `[R, 1]` by which fits are compared: the first errors."""
    return first_errors(size, 1).scale(size)[0]


def gaussian_constant(scale: Tensor, there: Tensor) -> Tensor:
    """Return the sum of log(scale) + log(2 pi)/2 over what was measured, `[B]`."""
    logs = scale.log().expand(-1, -1, there.shape[-1]) + 0.5 * math.log(2 * math.pi)
    return torch.where(there, logs, 0.0).sum((1, 2))


def _median(size: Tensor) -> Tensor:
    """Return the median of what is not zero, or one."""
    some = size[size > 0]
    return some.median() if len(some) else size.new_ones(())
