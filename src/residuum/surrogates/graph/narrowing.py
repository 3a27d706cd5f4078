"""How many latents does an unknown update read, and which vector do they stand for?

By `prune` the least read direction is removed while the evidence allows, in latents in which
messages are white: a linear update of messages in the plane keeps two, however many it began with.
By `l1` what has faded under its prior, begun in such latents, is removed, by `kl` what carries next
to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from residuum.surrogates.graph.divergence import call_of, chained, divergences
from residuum.surrogates.graph.frames import Frames
from residuum.surrogates.graph.heads import FreeHead, MessageHead
from residuum.surrogates.graph.latent import TopHead, principal, rotated_message
from residuum.surrogates.graph.training import GraphTrained
from residuum.surrogates.graph.values import GraphSystem

UNREAD = 1e-8  # share of the answer below which a direction is removed without a trial
FAINT = 1e-2  # of the strongest reading, or of the most nats, below which a latent has faded
SLACK = 3.0  # nats of evidence that a latent must be worth to stay

Heads = dict[str, MessageHead]
Retrain = Callable[[Heads, Tensor], GraphTrained]


@dataclass(frozen=True, slots=True)
class LatentMap:
    """The vector `matrix[d, K]` times latents to which an update answers, and what it is like.

    `aligned` is the share of its square that is along the line between the bodies.
    """

    matrix: Tensor
    aligned: float


def narrowed(fit: GraphTrained, frames: Frames, sparsity: str, retrain: Retrain) -> GraphTrained:
    """Return the fit (a batch of one) with as many latents as it needs."""
    for update, message in chained(fit.system):
        if sparsity == "l1":
            # Among mixtures of latents the prior can hardly choose: it starts from the principal.
            _, map, back = _principal(fit, frames, update, message)
            start = replace_latents(fit, update, message, map, back)
            fit = retrain(dict(start.heads), start.theta)
            fit = _without_faint(fit, update, message, _read(fit, frames, update, message))
        elif sparsity == "kl":
            nats = divergences(fit.system, frames, fit.theta, fit.errors)[update][0]
            fit = _without_faint(fit, update, message, nats)
        elif sparsity == "prune":
            fit = _pruned(fit, frames, update, message, retrain)
    return fit


def _without_faint(fit: GraphTrained, update: str, message: str, strength: Tensor) -> GraphTrained:
    kept = (strength > FAINT * strength.max()).nonzero().flatten()
    choice = torch.eye(len(strength), dtype=strength.dtype, device=strength.device)[:, kept]
    return replace_latents(fit, update, message, choice, choice.mT)


def _read(fit: GraphTrained, frames: Frames, update: str, message: str) -> Tensor:
    """Return how much of each latent `[K]` is read: its rms times the weights on it."""
    head = fit.heads[update]
    assert isinstance(head, TopHead)  # noqa: S101 (asked by `chained`)
    z = fit.system.values(frames, fit.theta).pairs.call(call_of(fit.system, message)).value[0]
    return head.strengths(fit.part(update))[0] * z.square().mean(0).sqrt()


def _pruned(
    fit: GraphTrained, frames: Frames, update: str, message: str, retrain: Retrain
) -> GraphTrained:
    shares, map, back = _principal(fit, frames, update, message)
    count = max(1, int((shares > UNREAD).sum()))
    fit = replace_latents(fit, update, message, map[:, :count], back[:count])
    while count > 1:
        _, map, back = _principal(fit, frames, update, message)
        count -= 1
        less = replace_latents(fit, update, message, map[:, :count], back[:count])
        trial = retrain(dict(less.heads), less.theta)
        if not bool(trial.evidence[0] >= fit.evidence[0] - SLACK):
            break
        fit = trial
    return fit


def _principal(
    fit: GraphTrained, frames: Frames, update: str, message: str
) -> tuple[Tensor, Tensor, Tensor]:
    values = fit.system.values(frames, fit.theta)
    head, call = fit.heads[update], call_of(fit.system, update)
    called = values.call(call)
    _, _, turn = head.linearise(fit.part(update), called.tape)
    answer = (turn / called.tape.length.unsqueeze(-1))[0]
    return principal(values.pairs.call(call_of(fit.system, message)).vector[0], answer)


def replace_latents(
    fit: GraphTrained, update: str, message: str, map: Tensor, back: Tensor
) -> GraphTrained:
    """Return the fit with other latents: present ones times `map[K, K']`, undone by `back`.

    Its evidence and posterior are those of the fit before.
    """
    heads, parts = dict(fit.heads), {name: fit.part(name) for name in fit.system.places}
    top, sender = heads[update], heads[message]
    assert isinstance(top, TopHead)  # noqa: S101 (asked by `chained`)
    assert isinstance(sender, FreeHead)  # noqa: S101 (the message of a top)
    heads[update], parts[update] = top.rotated(parts[update], back)
    heads[message], parts[message] = rotated_message(sender, parts[message], map)
    system = replace(fit.system, heads=heads)
    return replace(fit, system=system, theta=torch.cat(list(parts.values()), 1))


def latent_maps(system: GraphSystem, frames: Frames, theta: Tensor) -> dict[str, LatentMap]:
    """Return the map of each message that is latent, and of its update, by the terms' names.

    The vector is the linear one that is closest to the update's answer to a sum.
    """
    found = {}
    for update, message in chained(system):
        values = system.values(frames, theta)
        called = values.call(call_of(system, update))
        S = (called.u * called.X[..., called.head.length, None])[0]  # type: ignore[attr-defined]
        matrix = torch.linalg.lstsq(S, called.vector[0]).solution.mT
        sent = values.pairs.call(call_of(system, message))
        vectors = sent.vector[0] @ matrix.mT
        along = (vectors * sent.u[0]).sum(-1)
        aligned = float(along.square().sum() / vectors.square().sum().clamp_min(1e-300))
        found[update] = found[message] = LatentMap(matrix, aligned)
    return found
