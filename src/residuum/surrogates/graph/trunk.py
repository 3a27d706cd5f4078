r"""What function of its arguments is learned?

.. math:: f(a) = s \, \exp\Bigl(\sum_k \alpha_k \log x_k\Bigr) \, \mathrm{net}(z(a), u)

with a power law of what is positive (a length plus an offset, products of masses) as the
prefactor: forces that are singular at short distance, or grow with a power of a mass, leave the
network almost nothing to learn and go on in the right way beyond the data. The exponents
:math:`\alpha` and the offset are unknowns of the fit like the weights.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from residuum.surrogates.bottleneck import Bottleneck
from residuum.surrogates.evidence import Group, plain_group
from residuum.surrogates.graph.features import FIRST_OFFSET, Features, Seen
from residuum.surrogates.jets import Network, Tape

EXPONENT_PRECISION = 0.1  # a standard deviation of three
STEEPEST = 60.0  # logarithms of the prefactor are kept below, so that a bad step is not infinite


@dataclass(frozen=True, slots=True)
class Passed:
    """A forward pass: what was seen, the prefactor `[B, N]`, the network's tape, the values."""

    seen: Seen
    prefactor: Tensor
    tape: Tape
    value: Tensor


@dataclass(frozen=True)
class Trunk:
    """The function: features, tanh layers, outputs; `extra` inputs beside the features.

    Unknowns are exponents, the offset's logarithm (where there is a length), and the weights.
    """

    features: Features
    layers: tuple[int, ...]
    scale: float
    outputs: int = 1
    extra: int = 0

    @cached_property
    def bottleneck(self) -> Bottleneck:
        """The network's sizes and priors."""
        inputs = self.features.count + self.extra
        return Bottleneck(inputs, None, self.layers, outputs=self.outputs)

    @property
    def network(self) -> Network:
        """The network."""
        return self.bottleneck.network

    @property
    def powers(self) -> int:
        """Number of exponents."""
        return len(self.features.powers)

    @property
    def start(self) -> int:
        """Where the weights begin."""
        return self.powers + int(self.features.length)

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return self.start + self.network.size

    def groups(self) -> list[Group]:
        """Return the priors: fixed ones of exponents and offset, then the network's."""
        fixed = EXPONENT_PRECISION
        law = plain_group("power law", self.start, initial=fixed, lower=fixed, upper=fixed)
        inputs = range(self.features.count + self.extra)
        return [law, *(self._named(group) for group in self.bottleneck.groups(inputs))]

    def _named(self, group: Group) -> Group:
        """Return a group of one input's weights under the name of what the input is made of."""
        kind, _, number = group.name.partition(" ")
        if kind != "argument" or int(number) >= self.features.count:
            return group
        labels = [str(made_of) for made_of in self.features.names]
        label = labels[int(number)]
        return replace(group, name=f"{label} {labels[: int(number)].count(label)}")

    def initial(self, batch: int, generator: torch.Generator) -> Tensor:
        """Return starts `[batch, size]`: the first without a power law, others with any."""
        law = torch.zeros(batch, self.start, dtype=torch.float64)
        random = torch.randn(batch - 1, self.powers, generator=generator, dtype=torch.float64)
        law[1:, : self.powers] = random
        return torch.cat([law, self.network.initial((batch,), generator)], 1)

    def forward(self, theta: Tensor, X: Tensor, extra: Tensor | None = None) -> Passed:
        """Return values `[B, N, outputs]` and a tape of `X[B or 1, N, m]`, `extra[.., N, e]`."""
        seen = self.features.see(X, self._offset(theta))
        z = seen.z if extra is None else torch.cat([seen.z, extra.expand(len(theta), -1, -1)], -1)
        exponent = (seen.z[..., self._powered] @ self._exponents(theta).unsqueeze(-1)).squeeze(-1)
        prefactor = self.scale * exponent.clamp(-STEEPEST, STEEPEST).exp()
        tape = self.network.forward(theta[:, None, self.start :], z[:, None, None])
        return Passed(seen, prefactor, tape, prefactor.unsqueeze(-1) * tape.output[:, 0, 0])

    def linearise(self, theta: Tensor, passed: Passed) -> tuple[Tensor, Tensor, Tensor]:
        """Return the Jacobian `[B, N, outputs, size]` and the gradients by arguments and extras.

        The gradients are `[B, N, outputs, m]` and `[B, N, outputs, e]`.
        """
        B, N, K = passed.value.shape
        eye = torch.eye(K, dtype=theta.dtype, device=theta.device)
        cotangent = passed.prefactor[:, None, None, None, :, None] * eye[:, None, None, :]
        J = theta.new_empty(B, N, K, self.size)
        weights = J[..., self.start :].movedim(1, 2).unsqueeze(1)
        _, g = self.network.linearise(passed.tape, cotangent, weights)
        J[..., : self.powers] = passed.value.unsqueeze(-1) * self._logarithms(passed.seen)
        to_input = g[:, 0, :, 0].movedim(1, 2)
        to_z = to_input[..., : self.features.count].contiguous()
        to_z[..., self._powered] += (
            passed.value.unsqueeze(-1) * self._exponents(theta)[:, None, None]
        )
        gradients = [self.features.pull(passed.seen, to_z[:, :, k]) for k in range(K)]
        if self.features.length:
            slope = torch.stack([to_offset for _, to_offset in gradients], 2)
            J[..., self.powers] = slope * passed.seen.offset[:, None, None]
        gradient = torch.stack([to_arguments for to_arguments, _ in gradients], 2)
        return J, gradient, to_input[..., self.features.count :]

    def without(self, argument: int, theta: Tensor) -> tuple[Trunk, Tensor]:
        """Return the function that does not see an argument, and what is left of `theta`."""
        features, keep = self.features.without(argument)
        exponents = [p for p, f in enumerate(self.features.powers) if f in keep]
        extra = range(self.features.count, self.features.count + self.extra)
        first = self.network.layers[0]
        W = theta[:, self.start :][:, : first.biases].unflatten(1, (first.inputs, first.outputs))
        parts = [
            theta[:, : self.powers][:, exponents],
            theta[:, self.powers : self.start],
            W[:, [*keep, *extra]].flatten(1),
            theta[:, self.start + first.biases :],
        ]
        return replace(self, features=features), torch.cat(parts, 1)

    @property
    def _powered(self) -> list[int]:
        return list(self.features.powers)

    def _offset(self, theta: Tensor) -> Tensor:
        """Return what is added to the length, `[B]`."""
        if not self.features.length:
            return theta.new_zeros(len(theta))
        first = FIRST_OFFSET * self.features.unit[0]
        return first * theta[:, self.powers].clamp(-STEEPEST, STEEPEST).exp()

    def _exponents(self, theta: Tensor) -> Tensor:
        """Return the exponents in terms of standardised features, `[B, powers]`."""
        return theta[:, : self.powers] * self.features.scale[self._powered]

    def _logarithms(self, seen: Seen) -> Tensor:
        """Return the logarithms that exponents multiply, `[B, N, 1, powers]`."""
        index = self._powered
        return (seen.z[..., index] * self.features.scale[index]).unsqueeze(2)
