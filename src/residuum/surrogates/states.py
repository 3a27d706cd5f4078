r"""What stands for the states between samples?

Every experiment has its own unknowns `theta[B, E, P]`. A head gives the values of all states and
their derivatives in the user's time, `V[B, E, K + 1, n, S]`, and the gradient of any
functional of them. A state is `location + scale*(head)`, both taken from the data, so that any
offset and unit works. For lognormal noise the head models the logarithm, :math:`u = e^v`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from residuum.surrogates import bsplines
from residuum.surrogates.evidence import Group, plain_group
from residuum.surrogates.jets import Network, input_jets

DEGREE = 5


@dataclass(frozen=True)
class Frame:
    """Where the states live: `location[S]`, `scale[S]`; each experiment's `start[E]`, `span[E]`.

    `order` is the highest derivative that is needed; `log[s]` tells which states are modelled by
    their logarithm (location and scale are then those of the logarithm).
    """

    location: Tensor
    scale: Tensor
    start: Tensor
    span: Tensor
    order: int
    log: tuple[bool, ...]

    def unit_time(self, t: Tensor) -> Tensor:
        """Return times `t[E, n]` as shares of each experiment's span."""
        return (t - self.start[:, None]) / self.span[:, None]


class StateHead(ABC):
    """A family of functions of time with unknowns `theta[B, E, size]`."""

    kind: ClassVar[str]
    fades: ClassVar[bool] = False  # whether the prior gives way to the physics
    frame: Frame

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of unknowns of one experiment."""

    @abstractmethod
    def groups(self) -> list[Group]:
        """Return the priors."""

    @abstractmethod
    def initial(self, batch: int, generator: torch.Generator) -> Tensor:
        """Return a start `[batch, E, size]`."""

    @abstractmethod
    def basis(self, t: Tensor) -> Tensor:
        """Return what can be computed once for fixed times `t[E, n]`."""

    @abstractmethod
    def forward(self, theta: Tensor, basis: Tensor) -> tuple[Tensor, Any]:
        """Return `V[B, E, K + 1, n, S]` and what the Jacobian needs."""

    @abstractmethod
    def jacobian(self, tape: Any, cotangent: Tensor, out: Tensor) -> None:
        """Write the gradients `out[B, E, R, n, size]` of functionals of V.

        `cotangent` is `[B, E, R, K + 1, n, S]`.
        """


@dataclass(frozen=True)
class NetworkStates(StateHead):
    """One tanh network of scaled time with an output for each state."""

    frame: Frame
    hidden: tuple[int, ...] = (16, 16)
    kind: ClassVar[str] = "network"

    @cached_property
    def network(self) -> Network:
        """The network, from time in [-1, 1] to all states."""
        return Network((1, *self.hidden, len(self.frame.log)))

    @property
    def size(self) -> int:
        return self.network.size

    def groups(self) -> list[Group]:
        return [
            plain_group(f"layer {index}", layer.stop - layer.start)
            for index, layer in enumerate(self.network.layers)
        ]

    def initial(self, batch: int, generator: torch.Generator) -> Tensor:
        return self.network.initial((batch, len(self.frame.start)), generator)

    def basis(self, t: Tensor) -> Tensor:
        x = 2 * self.frame.unit_time(t)[:, :, None] - 1
        speed = (2 / self.frame.span)[:, None, None]
        return input_jets(x, speed, self.frame.order)[None]

    def forward(self, theta: Tensor, basis: Tensor) -> tuple[Tensor, Any]:
        jets = basis.expand(theta.shape[0], -1, -1, -1, -1)
        tape = self.network.forward(theta, jets, self.frame.order)
        V = tape.output * self._factors
        V[:, :, 0] += self.frame.location
        return V, tape

    def jacobian(self, tape: Any, cotangent: Tensor, out: Tensor) -> None:
        self.network.jacobian(tape, cotangent * self._factors, out)

    @cached_property
    def _factors(self) -> Tensor:
        """From Taylor coefficients to derivatives, in the states' scale: `[K + 1, 1, S]`."""
        factorials = [float(math.factorial(k)) for k in range(self.frame.order + 1)]
        return self.frame.scale.new_tensor(factorials)[:, None, None] * self.frame.scale


