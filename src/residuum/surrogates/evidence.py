r"""How strong should each prior be, and how well does a model explain the data?

Unknowns stand in groups; group `g` has the prior precision :math:`\kappa_g d_i`. With the
curvature :math:`H` at the optimum and its inverse :math:`V`,

.. math:: \gamma_g = \sum_{i\in g} (1 - \kappa_g d_i V_{ii}), \qquad
          \kappa_g \leftarrow \gamma_g / \sum_{i \in g} d_i \theta_i^2, \qquad
          \log Z = -F - \tfrac12 \log|H| + \tfrac12 \sum_i \log \kappa_g d_i - n \log\sigma .

Source: D. J. C. MacKay, Bayesian interpolation, Neural Computation 4 (1992) 415,
doi:10.1162/neco.1992.4.3.415.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Groups:
    """Which unknown belongs to which prior.

    `index[P]` is the group of each unknown, `stiffness[P]` its factor `d`; `lower[G]` and
    `upper[G]` limit the group's precision (equal where it is fixed).
    """

    index: Tensor
    stiffness: Tensor
    initial: Tensor
    lower: Tensor
    upper: Tensor

    @classmethod
    def of(cls, parts: list[Group]) -> Groups:
        """Return groups of consecutive unknowns, one for each part."""
        numbers = [
            torch.full((len(part.stiffness),), position) for position, part in enumerate(parts)
        ]
        empty = torch.zeros(0, dtype=torch.float64)
        return cls(
            torch.cat(numbers) if parts else torch.zeros(0, dtype=torch.long),
            torch.cat([part.stiffness for part in parts]) if parts else empty,
            torch.tensor([part.initial for part in parts], dtype=torch.float64),
            torch.tensor([part.lower for part in parts], dtype=torch.float64),
            torch.tensor([part.upper for part in parts], dtype=torch.float64),
        )

    def __len__(self) -> int:
        return len(self.initial)

    def to(self, device: torch.device) -> Groups:
        """Return the groups on a device."""
        parts = (self.index, self.stiffness, self.initial, self.lower, self.upper)
        return Groups(*(part.to(device) for part in parts))

    def precision(self, kappa: Tensor) -> Tensor:
        """Return the prior precision `[B, P]` of each unknown for `kappa[B, G]`."""
        return kappa[:, self.index] * self.stiffness

    def update(self, kappa: Tensor, theta: Tensor, variance: Tensor) -> Tensor:
        """Return MacKay's next `kappa[B, G]` from `theta` and `variance`, each `[B, E, P]`."""
        if not len(self):
            return kappa
        determined = theta.shape[1] - (self.precision(kappa)[:, None] * variance).sum(1)
        gamma = self._sum(determined)
        size = self._sum((self.stiffness * theta.square()).sum(1))
        fresh = gamma.clamp_min(1e-8) / size.clamp_min(1e-30)
        return torch.minimum(torch.maximum(fresh, self.lower), self.upper)

    def log_prior(self, kappa: Tensor, experiments: int) -> Tensor:
        """Return half the log determinant of the prior precision, `[B]`."""
        return 0.5 * experiments * self.precision(kappa).log().sum(1)

    def _sum(self, values: Tensor) -> Tensor:
        total = values.new_zeros(values.shape[0], len(self))
        return total.index_add(1, self.index, values)


@dataclass(frozen=True, slots=True)
class Group:
    """Consecutive unknowns under one prior: their stiffness `[p]` and the precision's limits."""

    stiffness: Tensor
    initial: float = 1e-2
    lower: float = 1e-4
    upper: float = 1e3


def plain_group(
    size: int, *, initial: float = 1e-2, lower: float = 1e-4, upper: float = 1e3
) -> Group:
    """Return a group of `size` unknowns of equal stiffness."""
    return Group(torch.ones(size, dtype=torch.float64), initial, lower, upper)
