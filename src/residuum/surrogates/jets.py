r"""What are the derivatives of a tanh network, and how do they depend on its weights?

A jet holds the Taylor coefficients :math:`z_k = z^{(k)}/k!` of a function along chosen
directions of its inputs. A layer maps jets to jets: linear maps act on every coefficient, and
:math:`h = \tanh z` obeys :math:`h' = (1 - h^2) z'`, so with :math:`s = 1 - h^2`

.. math:: k\,h_k = \sum_{j=1}^{k} j\,z_j\,s_{k-j}, \qquad s_k = -\sum_{j=0}^{k} h_j h_{k-j}.

A small change obeys :math:`\delta h = s * \delta z` (truncated product), so the adjoint of the
whole nonlinearity is one correlation with `s`. No automatic differentiation is used.

Source: A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, chapter 13.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Layer:
    """Where one layer's weights `[inputs, outputs]` and biases `[outputs]` stand in the vector."""

    start: int
    inputs: int
    outputs: int
    linear: bool

    @property
    def biases(self) -> int:
        """Index of the first bias."""
        return self.start + self.inputs * self.outputs

    @property
    def stop(self) -> int:
        """Index after the last bias."""
        return self.biases + self.outputs


@dataclass(frozen=True, slots=True)
class Tape:
    """A forward pass: `output[B, E, C, n, out]`, each layer's input jets, weights and slopes."""

    output: Tensor
    inputs: tuple[Tensor, ...]
    weights: tuple[Tensor, ...]
    slopes: tuple[Tensor | None, ...]
    order: int


