r"""How many nats does each latent of a message carry?

A latent is a Gaussian channel, :math:`z \sim N(\mu, \sigma^2)`, and its divergence from a standard
normal is what it costs (Cranmer et al. 2020, arXiv:2006.11287):

.. math:: D = \tfrac12 (\mu^2 + \sigma^2 - \log \sigma^2 - 1)

Noise in a latent that is read with weights `w`, where accelerations are off by `s`, costs
:math:`\sigma^2 |w|^2 / 2 s^2`. The best noise is :math:`\sigma^2 = 1/(1 + |w|^2/s^2)`, so that none
has to be drawn: what remains is one residual :math:`\mu` a message, and
:math:`\tfrac12 \log(1 + |w|^2/s^2)` a message for reading it, whose tangent is a prior on `w`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from residuum.surrogates.graph.errors import Errors
from residuum.surrogates.graph.frames import Frames
from residuum.surrogates.graph.jacobian import pair_jacobian
from residuum.surrogates.graph.latent import TopHead
from residuum.surrogates.graph.values import BodyValues, GraphSystem


def chained(system: GraphSystem) -> list[tuple[str, str]]:
    """Return the updates that read latents, each with its message."""
    heads, nested = system.heads, system.problem.nested
    return [(n, nested[n][0]) for n, head in heads.items() if isinstance(head, TopHead)]


def call_of(system: GraphSystem, term: str) -> str:
    """Return the placeholder of a term's only call."""
    return next(call.placeholder for call in system.problem.calls if call.term == term)


def latents_sent(values: BodyValues) -> Iterator[Tensor]:
    """Yield the latents `[B, E, K]` of each message that is latent."""
    for _, message in chained(values.system):
        yield values.pairs.call(call_of(values.system, message)).value


def latent_slopes(values: BodyValues) -> Iterator[Tensor]:
    """Yield their derivatives `[B, E, K, Q]` by all unknowns."""
    for _, message in chained(values.system):
        yield pair_jacobian(values, call_of(values.system, message))


def gains(
    system: GraphSystem, frames: Frames, theta: Tensor, errors: Mapping[str, Errors]
) -> dict[str, Tensor]:
    r"""Return :math:`|w|^2/s^2` of each latent `[B, K]` of each update that reads some."""
    values, found = system.values(frames, theta), {}
    precision = sum(
        1 / row.variance(frames.size(state))[..., 0] for state, row in errors.items()
    ) / len(errors)
    for update, _ in chained(system):
        head, called = system.heads[update], values.call(call_of(system, update))
        assert isinstance(head, TopHead)  # noqa: S101 (asked by `chained`)
        size = (called.tape.passed.prefactor.square() * precision).mean(1, keepdim=True)
        found[update] = size * head.strengths(theta[:, system.places[update]]).square()
    return found


def divergences(
    system: GraphSystem, frames: Frames, theta: Tensor, errors: Mapping[str, Errors]
) -> dict[str, Tensor]:
    """Return the divergence in nats `[B, K]` of each latent, the mean of all messages."""
    found = gains(system, frames, theta, errors)
    squares = [z.square().mean(1) for z in latents_sent(system.values(frames, theta))]
    return {
        update: 0.5 * (square + 1 / (1 + gain) + torch.log1p(gain) - 1)
        for (update, gain), square in zip(found.items(), squares, strict=True)
    }
