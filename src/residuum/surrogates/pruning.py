r"""Which arguments and latents does a hidden term not need?

Every argument whose influence is small is removed on trial, the weakest first; the fit goes on
from where it was, and the removal stands when the evidence does not fall (by more than three nats:
a simpler term is the likelier one before the data). Evidence rather than
held-out loss: it needs no data set aside (series here are short), costs one short refit a trial,
and charges exactly for what the removed argument let the fit do with the noise. Along a few
trajectories one argument can stand in for another, and a formula in two costs a distiller
nothing, so trials stop at two arguments: below that only an argument without influence goes.
Latents are then the rank of what remains: a term that reads its arguments through fewer linear
combinations than it has arguments is given only those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from residuum.surrogates.heads import HiddenHead, NetworkHead
from residuum.surrogates.joint import fit_jointly
from residuum.surrogates.normal_equations import Unknowns
from residuum.surrogates.physics import Passed
from residuum.surrogates.trained import Bench, Hyper, Start, Trained, along

SUSPECT = 0.5  # influence (share of the term's rms) below which an argument is put to trial
NEGLIGIBLE = 0.01  # the same where no more than two arguments are left
FLAT = 0.2  # share of the first singular value below which a direction is put to trial
FAINT = 1e-2  # share of the strongest latent below which an l1 latent is dead
SLACK = 3.0  # nats of evidence that an argument must be worth to stay
TRIAL_ROUNDS = 4


def prune(bench: Bench, trained: Trained) -> Trained:
    """Return the fit (a batch of one) without the arguments and latents it does not need.

    It is the same object where nothing was removed.
    """
    if bench.settings.bottleneck.sparsity == "l1":
        return _drop_faint_latents(bench, trained)
    return _reduce_rank(bench, _remove_arguments(bench, trained))


def influence(fit: Trained) -> dict[str, Tensor]:
    """Return the influence `[a]` of each term's arguments along the trajectories.

    It is the rms of the term's slope times the argument's spread, over the rms of the term.
    """
    passed, found = along(fit), {}
    for term in fit.heads:
        X, values, gradient = _calls(fit, passed, term)
        spread = X.std(1, correction=0)
        size = values.square().mean(1, keepdim=True).sqrt().clamp_min(1e-300)
        found[term] = (gradient.square().mean(1).sqrt() * spread / size)[0]
    return found


def _calls(fit: Trained, passed: Passed, term: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return arguments `[1, N, a]`, values and gradients of all calls of a term, in its scale."""
    head, theta = fit.heads[term], fit.unknowns.shared[:, fit.physics.places[term]]
    names = [call.placeholder for call in fit.physics.problem.calls if call.term == term]
    X = torch.cat([passed.arguments[name].flatten(1, 2) for name in names], 1)
    values, tape = head.forward(theta, X)
    return X, values, head.linearise(tape)[0]


def _remove_arguments(bench: Bench, fit: Trained) -> Trained:
    """Remove what has no influence all at once, then suspects one by one."""
    idle = [(term, a) for _, term, a in _suspects(fit, set()) if _faint(fit, term, a)]
    trial = _trial(bench, fit, idle) if idle else None
    fit = trial if trial is not None else fit
    kept: set[tuple[str, int]] = set()
    while suspects := _suspects(fit, kept):
        _, term, argument = min(suspects)
        trial = _trial(bench, fit, [(term, argument)])
        kept.add((term, argument))
        fit = trial if trial is not None else fit
    return fit


def _suspects(fit: Trained, kept: set[tuple[str, int]]) -> list[tuple[float, str, int]]:
    """Return `(influence, term, argument)` of the arguments to be put to trial."""
    return [
        (float(strength[a]), term, a)
        for term, strength in influence(fit).items()
        for a in fit.heads[term].alive
        if float(strength[a]) < _threshold(fit.heads[term]) and (term, a) not in kept
    ]


