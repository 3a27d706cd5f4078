r"""How do data and physics come together?

For one choice of heads: states from the data alone, hidden heads and parameters at those
states, then everything jointly while the weight of the physics rises from 1e2 to its final
value. After every round the priors and the noise are set by the evidence, without which the
fit would go on to fit the noise.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch
from torch import Tensor

from residuum.surrogates.collocation import Collocation, FrozenStates
from residuum.surrogates.evidence import Groups, log_evidence
from residuum.surrogates.heads import HiddenHead
from residuum.surrogates.levenberg import minimise
from residuum.surrogates.noise import SMALLEST
from residuum.surrogates.normal_equations import Factor, Unknowns, assemble, factorise
from residuum.surrogates.physics import Physics
from residuum.surrogates.states import StateHead, exponentiate
from residuum.surrogates.trained import (
    PARAMETER_PRECISION,
    Bench,
    Hyper,
    Row,
    Start,
    Trained,
    physics_of,
    shared_bounds,
    shared_groups,
)

FIRST_WEIGHT = 1e2
ENOUGH = 0.2  # nats of evidence below which another round is not worth it
TOLERANCE = 0.02  # nats of cost below which an iteration is not
ROUGHLY = 0.2  # the same while the physics is still rising

LEAST_DAMPING, MOST_DAMPING = 1e-9, 1e-4  # at the start of a round
FADING, FADED = 0.1, 1e-4  # a spline's roughness prior: factor a round, and least share

LOUD = 0.01  # relative noise at which the physics has its declared weight
MOST_WEIGHT = 1e4  # most that quieter data raise it


def fit_hidden(
    bench: Bench,
    head: StateHead,
    heads: Mapping[str, HiddenHead],
    state: Tensor,
    theta: Tensor,
    *,
    parameter_precision: float = PARAMETER_PRECISION,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return shared unknowns `[B, Q]` fitted at given states, their priors' strengths, the cost.

    `theta[B, Q]` is the start, parameters included.
    """
    physics = physics_of(bench, heads)
    V, _ = head.forward(state, head.basis(bench.samples.tc))
    weight = (FIRST_WEIGHT * bench.samples.share).sqrt()[:, None, None]
    model = FrozenStates(physics, exponentiate(V, head.frame.log), weight)
    groups = shared_groups(physics, parameter_precision)
    kappa = groups.initial.expand(len(theta), -1)
    nothing = state.new_zeros(len(theta), state.shape[1], 0)
    fit = minimise(
        model,
        Unknowns(nothing, theta),
        Unknowns(nothing[:, 0], groups.precision(kappa)),
        iterations=15,
        damping=1e-3,
        tolerance=0.1,
        bounds=shared_bounds(bench, physics),
    )
    return fit.unknowns.shared, kappa, fit.cost


def fit_jointly(bench: Bench, start: Start, *, rounds: int, weight: float) -> Trained:
    """Return the joint fit from a start; the physics rises tenfold a round from `weight`.

    At most `rounds` rounds, fewer where the evidence has settled at the final weight.
    """
    physics = physics_of(bench, start.heads)
    rise = _Rise(bench, physics, start, fading=weight < bench.settings.physics_weight)
    final = max(bench.settings.physics_weight, weight)
    for _ in range(rounds):
        weight = min(weight, final)
        settled = rise.round(weight)
        if weight == final:
            final = max(final, rise.wanted_weight())
            if settled and weight == final:
                break
        weight *= 10
    return rise.trained()


