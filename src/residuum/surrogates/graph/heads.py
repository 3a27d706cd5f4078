r"""In what direction does a hidden term act, and what is the answer to it?

A vector term of a vector :math:`v` and scalars :math:`s` is either *central*,
:math:`\phi(|v|, s)\, v/|v|`, which turns with the bodies, or *free*, any vector function
:math:`g(v, s)`. Between two bodies it is *mutual* where Newton's third law holds: a central term
whose :math:`\phi` does not change when the bodies are exchanged, or
:math:`(g(v, s) - g(-v, s'))/2` with the exchanged scalars :math:`s'`. A scalar term is central
without the direction. Where the vector is a sum of another unknown term and may vanish, a central
term is told as :math:`\chi(|v|, s)\, v`, which is regular there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from residuum.surrogates.evidence import Group
from residuum.surrogates.graph.trunk import Passed, Trunk


class MessageHead(ABC):
    """A function of measures `X[B or 1, N, m]` and a direction `u[B or 1, N, d]`.

    Its unknowns are `theta`. Its values are `[B, N, K]`: K = 1 multiplies the direction (or is a
    scalar), K = d is a vector.
    """

    trunk: Trunk
    mutual: bool

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return self.trunk.size

    @property
    def alive(self) -> tuple[int, ...]:
        """The measures it depends on."""
        return self.trunk.features.alive

    def groups(self) -> list[Group]:
        """Return the priors."""
        return self.trunk.groups()

    def initial(self, batch: int, generator: torch.Generator) -> Tensor:
        """Return starts `[batch, size]`."""
        return self.trunk.initial(batch, generator)

    @property
    @abstractmethod
    def central(self) -> bool:
        """Whether values multiply the direction."""

    @abstractmethod
    def partner(self, argument: int) -> int:
        """Return the measure that takes one's place when the bodies of a pair are exchanged."""

    @abstractmethod
    def forward(self, theta: Tensor, X: Tensor, u: Tensor) -> tuple[Tensor, Any]:
        """Return values and what `linearise` needs."""

    @abstractmethod
    def linearise(self, theta: Tensor, tape: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Return the Jacobian `[B, N, K, size]` and the gradients by measures and direction.

        The gradients are `[B, N, K, m]` and `[B, N, K, d]`; nothing (d = 0) where values multiply
        the direction.
        """

    @abstractmethod
    def without(self, argument: int, theta: Tensor) -> tuple[MessageHead, Tensor]:
        """Return the head that does not see a measure (nor its partner), and its unknowns."""


@dataclass(frozen=True)
class CentralHead(MessageHead):
    """One scalar function; mutual where its features are those of an exchange.

    With `length`, the measure that is the vector's length, the trunk is what multiplies the vector,
    not its direction.
    """

    trunk: Trunk
    mutual: bool
    length: int | None = None

    @property
    def central(self) -> bool:
        return True

    def partner(self, argument: int) -> int:
        exchange = self.trunk.features.exchange
        return argument if exchange is None else exchange[argument]

    def forward(self, theta: Tensor, X: Tensor, u: Tensor) -> tuple[Tensor, Any]:
        passed = self.trunk.forward(theta, X)
        if self.length is None:
            return passed.value, passed
        return passed.value * X[..., self.length, None], passed

    def linearise(self, theta: Tensor, tape: Passed) -> tuple[Tensor, Tensor, Tensor]:
        J, gradient, none = self.trunk.linearise(theta, tape)
        if self.length is not None:
            length = tape.seen.X[..., self.length, None, None]
            J, gradient = J * length, gradient * length
            gradient[..., self.length] += tape.value
        return J, gradient, none

    def initial(self, batch: int, generator: torch.Generator) -> Tensor:
        """Return starts; what multiplies a vector starts near a positive constant."""
        theta = self.trunk.initial(batch, generator)
        if self.length is not None:
            theta[:, : self.trunk.start] = 0.0
            theta[:, -1] = 1.0
        return theta

    def without(self, argument: int, theta: Tensor) -> tuple[MessageHead, Tensor]:
        trunk, weights = self.trunk.without(argument, theta)
        return replace(self, trunk=trunk), weights


@dataclass(frozen=True)
class FreeHead(MessageHead):
    """A vector function of direction and measures; `exchange[m]` where it is mutual."""

    trunk: Trunk
    exchange: tuple[int, ...] | None

    @property
    def mutual(self) -> bool:  # type: ignore[override]
        return self.exchange is not None

    @property
    def central(self) -> bool:
        return False

    def partner(self, argument: int) -> int:
        return argument if self.exchange is None else self.exchange[argument]

    def forward(self, theta: Tensor, X: Tensor, u: Tensor) -> tuple[Tensor, Any]:
        passed = [self.trunk.forward(theta, X, u)]
        if self.exchange is None:
            return passed[0].value, passed
        passed.append(self.trunk.forward(theta, X[..., list(self.exchange)], -u))
        return (passed[0].value - passed[1].value) / 2, passed

    def linearise(self, theta: Tensor, tape: list[Passed]) -> tuple[Tensor, Tensor, Tensor]:
        J, gradient, turn = self.trunk.linearise(theta, tape[0])
        if self.exchange is None:
            return J, gradient, turn
        J_back, back, turn_back = self.trunk.linearise(theta, tape[1])
        gradient = (gradient - back[..., list(self.exchange)]) / 2
        # The direction came in with the other sign.
        return (J - J_back) / 2, gradient, (turn + turn_back) / 2

    def without(self, argument: int, theta: Tensor) -> tuple[MessageHead, Tensor]:
        trunk, weights = self.trunk.without(argument, theta)
        if self.exchange is not None and self.exchange[argument] in trunk.features.alive:
            trunk, weights = trunk.without(self.exchange[argument], weights)
        return replace(self, trunk=trunk), weights
