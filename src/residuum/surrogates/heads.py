r"""What stands for a hidden term?

A head is a function of the term's arguments `X[B, N, a]` with unknowns `theta[B, Q]`, shared by
all experiments and all calls. Arguments are scaled to their range in the warm start; the value
is in the term's own scale. Heads give value, gradient and the Jacobian of the value.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from residuum.surrogates import bsplines
from residuum.surrogates.bottleneck import Bottleneck
from residuum.surrogates.evidence import Group, plain_group

DEGREE = 3
MARGIN = 0.1  # share of the range that a spline's domain is wider on each side
PAIRS_UP_TO = 6  # with more arguments a spline head is additive
SMALL, FINE = 4, 7  # coefficients in each direction


class HiddenHead(ABC):
    """A family of functions of `a` arguments; `alive` lists those it depends on.

    `low[a]` and `high[a]` are the range of all arguments.
    """

    kind: ClassVar[str]
    low: Tensor
    high: Tensor
    alive: tuple[int, ...]

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of unknowns."""

    @abstractmethod
    def groups(self) -> list[Group]:
        """Return the priors."""

    @abstractmethod
    def initial(self, batch: int, generator: torch.Generator) -> Tensor:
        """Return a start `[batch, size]`."""

    @abstractmethod
    def forward(self, theta: Tensor, X: Tensor) -> tuple[Tensor, Any]:
        """Return values `[B, N]` and what `linearise` needs."""

    @abstractmethod
    def linearise(self, tape: Any) -> tuple[Tensor, Tensor]:
        """Return gradient `[B, N, a]` (zero for dead arguments) and Jacobian `[B, N, Q]`."""

    @abstractmethod
    def without(self, argument: int, theta: Tensor, X: Tensor) -> tuple[HiddenHead, Tensor]:
        """Return the head without an alive argument, and its closest unknowns on `X[B, N, a]`."""

    def _full(self, gradient: Tensor) -> Tensor:
        """Return the gradient with zeros for dead arguments."""
        if len(self.alive) == len(self.low):
            return gradient
        full = gradient.new_zeros(*gradient.shape[:-1], len(self.low))
        full[..., list(self.alive)] = gradient
        return full


@dataclass(frozen=True)
class NetworkHead(HiddenHead):
    """A tanh network that reads its arguments through the bottleneck."""

    low: Tensor
    high: Tensor
    alive: tuple[int, ...]
    bottleneck: Bottleneck
    kind: ClassVar[str] = "network"

    @property
    def size(self) -> int:
        return self.bottleneck.size

    def groups(self) -> list[Group]:
        return self.bottleneck.groups(self.alive)

    def initial(self, batch: int, generator: torch.Generator) -> Tensor:
        return self.bottleneck.network.initial((batch,), generator)

    def forward(self, theta: Tensor, X: Tensor) -> tuple[Tensor, Any]:
        index = list(self.alive)
        half = (self.high - self.low)[index] / 2
        x = (X[..., index] - self.low[index]) / half - 1
        network = self.bottleneck.network
        tape = network.forward(theta[:, None], x[:, None, None])
        return tape.output[:, 0, 0, :, 0], (tape, half)

    def linearise(self, tape: Any) -> tuple[Tensor, Tensor]:
        passed, half = tape
        ones = torch.ones_like(passed.output).unsqueeze(2)
        J, g = self.bottleneck.network.linearise(passed, ones)
        return self._full(g[:, 0, 0, 0] / half), J[:, 0, 0]

    def without(self, argument: int, theta: Tensor, X: Tensor) -> tuple[HiddenHead, Tensor]:
        narrower, weights = self.bottleneck.without_argument(self.alive.index(argument), theta)
        alive = tuple(a for a in self.alive if a != argument)
        return replace(self, alive=alive, bottleneck=narrower), weights