class _Rise:
    """The rounds of one joint fit."""

    def __init__(self, bench: Bench, physics: Physics, start: Start, *, fading: bool) -> None:
        self.bench, self.physics, self.begin, self.fading = bench, physics, start, fading
        self.model = Collocation(start.head, bench.samples, physics, start.hyper.sigma)
        self.groups = Groups.of(start.head.groups()).to(physics.scales.device)
        self.shared = shared_groups(physics)
        self.bounds = shared_bounds(bench, physics)
        self.unknowns, self.next = start.unknowns, start.hyper
        self.evidence = torch.full_like(start.hyper.sigma[:, 0], -torch.inf)
        self.damping: float | Tensor = 1e-6
        self.clock = time.perf_counter()
        self.count = 0

    def round(self, weight: float) -> bool:
        """Fit at one weight, then update priors and noise; return whether they have settled."""
        hyper = self.next
        self.model.sigma, self.model.weight = hyper.sigma, weight
        precision = Unknowns(
            self.groups.precision(hyper.state), self.shared.precision(hyper.shared)
        )
        self.fit = minimise(
            self.model,
            self.unknowns,
            precision,
            iterations=self.bench.settings.iterations,
            damping=self.damping,
            tolerance=TOLERANCE if weight >= self.bench.settings.physics_weight else ROUGHLY,
            bounds=self.bounds,
        )
        self.damping = self.fit.damping.clamp(LEAST_DAMPING, MOST_DAMPING)
        self.unknowns, self.hyper = self.fit.unknowns, hyper
        before = self.evidence
        self._weigh(precision)
        self._record(weight)
        return bool(((self.evidence - before).abs() < ENOUGH).all())

    def wanted_weight(self) -> float:
        """Return the final weight of the physics: the quieter the data, the more it must weigh.

        Equations that may be off by more than the noise allow the fit to follow the noise.
        """
        best = int(torch.nan_to_num(self.evidence, nan=-torch.inf).argmax())
        spread = self.bench.noise.smallest / SMALLEST
        quiet = float((spread / self.next.sigma[best]).log().mean().exp()) * LOUD
        return self.bench.settings.physics_weight * min(max(quiet**2, 1.0), MOST_WEIGHT)

    def _weigh(self, precision: Unknowns) -> None:
        """Set the factor, the evidence and the next priors and noise from the last fit."""
        u, M = self.unknowns, len(self.bench.samples.columns)
        r, tape = self.model.residuals(u.state, u.shared)
        J = self.model.jacobian(tape)
        self.factor = factorise(self.fit.normal, precision)
        determined = self.factor.leverage(self.model.data_rows(J)).unflatten(-1, (M, -1))
        rest = assemble(self.model.drop_data(J), r, u.state.shape[-1])
        self.prior = factorise(rest, precision)
        # The prior's own optimum, one Newton step away, is what its quadratic is centred on.
        slope = u.times(precision).plus(rest.gradient)
        self.prior_shared = u.shared - self.prior.solve(slope).shared
        self.evidence = log_evidence(
            self.fit.cost, self.prior, self.factor, self.bench.samples.counts, self.hyper.sigma
        )
        squares = self.model.data_residuals(r).square().sum((1, 3)) * self.hyper.sigma.square()
        sigma = self.bench.noise.estimate(squares, determined.sum((1, 3)))
        self.next = self._update(self.prior, sigma, torch.isfinite(self.evidence))

    def _update(self, prior: Factor, sigma: Tensor, ok: Tensor) -> Hyper:
        """Return the next hyperparameters; elements that could not be factorised keep theirs."""
        hyper, u = self.hyper, self.unknowns
        before, after = prior.inverse_diagonal(), self.factor.inverse_diagonal()
        if self.begin.head.fades and not self.fading:
            state = hyper.state
        elif self.begin.head.fades:
            # Roughness stands in for the physics until the physics is there.
            state = torch.maximum(FADING * hyper.state, FADED * self.begin.hyper.state)
        else:
            state = self.groups.update(hyper.state, u.state, before.state, after.state)
        shared = self.shared.update(
            hyper.shared, u.shared[:, None], before.shared[:, None], after.shared[:, None]
        )
        keep = ok[:, None]
        return Hyper(
            torch.where(keep, state, hyper.state),
            torch.where(keep, shared, hyper.shared),
            torch.where(keep, sigma, hyper.sigma),
        )

    def _record(self, weight: float) -> None:
        self.count += 1
        best = int(torch.nan_to_num(self.evidence, nan=-torch.inf).argmax())
        row: Row = {
            "heads": self.trained().name,
            "round": self.count,
            "seconds": time.perf_counter() - self.clock,
            "weight": weight,
            "iterations": self.fit.iterations,
            "cost": float(self.fit.cost[best]),
            "evidence": float(self.evidence[best]),
        }
        for m, column in enumerate(self.bench.samples.columns):
            row[f"noise_{column.name}"] = float(self.hyper.sigma[best, m])
        self.bench.record(row)

    def trained(self) -> Trained:
        """Return the last round's fit."""
        return Trained(
            self.begin.head,
            self.begin.heads,
            self.physics,
            self.unknowns,
            self.hyper,
            self.factor,
            self.prior,
            self.prior_shared,
            self.evidence,
            self.fit.cost,
            self.model.weight,
        )
