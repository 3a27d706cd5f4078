r"""How large is the noise of each measured variable?

With residuals :math:`e` and the number :math:`\gamma` of parameters that the data determine
(the trace of the hat matrix), :math:`\sigma^2 = |e|^2 / (n - \gamma)` (MacKay 1992).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from residuum.data.settings import Noise
from residuum.surrogates.samples import Samples

FEWEST = 0.3  # least share of the samples that counts as free of the fit
SMALLEST = 1e-5  # of a variable's spread: below this, noise is rounding or interpolation


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """The declared noise on the measured columns.

    `unit[M]` is what a size of one means in each column, `given[M]` the standard deviation
    where it was given and NaN where it is estimated; `shared` tells whether all columns have
    one size (relative noise); `smallest[M]` is a floor.
    """

    unit: Tensor
    given: Tensor
    shared: bool
    smallest: Tensor
    counts: Tensor

    def estimate(self, squares: Tensor, determined: Tensor) -> Tensor:
        """Return the standard deviations `[B, M]` from sums of squares and leverages `[B, M]`."""
        free = torch.maximum(self.counts - determined, FEWEST * self.counts)
        scaled = squares / self.unit.square()
        if self.shared:
            open_ = torch.isnan(self.given).to(scaled.dtype)
            total = (scaled * open_).sum(1, keepdim=True)
            variance = total / (free * open_).sum(1, keepdim=True).clamp_min(1e-300)
        else:
            variance = scaled / free
        sigma = torch.maximum(variance.sqrt() * self.unit, self.smallest)
        return torch.where(torch.isnan(self.given), sigma, self.given)

    def at_least(self, sigma: Tensor, share: float) -> Tensor:
        """Return the noise, no smaller than a share of each variable's spread unless given."""
        larger = torch.maximum(sigma, share / SMALLEST * self.smallest)
        return torch.where(torch.isnan(self.given), larger, self.given)

    def to(self, device: torch.device) -> NoiseModel:
        """Return the model on a device."""
        return NoiseModel(
            self.unit.to(device),
            self.given.to(device),
            self.shared,
            self.smallest.to(device),
            self.counts.to(device),
        )


def noise_model(noise: Noise, samples: Samples) -> NoiseModel:
    """Return the noise model of the columns of `samples`."""
    counts = samples.counts
    mean = samples.y.sum((0, 1)) / counts
    spread = ((samples.y - mean) * samples.present).square().sum((0, 1)).div(counts).sqrt()
    size = samples.y.abs().sum((0, 1)) / counts
    relative = noise.kind == "relative"
    unit = size if relative else torch.ones_like(size)
    given = torch.full_like(size, torch.nan)
    for m, column in enumerate(samples.columns):
        value = noise.size_of(column.name)
        # A lognormal size says nothing about a velocity, which can be negative.
        if value and (noise.kind != "lognormal" or column.log):
            given[m] = value * unit[m]
    return NoiseModel(unit, given, relative, SMALLEST * spread.clamp_min(1e-12 * size), counts)
