r"""What if a message has no direction of its own, only latents that an unknown update reads?

.. math:: a_i = P(s_i)\,\mathrm{top}(S_i, s_i), \qquad S_i = \sum_j z(x_j - x_i, s_i, s_j)

Messages `z` of `K` latents in general form (Cranmer et al. 2020, arXiv:2006.11287), read by a
linear or small network. Any invertible matrix between the two changes nothing, so latents are
counted where messages are white and the update's answer to them is diagonal: what is not read is
removed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from residuum.surrogates.bottleneck import STRONGEST
from residuum.surrogates.evidence import Group, plain_group
from residuum.surrogates.graph.heads import FreeHead, MessageHead
from residuum.surrogates.graph.trunk import Passed, Trunk

LEAST = 1e-10  # share of the largest variance below which messages have none in a direction


@dataclass(frozen=True, slots=True)
class Read:
    """A forward pass of a top: the trunk's, the direction and the length of the sum."""

    passed: Passed
    u: Tensor
    length: Tensor


@dataclass(frozen=True)
class TopHead(MessageHead):
    """A vector function of a sum of latents and of scalars.

    The measure `length` is the sum's, which times the direction is the sum. `penalty` is the weight
    of an l1 prior on what reads each latent.
    """

    trunk: Trunk
    length: int
    penalty: float | None = None
    mutual: bool = False

    @property
    def latents(self) -> int:
        """Number of latents."""
        return self.trunk.extra

    @property
    def alive(self) -> tuple[int, ...]:
        return tuple(sorted((self.length, *self.trunk.features.alive)))

    @property
    def central(self) -> bool:
        return False

    def partner(self, argument: int) -> int:
        return argument

    def groups(self) -> list[Group]:
        """Return the priors; each latent's reading has its own."""
        law, *rows = self.trunk.groups()
        layer, first = self.trunk.network.layers[0], self.trunk.features.count
        if rows[0].name == "layer 0":
            # So few inputs share one prior elsewhere; latents fade one by one.
            each = [plain_group(f"argument {k}", layer.outputs) for k in range(layer.inputs)]
            rows[:1] = [*each, plain_group("biases before argument", layer.outputs)]
        rows[first : first + self.latents] = [
            plain_group(f"latent {k}", layer.outputs, upper=STRONGEST, l1=self.penalty)
            for k in range(self.latents)
        ]
        return [law, *rows]

    def initial(self, batch: int, generator: torch.Generator) -> Tensor:
        """Return starts without a power law."""
        theta = self.trunk.initial(batch, generator)
        theta[:, : self.trunk.start] = 0.0
        return theta

    def forward(self, theta: Tensor, X: Tensor, u: Tensor) -> tuple[Tensor, Read]:
        length = X[..., self.length, None]
        passed = self.trunk.forward(theta, X, length * u)
        return passed.value, Read(passed, u, length)

    def linearise(self, theta: Tensor, tape: Read) -> tuple[Tensor, Tensor, Tensor]:
        J, gradient, to_sum = self.trunk.linearise(theta, tape.passed)
        gradient[..., self.length] = (to_sum * tape.u.unsqueeze(-2)).sum(-1)
        return J, gradient, to_sum * tape.length.unsqueeze(-1)

    def without(self, argument: int, theta: Tensor) -> tuple[MessageHead, Tensor]:
        trunk, weights = self.trunk.without(argument, theta)
        return replace(self, trunk=trunk), weights

    def strengths(self, theta: Tensor) -> Tensor:
        """Return how strongly each latent is read, `[B, K]`."""
        return self._rows(theta).norm(dim=-1)

    def rotated(self, theta: Tensor, back: Tensor) -> tuple[TopHead, Tensor]:
        """Return the head that reads other latents, of which `back[K', K]` makes the present."""
        start, first = self.trunk.start, self.trunk.network.layers[0]
        begin = start + self.trunk.features.count * first.outputs
        stop = start + first.biases
        rows = back @ self._rows(theta)
        parts = [theta[:, :begin], rows.flatten(1), theta[:, stop:]]
        return replace(self, trunk=replace(self.trunk, extra=len(back))), torch.cat(parts, 1)

    def _rows(self, theta: Tensor) -> Tensor:
        first = self.trunk.network.layers[0]
        W = theta[:, self.trunk.start :][:, : first.biases]
        return W.unflatten(1, (first.inputs, first.outputs))[:, self.trunk.features.count :]


def rotated_message(head: FreeHead, theta: Tensor, map: Tensor) -> tuple[FreeHead, Tensor]:
    """Return the message whose latents are the present ones times `map[K, K']`."""
    trunk = replace(head.trunk, outputs=map.shape[1])
    last = head.trunk.network.layers[-1]
    begin = head.trunk.start + last.start
    W = theta[:, begin : begin + last.inputs * last.outputs]
    W = W.unflatten(1, (last.inputs, last.outputs)) @ map
    biases = theta[:, begin + last.inputs * last.outputs :] @ map
    return replace(head, trunk=trunk), torch.cat([theta[:, :begin], W.flatten(1), biases], 1)


def principal(messages: Tensor, answer: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return shares `[K']`, `map[K, K']` and `back[K', K]` of the directions that are read.

    `messages[E, K]` are the latents of all pairs, `answer[R, d, K]` the update's slopes. In the new
    latents messages have covariance one, and shares of the answer fall.
    """
    values, vectors = torch.linalg.eigh(messages.mT @ messages / len(messages))
    some = values > LEAST * values[-1]
    size, U = values[some].sqrt(), vectors[:, some]
    G = torch.einsum("rdk,rdl->kl", answer, answer) / len(answer)
    half = U * size
    shares, V = torch.linalg.eigh(half.mT @ G @ half)
    V = V.flip(-1)
    shares = shares.flip(-1).clamp_min(0) / shares.clamp_min(0).sum().clamp_min(1e-300)
    return shares, (U / size) @ V, (half @ V).mT


def latents_of(head: MessageHead) -> int:
    """Return how many numbers a term sends, or reads."""
    if isinstance(head, TopHead):
        return head.latents
    return 1 if head.central else head.trunk.outputs