def _trial(bench: Bench, fit: Trained, removed: list[tuple[str, int]]) -> Trained | None:
    """Return the fit without some arguments, or None where the evidence asks for them."""
    heads, parts = dict(fit.heads), {}
    for term, place in fit.physics.places.items():
        parts[term] = fit.unknowns.shared[:, place]
    passed = along(fit)
    for term, argument in removed:
        X, _, _ = _calls(fit, passed, term)
        heads[term], parts[term] = heads[term].without(argument, parts[term], X)
    trial = _refit(bench, fit, heads, parts)
    allowed = SLACK * len(removed)
    return trial if bool(trial.evidence[0] >= fit.evidence[0] - allowed) else None


def _faint(fit: Trained, term: str, argument: int) -> bool:
    return float(influence(fit)[term][argument]) < NEGLIGIBLE


def _threshold(head: HiddenHead) -> float:
    """Return the influence below which an argument is put to trial; one argument always stays."""
    return {1: 0.0, 2: NEGLIGIBLE}.get(len(head.alive), SUSPECT)


def _reduce_rank(bench: Bench, fit: Trained) -> Trained:
    for term, head in fit.heads.items():
        if not isinstance(head, NetworkHead) or head.bottleneck.latents is not None:
            continue
        if len(head.alive) <= 2:
            continue
        theta = fit.unknowns.shared[:, fit.physics.places[term]]
        s = head.bottleneck.singular_values(theta)[0]
        rank = int((s > FLAT * s[0]).sum())
        if rank < len(head.alive):
            narrow, weights = head.bottleneck.factored(rank, theta)
            trial = _replace(bench, fit, term, replace(head, bottleneck=narrow), weights)
            fit = trial if bool(trial.evidence[0] >= fit.evidence[0] - SLACK) else fit
    return fit


def _drop_faint_latents(bench: Bench, fit: Trained) -> Trained:
    for term in fit.heads:
        while True:
            head = fit.heads[term]
            if not isinstance(head, NetworkHead) or (head.bottleneck.latents or 1) < 2:
                break
            theta = fit.unknowns.shared[:, fit.physics.places[term]]
            norms = head.bottleneck.latent_norms(theta)[0]
            if float(norms.min() / norms.max()) > FAINT:
                break
            narrow, weights = head.bottleneck.without_latent(int(norms.argmin()), theta)
            fit = _replace(bench, fit, term, replace(head, bottleneck=narrow), weights)
    return fit


def _replace(bench: Bench, fit: Trained, term: str, head: HiddenHead, theta: Tensor) -> Trained:
    """Return the joint fit that goes on with another head for one term."""
    parts = {name: fit.unknowns.shared[:, place] for name, place in fit.physics.places.items()}
    return _refit(bench, fit, {**fit.heads, term: head}, {**parts, term: theta})


def _refit(
    bench: Bench, fit: Trained, heads: Mapping[str, HiddenHead], parts: Mapping[str, Tensor]
) -> Trained:
    """Return the joint fit that goes on with other heads and their unknowns `[1, q]`."""
    parameters = fit.unknowns.shared[:, fit.physics.heads_size :]
    shared = torch.cat([*(parts[name] for name in fit.physics.places), parameters], 1)
    start = Start(
        fit.head,
        heads,
        Unknowns(fit.unknowns.state, shared),
        Hyper(fit.hyper.state, _carry_priors(fit, heads), fit.hyper.sigma),
    )
    return fit_jointly(bench, start, rounds=TRIAL_ROUNDS, weight=fit.weight)


def _carry_priors(fit: Trained, heads: Mapping[str, HiddenHead]) -> Tensor:
    """Return the priors' strengths: those of groups that stay, and first values of new ones."""
    strengths, kappa = {}, fit.hyper.shared
    names = [(t, g.name) for t in fit.physics.places for g in fit.heads[t].groups()]
    for position, name in enumerate(names):
        strengths[name] = kappa[:, position]
    fresh = [
        strengths.get((t, g.name), torch.full_like(kappa[:, 0], g.initial))
        for t in fit.physics.places
        for g in heads[t].groups()
    ]
    return torch.cat([torch.stack(fresh, 1), kappa[:, len(names) :]], 1)
