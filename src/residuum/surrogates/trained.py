"""What do the fits of one surrogate share, and what is a fit?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from residuum.problem.problem import Problem
from residuum.surrogates.evidence import Group, Groups, plain_group
from residuum.surrogates.heads import HiddenHead
from residuum.surrogates.levenberg import Bounds
from residuum.surrogates.noise import NoiseModel
from residuum.surrogates.normal_equations import Factor, Unknowns
from residuum.surrogates.physics import Passed, Physics
from residuum.surrogates.reference import Reference
from residuum.surrogates.samples import Samples
from residuum.surrogates.scaling import PhysicsUnits, forcing
from residuum.surrogates.settings import PinnSettings
from residuum.surrogates.states import StateHead, exponentiate

PARAMETER_PRECISION = 1e-2  # a standard deviation of ten scaled units: hardly a prior at all

Row = dict[str, float | str]


@dataclass(frozen=True, slots=True)
class Bench:
    """What all combinations of heads share."""

    problem: Problem
    samples: Samples
    noise: NoiseModel
    reference: Reference
    units: PhysicsUnits
    settings: PinnSettings
    record: Callable[[Row], None]


@dataclass(frozen=True, slots=True)
class Hyper:
    """Priors' strengths `state[B, Gs]`, `shared[B, Gq]`, and the noise `sigma[B, M]`."""

    state: Tensor
    shared: Tensor
    sigma: Tensor


@dataclass(frozen=True, slots=True)
class Start:
    """Where a joint fit begins: states, heads and their unknowns, hyperparameters."""

    head: StateHead
    heads: Mapping[str, HiddenHead]
    unknowns: Unknowns
    hyper: Hyper


@dataclass(frozen=True, slots=True)
class Trained:
    """A joint fit: heads, unknowns, the factor at the optimum, and `evidence[B]`.

    `prior` is the factor without the data, `prior_shared[B, Q]` the shared unknowns' mean under it.
    """

    head: StateHead
    heads: Mapping[str, HiddenHead]
    physics: Physics
    unknowns: Unknowns
    hyper: Hyper
    factor: Factor
    prior: Factor
    prior_shared: Tensor
    evidence: Tensor
    cost: Tensor
    weight: float

    @property
    def alive(self) -> dict[str, tuple[int, ...]]:
        """Arguments alive of each hidden term."""
        return {term: head.alive for term, head in self.heads.items()}

    @property
    def hidden_kind(self) -> str | None:
        """The kind of the hidden heads; None without hidden terms."""
        return next((head.kind for head in self.heads.values()), None)

    @property
    def name(self) -> str:
        """Kinds of heads, such as `spline/network`."""
        return f"{self.head.kind}/{self.hidden_kind or 'none'}"

    def best(self) -> Trained:
        """Return the batch element with the highest evidence, as a batch of one."""
        index = int(torch.nan_to_num(self.evidence, nan=-torch.inf).argmax())
        return self.take(slice(index, index + 1))

    def take(self, s: slice) -> Trained:
        """Return some elements of the batch."""
        u, h = self.unknowns, self.hyper
        return replace(
            self,
            unknowns=Unknowns(u.state[s], u.shared[s]),
            hyper=Hyper(h.state[s], h.shared[s], h.sigma[s]),
            factor=self.factor.take(s),
            prior=self.prior.take(s),
            prior_shared=self.prior_shared[s],
            evidence=self.evidence[s],
            cost=self.cost[s],
        )

    @property
    def start(self) -> Start:
        """Return this fit as the beginning of another."""
        return Start(self.head, self.heads, self.unknowns, self.hyper)


def physics_of(bench: Bench, heads: Mapping[str, HiddenHead]) -> Physics:
    """Return the equations with these heads, in the bench's units."""
    units = bench.units
    log = bench.reference.head.frame.log
    return Physics(
        bench.problem,
        forcing(bench.samples),
        units.equations,
        log,
        heads,
        units.hidden,
        units.parameters,
    )


def shared_groups(physics: Physics, fixed: float = PARAMETER_PRECISION) -> Groups:
    """Return the priors of all heads and, of the precision `fixed`, of the parameters."""
    parts: list[Group] = []
    for term in physics.problem.hidden_terms:
        parts += physics.heads[term.name].groups()
    if physics.problem.estimated:
        count = len(physics.problem.estimated)
        parts.append(plain_group("parameters", count, initial=fixed, lower=fixed, upper=fixed))
    return Groups.of(parts).to(physics.scales.device)


def shared_bounds(bench: Bench, physics: Physics) -> Bounds:
    """Return the limits of all shared unknowns."""
    free = torch.full((physics.heads_size,), torch.inf, dtype=torch.float64)
    free = free.to(physics.scales.device)
    bounds = bench.units.bounds
    return Bounds(torch.cat([-free, bounds.lower]), torch.cat([free, bounds.upper]))


def along(fit: Trained) -> Passed:
    """Return the physics at the collocation points of a fit."""
    samples = fit.physics.forcing["t"]
    V, _ = fit.head.forward(fit.unknowns.state, fit.head.basis(samples))
    return fit.physics.forward(exponentiate(V, fit.head.frame.log), fit.unknowns.shared)