@dataclass(frozen=True)
class SplineHead(HiddenHead):
    """Penalised cubic splines: a curve, a surface, or a sum of curves and surfaces of pairs."""

    low: Tensor
    high: Tensor
    alive: tuple[int, ...]
    kind: ClassVar[str] = "spline"

    @cached_property
    def blocks(self) -> tuple[tuple[tuple[int, ...], int], ...]:
        """Positions (among the alive arguments) and coefficients a direction of each summand."""
        count = len(self.alive)
        if count <= 2:
            return ((tuple(range(count)), FINE),)
        curves = [((position,), FINE) for position in range(count)]
        pairs = list(itertools.combinations(range(count), 2)) if count <= PAIRS_UP_TO else []
        return (*curves, *((pair, SMALL) for pair in pairs))

    @property
    def size(self) -> int:
        return sum(coefficients ** len(where) for where, coefficients in self.blocks)

    def groups(self) -> list[Group]:
        groups = []
        for where, coefficients in self.blocks:
            stiffness, _ = _modes(len(where), coefficients)
            null = int((stiffness == 0).sum())
            block = f"{tuple(self.alive[position] for position in where)} {coefficients}"
            groups.append(plain_group(f"quadratics {block}", null, upper=1e8))
            if null < len(stiffness):
                groups.append(Group(f"rough {block}", stiffness[null:], 1.0, 1e-6, 1e8))
        return groups

    def initial(self, batch: int, generator: torch.Generator) -> Tensor:
        return torch.zeros(batch, self.size, dtype=torch.float64)

    def forward(self, theta: Tensor, X: Tensor) -> tuple[Tensor, Any]:
        features = self.features(X)
        return (features @ theta.unsqueeze(-1)).squeeze(-1), (features, theta, X)

    def features(self, X: Tensor) -> Tensor:
        """Return the value's derivatives with respect to the unknowns, `[B, N, size]`."""
        x = self._unit(X)
        return torch.cat([_features(x, *block, None) for block in self.blocks], -1)

    def linearise(self, tape: Any) -> tuple[Tensor, Tensor]:
        features, theta, X = tape
        x, start = self._unit(X), 0
        gradient = torch.zeros_like(x)
        for where, coefficients in self.blocks:
            stop = start + coefficients ** len(where)
            part = theta[:, start:stop]
            for position in where:
                slopes = _features(x, where, coefficients, position)
                gradient[..., position] += (slopes @ part.unsqueeze(-1)).squeeze(-1)
            start = stop
        return self._full(gradient / self._width[list(self.alive)]), features

    def without(self, argument: int, theta: Tensor, X: Tensor) -> tuple[HiddenHead, Tensor]:
        values = self.forward(theta, X)[0]
        fewer = replace(self, alive=tuple(a for a in self.alive if a != argument))
        return fewer, project(fewer, values, X)

    @cached_property
    def _width(self) -> Tensor:
        return (self.high - self.low) * (1 + 2 * MARGIN)

    def _unit(self, X: Tensor) -> Tensor:
        index = list(self.alive)
        low = self.low - MARGIN * (self.high - self.low)
        return (X[..., index] - low[index]) / self._width[index]


def project(head: SplineHead, values: Tensor, X: Tensor) -> Tensor:
    """Return the unknowns `[B, Q]` of a spline head nearest to values `[B, N]` at `X[B, N, a]`."""
    features = head.features(X)
    normal = features.mT @ features
    # A whisper of roughness decides what the points leave open.
    whisper = [1e-6 * g.stiffness if g.rough else 1e-12 * g.stiffness for g in head.groups()]
    level = normal.diagonal(dim1=-2, dim2=-1).mean()
    normal = normal + torch.diag(torch.cat(whisper).to(X.device) * level)
    return torch.linalg.solve(normal, (features.mT @ values.unsqueeze(-1))).squeeze(-1)


def _modes(dimension: int, coefficients: int) -> tuple[Tensor, Tensor]:
    """Return roughness and eigenvectors of a constant, a curve or a surface."""
    if dimension == 0:
        return torch.zeros(1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
    modes = bsplines.modes if dimension == 1 else bsplines.surface_modes
    return modes(coefficients, DEGREE)


def _features(x: Tensor, where: tuple[int, ...], coefficients: int, along: int | None) -> Tensor:
    """Return one summand's features `[B, N, q]`, or their slope along one of its arguments."""
    vectors = _modes(len(where), coefficients)[1].to(x.device)
    if not where:
        return x.new_ones(*x.shape[:-1], 1)
    first, *rest = (
        bsplines.basis(x[..., position], coefficients, DEGREE, int(position == along))
        for position in where
    )
    for other in rest:
        first = (first.unsqueeze(-1) * other.unsqueeze(-2)).flatten(-2)
    return first @ vectors