@dataclass(frozen=True)
class SplineStates(StateHead):
    """A quintic B-spline for each state, in the eigenvectors of its roughness."""

    frame: Frame
    coefficients: int
    kind: ClassVar[str] = "spline"
    fades: ClassVar[bool] = True

    @property
    def size(self) -> int:
        return self.coefficients * len(self.frame.log)

    def groups(self) -> list[Group]:
        stiffness = bsplines.modes(self.coefficients, DEGREE)[0]
        null = bsplines.PENALISED
        return [
            group
            for state in range(len(self.frame.log))
            for group in (
                plain_group(f"quadratics {state}", null, lower=1e-6),
                Group(f"rough {state}", stiffness[null:], 1e-2, 1e-9, 1e9),
            )
        ]

    def initial(self, batch: int, generator: torch.Generator) -> Tensor:
        return self.frame.scale.new_zeros(batch, len(self.frame.start), self.size)

    def basis(self, t: Tensor) -> Tensor:
        x = self.frame.unit_time(t)
        vectors = bsplines.modes(self.coefficients, DEGREE)[1].to(t.device)
        parts = [
            bsplines.basis(x, self.coefficients, DEGREE, order)
            @ vectors
            / self.frame.span[:, None, None] ** order
            for order in range(self.frame.order + 1)
        ]
        return torch.stack(parts, 1)

    def forward(self, theta: Tensor, basis: Tensor) -> tuple[Tensor, Any]:
        c = theta.unflatten(-1, (len(self.frame.log), self.coefficients))
        V = torch.matmul(basis.flatten(1, 2), c.mT).unflatten(2, basis.shape[1:3])
        V = V * self.frame.scale
        V[:, :, 0] += self.frame.location
        return V, basis

    def jacobian(self, tape: Any, cotangent: Tensor, out: Tensor) -> None:
        view = out.unflatten(-1, (len(self.frame.log), self.coefficients))
        g = (cotangent * self.frame.scale).unsqueeze(-1)
        for order in range(self.frame.order + 1):
            rows = tape[None, :, None, order, :, None, :]
            if order == 0:
                torch.mul(g[:, :, :, order], rows, out=view)
            else:
                view.addcmul_(g[:, :, :, order], rows)


def exponentiate(V: Tensor, log: Sequence[bool]) -> Tensor:
    """Return the states' derivatives `U` from the head's, to order two: `u = e^v` where `log`."""
    if not any(log):
        return V
    mask = torch.tensor(log, device=V.device)
    # States that are not logarithms could overflow in the branch that is thrown away.
    parts = [torch.where(mask, V[:, :, 0], 0.0).exp()]
    if V.shape[2] > 1:
        parts.append(parts[0] * V[:, :, 1])
    if V.shape[2] > 2:
        parts.append(parts[0] * (V[:, :, 1].square() + V[:, :, 2]))
    return torch.where(mask, torch.stack(parts, 2), V)


def pull_back(cotangent: Tensor, U: Tensor, log: Sequence[bool]) -> Tensor:
    r"""Return the cotangent of `V` from that of `U`, `[B, E, R, K + 1, n, S]`.

    :math:`\partial u^{(k)} / \partial v^{(j)} = \binom{k}{j} u^{(k-j)}`.
    """
    if not any(log):
        return cotangent
    K, mask = U.shape[2], torch.tensor(log, device=U.device)
    parts = []
    for j in range(K):
        total = torch.zeros_like(cotangent[:, :, :, 0])
        for k in range(j, K):
            u = U[:, :, None, k - j]
            total = total + math.comb(k, j) * cotangent[:, :, :, k] * u
        parts.append(total)
    return torch.where(mask, torch.stack(parts, 3), cotangent)
