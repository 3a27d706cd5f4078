"""Where do the states start? At the smoothing splines, or at a network fitted to the data alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from residuum.surrogates.collocation import Collocation
from residuum.surrogates.evidence import Groups
from residuum.surrogates.levenberg import minimise
from residuum.surrogates.normal_equations import Unknowns, factorise
from residuum.surrogates.states import NetworkStates, StateHead
from residuum.surrogates.trained import Bench

ROUNDS, ITERATIONS = 3, 15
FIRST_NOISE = 0.02  # least noise at the start, as a share of a variable's spread


@dataclass(frozen=True, slots=True)
class WarmStates:
    """States fitted to the data: `theta[B, E, P]`, priors' strengths `kappa[B, G]`, noise."""

    head: StateHead
    theta: Tensor
    kappa: Tensor
    sigma: Tensor


def warm_splines(bench: Bench, generator: torch.Generator) -> WarmStates:
    """Return the smoothing splines."""
    r = bench.reference
    # Splines can go through every sample; started there, the fit would call the noise zero.
    return WarmStates(r.head, r.theta, r.kappa, bench.noise.at_least(r.sigma, FIRST_NOISE))


def warm_networks(bench: Bench, generator: torch.Generator) -> WarmStates:
    """Return networks fitted to the data from random weights, with evidence updates."""
    settings, reference = bench.settings, bench.reference
    head = NetworkStates(reference.head.frame, (settings.width, settings.width))
    sigma = reference.sigma[:1].expand(settings.ensemble, -1)
    theta = head.initial(settings.ensemble, generator).to(sigma.device)
    groups = Groups.of(head.groups()).to(sigma.device)
    kappa = groups.initial.expand(settings.ensemble, -1)
    model = Collocation(head, bench.samples, None, sigma)
    nothing = theta.new_zeros(len(theta), 0)
    damping = 1e-3
    for _ in range(ROUNDS):
        precision = Unknowns(groups.precision(kappa), nothing)
        fit = minimise(
            model,
            Unknowns(theta, nothing),
            precision,
            iterations=ITERATIONS,
            damping=damping,
            tolerance=0.1,
        )
        theta, damping = fit.unknowns.state, 1e-6
        factor = factorise(fit.normal, precision)
        posterior = factor.inverse_diagonal().state
        prior = (1 / precision.state)[:, None].expand_as(posterior)
        kappa = groups.update(kappa, theta, prior, posterior)
        r, tape = model.residuals(theta, nothing)
        J, r = model.data_rows(model.jacobian(tape)), model.data_residuals(r)
        determined = factor.leverage(J).unflatten(-1, (len(bench.samples.columns), -1))
        squares = r.square().sum((1, 3)) * sigma.square()
        model.sigma = sigma = bench.noise.estimate(squares, determined.sum((1, 3)))
    return WarmStates(head, theta, kappa, sigma)


WARM = {"network": warm_networks, "spline": warm_splines}
