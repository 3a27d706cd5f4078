r"""How strong should each prior be, and how well does a model explain the data?

The physics is prior knowledge: what the equations allow is the prior, and the data are the
likelihood. Unknowns stand in groups; group `g` has the prior precision :math:`\kappa_g d_i`.
With :math:`P = \Lambda + K^T K` (the priors and the physics rows `K`) and
:math:`H = P + J^T J` (the data rows `J`) at the optimum,

.. math:: \gamma_g = \kappa_g \operatorname{tr}\bigl((P^{-1} - H^{-1}) D_g\bigr), \qquad
          \kappa_g \leftarrow \gamma_g / \sum_{i \in g} d_i \theta_i^2, \qquad
          \log Z = -F - \tfrac12 \log|H| + \tfrac12 \log|P| - n \log\sigma .

So only what the *data* determine counts against a model: were the physics rows counted as data,
a state head would be charged for every coefficient that the equations tie down.

Sources: D. J. C. MacKay, Bayesian interpolation, Neural Computation 4 (1992) 415,
doi:10.1162/neco.1992.4.3.415; S. N. Wood and M. Fasiolo, A generalized Fellner-Schall method,
Biometrics 73 (2017) 1071, doi:10.1111/biom.12666.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from residuum.surrogates.normal_equations import Factor

MOST = 20.0  # a precision changes by no more than this factor in one update


@dataclass(frozen=True, slots=True)
class Groups:
    r"""Which unknown belongs to which prior.

    `index[P]` is the group of each unknown, `stiffness[P]` its factor `d`; `lower[G]` and
    `upper[G]` limit the group's precision (equal where it is fixed). `l1[G]` is NaN, or the rate
    of a prior on the group's norm, which is followed by reweighting:
    :math:`\kappa \leftarrow rate / |\theta_g|`.
    """

    index: Tensor
    stiffness: Tensor
    initial: Tensor
    lower: Tensor
    upper: Tensor
    l1: Tensor

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
            torch.tensor([part.rate for part in parts], dtype=torch.float64),
        )

    def __len__(self) -> int:
        return len(self.initial)

    def to(self, device: torch.device) -> Groups:
        """Return the groups on a device."""
        parts = (self.index, self.stiffness, self.initial, self.lower, self.upper, self.l1)
        return Groups(*(part.to(device) for part in parts))

    def precision(self, kappa: Tensor) -> Tensor:
        """Return the prior precision `[B, P]` of each unknown for `kappa[B, G]`."""
        return kappa[:, self.index] * self.stiffness

    def update(self, kappa: Tensor, theta: Tensor, prior: Tensor, posterior: Tensor) -> Tensor:
        """Return the next `kappa[B, G]` from unknowns and their prior and posterior variances.

        The three are `[B, E, P]`; variances are the diagonals of the inverses of `P` and `H`.
        """
        if not len(self):
            return kappa
        gain = self._sum((self.stiffness * (prior - posterior)).sum(1)).clamp_min(0)
        size = self._sum((self.stiffness * theta.square()).sum(1))
        change = (gain / size.clamp_min(1e-300)).clamp(1 / MOST, MOST)
        fresh = torch.where(torch.isnan(self.l1), kappa * change, self.l1 / size.sqrt())
        return torch.minimum(torch.maximum(fresh, self.lower), self.upper)

    def _sum(self, values: Tensor) -> Tensor:
        total = values.new_zeros(values.shape[0], len(self))
        return total.index_add(1, self.index, values)


@dataclass(frozen=True, slots=True)
class Group:
    """Consecutive unknowns under one prior: their stiffness `[p]` and the precision's limits.

    The name tells a group from the others of its head, so that its strength can be carried over
    to a head that has lost an argument.
    """

    name: str
    stiffness: Tensor
    initial: float = 1e-2
    lower: float = 1e-4
    upper: float = 1e3
    l1: float | None = None

    @property
    def rough(self) -> bool:
        """Whether the group penalises roughness rather than size."""
        return self.name.startswith("rough")

    @property
    def rate(self) -> float:
        """Rate of the l1 prior: `l1` times that of a group whose weights have size one; or NaN."""
        return math.nan if self.l1 is None else self.l1 * math.sqrt(len(self.stiffness))


def plain_group(
    name: str,
    size: int,
    *,
    initial: float = 1e-2,
    lower: float = 1e-4,
    upper: float = 1e3,
    l1: float | None = None,
) -> Group:
    """Return a group of `size` unknowns of equal stiffness."""
    return Group(name, torch.ones(size, dtype=torch.float64), initial, lower, upper, l1)


def log_evidence(
    cost: Tensor, prior: Factor, posterior: Factor, counts: Tensor, sigma: Tensor
) -> Tensor:
    r"""Return :math:`\log Z` of the data, `[B]`; minus infinity where something is not finite.

    `cost[B]` is :math:`F` at the optimum, `counts[M]` the samples and `sigma[B, M]` the noise of
    each measured variable. Exact where the model is linear.
    """
    gain = prior.log_determinant - posterior.log_determinant
    norm = (counts * (sigma.log() + 0.5 * math.log(2 * math.pi))).sum(1)
    value = -cost + 0.5 * gain - norm
    ok = prior.ok & posterior.ok & torch.isfinite(value)
    return torch.where(ok, value, -torch.inf)
