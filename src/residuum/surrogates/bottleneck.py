r"""How narrow is the passage between what a hidden term may depend on and its value?

.. math:: z = g(a), \qquad f = \mathrm{top}(z)

`g` maps arguments to a few latents (linear, or through tanh layers), `top` maps latents to
outputs (linear, or through tanh layers). Arguments and latents can be removed, and each has its
own prior, so that the evidence weighs it. The same module serves hidden terms (latents are
directions in argument space) and messages between bodies (latents are the messages).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from residuum.surrogates.evidence import Group, plain_group
from residuum.surrogates.jets import Layer, Network

# An argument's prior may become this strong: its weights are then below one in a million.
STRONGEST = 1e8
TIED = 2  # so few arguments share one prior; more need one each to fade one by one


@dataclass(frozen=True)
class Bottleneck:
    """The sizes: arguments, tanh layers of `g`, latents (None: `top` reads `g` directly), top.

    With a `penalty` the latents have an l1 prior (a group's norm is penalised, not its square).
    """

    arguments: int
    latents: int | None
    top: tuple[int, ...]
    encoder: tuple[int, ...] = ()
    outputs: int = 1
    penalty: float | None = None

    @cached_property
    def network(self) -> Network:
        """The whole as one network; the layer that makes the latents is linear."""
        middle = () if self.latents is None else (self.latents,)
        linear = frozenset() if self.latents is None else frozenset({len(self.encoder)})
        widths = (self.arguments, *self.encoder, *middle, *self.top, self.outputs)
        return Network(widths, linear)

    @property
    def size(self) -> int:
        """Number of weights."""
        return self.network.size

    def groups(self, arguments: Sequence[int]) -> list[Group]:
        """Return a prior for each argument's weights, each latent's, and the rest of each layer.

        `arguments` are the indices by which the arguments are named.
        """
        top = len(self.encoder) + 1
        groups: list[Group] = []
        for index, layer in enumerate(self.network.layers):
            if index == 0 and self.arguments > TIED:
                rows = [f"argument {a}" for a in arguments]
                groups += self._rows_and_biases(layer, rows, None)
            elif self.latents is not None and index == top:
                rows = [f"latent {k}" for k in range(layer.inputs)]
                groups += self._rows_and_biases(layer, rows, self.penalty)
            else:
                groups.append(plain_group(f"layer {index}", layer.stop - layer.start))
        return groups

    def _rows_and_biases(self, layer: Layer, rows: list[str], l1: float | None) -> list[Group]:
        own = [plain_group(row, layer.outputs, upper=STRONGEST, l1=l1) for row in rows]
        return [*own, plain_group(f"biases before {rows[0].split()[0]}", layer.outputs)]

    def latent_norms(self, theta: Tensor) -> Tensor:
        """Return how strongly each latent is read by the top, `[..., latents]`."""
        return self._rows(theta, len(self.encoder) + 1).norm(dim=-1)

    def without_argument(self, index: int, theta: Tensor) -> tuple[Bottleneck, Tensor]:
        """Return the module and weights `[..., size]` with one argument removed."""
        return replace(self, arguments=self.arguments - 1), _drop_input(
            theta, self.network.layers[0], index
        )

    def without_latent(self, index: int, theta: Tensor) -> tuple[Bottleneck, Tensor]:
        """Return the module and weights with one latent removed.

        Raises ValueError where there are fewer than two.
        """
        if self.latents is None or self.latents < 2:
            raise ValueError("expected at least two latents")
        position = len(self.encoder)
        before, after = self.network.layers[position : position + 2]
        theta = _drop_input(theta, after, index)
        return replace(self, latents=self.latents - 1), _drop_output(theta, before, index)

    def factored(self, rank: int, theta: Tensor) -> tuple[Bottleneck, Tensor]:
        """Return the module that reads the arguments through `rank` linear latents.

        The first weights `W` are replaced by the best product `A B` of that rank (singular
        values). Raises ValueError where there are latents already.
        """
        if self.latents is not None:
            raise ValueError("expected a module without latents")
        W = self._rows(theta, 0)
        U, s, V = torch.linalg.svd(W, full_matrices=False)
        root = s[..., None, :rank].sqrt()
        A, B = U[..., :, :rank] * root, V[..., :rank, :] * root.mT
        zero = theta.new_zeros(*theta.shape[:-1], rank)
        first = self.network.layers[0]
        fresh = [A.flatten(-2), zero, B.flatten(-2), theta[..., first.biases :]]
        return replace(self, latents=rank), torch.cat(fresh, -1)

    def singular_values(self, theta: Tensor) -> Tensor:
        """Return the singular values of the first weights, `[..., min(arguments, width)]`."""
        return torch.linalg.svdvals(self._rows(theta, 0))

    def _rows(self, theta: Tensor, index: int) -> Tensor:
        layer = self.network.layers[index]
        return theta[..., layer.start : layer.biases].unflatten(-1, (layer.inputs, layer.outputs))


def _drop_input(theta: Tensor, layer: Layer, index: int) -> Tensor:
    start = layer.start + index * layer.outputs
    return torch.cat([theta[..., :start], theta[..., start + layer.outputs :]], -1)


def _drop_output(theta: Tensor, layer: Layer, index: int) -> Tensor:
    keep = torch.ones(theta.shape[-1], dtype=torch.bool, device=theta.device)
    keep[layer.start + index : layer.biases : layer.outputs] = False
    keep[layer.biases + index] = False
    return theta[..., keep]