@dataclass(frozen=True)
class Network:
    """A fully connected network, tanh between layers; `linear` names layers without the tanh.

    `widths` runs from inputs to outputs. Weights live in vectors `theta[B, E, size]`: a batch of
    restarts `B` by a batch of experiments `E`. Jets are `[B, E, C, n, width]` with
    `C = 1 + D*order` coefficients: the value, then order 1 of every direction, and so on.
    """

    widths: tuple[int, ...]
    linear: frozenset[int] = frozenset()

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, input side first."""
        layers, start = [], 0
        for index, (inputs, outputs) in enumerate(
            zip(self.widths[:-1], self.widths[1:], strict=True)
        ):
            last = index == len(self.widths) - 2
            layers.append(Layer(start, inputs, outputs, last or index in self.linear))
            start = layers[-1].stop
        return tuple(layers)

    @property
    def size(self) -> int:
        """Number of weights and biases."""
        return self.layers[-1].stop

    def initial(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Return random weights `[*shape, size]` (Glorot); first biases spread over the domain."""
        theta = torch.zeros(*shape, self.size, dtype=torch.float64)
        for layer in self.layers:
            gain = math.sqrt(2 / (layer.inputs + layer.outputs))
            size = (*shape, layer.inputs * layer.outputs)
            normal = torch.randn(size, generator=generator, dtype=torch.float64)
            theta[..., layer.start : layer.biases] = gain * normal
        first = self.layers[0]
        uniform = torch.rand((*shape, first.outputs), generator=generator, dtype=torch.float64)
        theta[..., first.biases : first.stop] = 2 * uniform - 1
        return theta

    def forward(self, theta: Tensor, jets: Tensor, order: int = 0) -> Tape:
        """Propagate input jets `[B, E, C, n, inputs]` through the network."""
        inputs, weights, slopes = [], [], []
        for layer in self.layers:
            W = theta[..., layer.start : layer.biases].unflatten(-1, (layer.inputs, layer.outputs))
            inputs.append(jets)
            weights.append(W)
            z = _matmul(jets, W)
            z[:, :, 0] += theta[..., None, layer.biases : layer.stop]
            jets, slope = (z, None) if layer.linear else tanh_jet(z, order)
            slopes.append(slope)
        return Tape(jets, tuple(inputs), tuple(weights), tuple(slopes), order)

    def jacobian(self, tape: Tape, cotangent: Tensor, out: Tensor | None = None) -> Tensor:
        r"""Return the gradient of each sample's functional with respect to the weights.

        `cotangent[B, E, R, C, n, outputs]` defines `R` functionals
        :math:`\sum_c \langle g_c, y_c\rangle` a sample; the result is `[B, E, R, n, size]`,
        written into `out` where given.
        """
        return self.linearise(tape, cotangent, out, to_inputs=False)[0]

    def linearise(
        self, tape: Tape, cotangent: Tensor, out: Tensor | None = None, *, to_inputs: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Return the Jacobian with respect to the weights and the cotangent of the input jets."""
        B, E, R, _, n, _ = cotangent.shape
        if out is None:
            out = cotangent.new_empty(B, E, R, n, self.size)
        g = cotangent
        for layer, g, h in self._backward(tape, cotangent):
            _outer(h, g, out[..., layer.start : layer.biases])
            out[..., layer.biases : layer.stop] = g[:, :, :, 0]
        if to_inputs:
            g = _matmul_transposed(g, tape.weights[0])
        return out, g

    def gradient(self, tape: Tape, cotangent: Tensor) -> Tensor:
        """Return the gradient of the summed functionals, `[B, E, R, size]`."""
        parts: list[Tensor] = []
        for _, g, h in self._backward(tape, cotangent):
            weight = torch.einsum("becni,bercno->berio", h, g).flatten(-2)
            parts[:0] = [weight, g[:, :, :, 0].sum(-2)]
        return torch.cat(parts, -1)

    def input_gradient(self, tape: Tape, cotangent: Tensor) -> Tensor:
        """Return the cotangent of the input jets, `[B, E, R, C, n, inputs]`."""
        *_, (_, g, _) = self._backward(tape, cotangent)
        return _matmul_transposed(g, tape.weights[0])

    def _backward(self, tape: Tape, g: Tensor) -> Iterator[tuple[Layer, Tensor, Tensor]]:
        """Yield each layer with the cotangent of its output and its input jets, last first."""
        for index in reversed(range(len(self.layers))):
            slope = tape.slopes[index]
            if slope is not None:
                g = correlate(slope, g, tape.order)
            yield self.layers[index], g, tape.inputs[index]
            if index:
                g = _matmul_transposed(g, tape.weights[index])


def input_jets(x: Tensor, directions: Tensor | None = None, order: int = 0) -> Tensor:
    """Return the jets `[..., C, n, inputs]` of points `x[..., n, inputs]` moved along directions.

    `directions[..., D, inputs]` broadcasts over the points; without it only the value is kept.
    """
    if directions is None or order == 0:
        return x.unsqueeze(-3)
    first = directions.unsqueeze(-2).expand(*x.shape[:-2], -1, x.shape[-2], -1)
    higher = torch.zeros_like(first).repeat_interleave(order - 1, dim=-3)
    return torch.cat([x.unsqueeze(-3), first, higher], -3)


def tanh_jet(z: Tensor, order: int) -> tuple[Tensor, Tensor]:
    """Return the jets of `h = tanh(z)` and `s = 1 - h^2`; coefficients on the third last axis."""
    if order == 0:
        value = torch.tanh(z)
        return value, 1 - value * value
    z_0, *z_k = _coefficients(z, order)
    h = [torch.tanh(z_0)]
    s = [1 - h[0] * h[0]]
    for k in range(1, order + 1):
        h_k = z_k[k - 1] * s[0]
        for j in range(1, k):
            h_k = torch.addcmul(h_k, z_k[j - 1], s[k - j], value=j / k)
        s_k = -2 * h[0] * h_k
        for j in range(1, k):
            s_k = torch.addcmul(s_k, h[j], h[k - j], value=-1)
        h.append(h_k)
        s.append(s_k)
    return torch.cat(h, -3), torch.cat(s, -3)


def correlate(s: Tensor, g: Tensor, order: int) -> Tensor:
    """Return the adjoint of the truncated product with `s[B, E, C, n, w]`, `[B, E, R, C, n, w]`."""
    if order == 0:
        return s.unsqueeze(2) * g
    s_k, g_k = _coefficients(s.unsqueeze(2), order), _coefficients(g, order)
    parts = [s_k[0] * g_k[0]]
    for k in range(1, order + 1):
        parts[0] = parts[0] + (s_k[k] * g_k[k]).sum(-3, keepdim=True)
    for j in range(1, order + 1):
        total = s_k[0] * g_k[j]
        for k in range(j + 1, order + 1):
            total = torch.addcmul(total, s_k[k - j], g_k[k])
        parts.append(total)
    return torch.cat(parts, -3)


def _coefficients(jets: Tensor, order: int) -> list[Tensor]:
    """Split jets into the value `[..., 1, n, w]` and each order's `[..., D, n, w]`."""
    D = (jets.shape[-3] - 1) // order
    return list(jets.split([1] + [D] * order, dim=-3))


def _matmul(jets: Tensor, W: Tensor) -> Tensor:
    """Return `jets[B, E, C, n, i] @ W[B, E, i, o]` as one batched product."""
    C, n = jets.shape[-3:-1]
    return (jets.flatten(-3, -2) @ W).unflatten(-2, (C, n))


def _matmul_transposed(g: Tensor, W: Tensor) -> Tensor:
    """Return `g[B, E, R, C, n, o] @ W[B, E, i, o]^T`."""
    return (g.flatten(2, 4) @ W.mT).unflatten(2, g.shape[2:5])


def _outer(h: Tensor, g: Tensor, out: Tensor) -> None:
    """Write the sum over coefficients of the outer products of `h` and `g` into `out[..., i*o]`."""
    view = out.unflatten(-1, (h.shape[-1], g.shape[-1]))
    for c in range(h.shape[2]):
        left, right = h[:, :, None, c, :, :, None], g[:, :, :, c, :, None, :]
        if c == 0:
            torch.mul(left, right, out=view)
        else:
            view.addcmul_(left, right)
