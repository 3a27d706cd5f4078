r"""How do data and physics come together?

For one choice of heads: states from the data alone, hidden heads and parameters at those
states, then everything jointly while the weight of the physics rises from 1e2 to its final
value. After every round the priors and the noise are set by the evidence, without which the
fit would go on to fit the noise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from residuum.problem.problem import Problem
from residuum.surrogates.collocation import Collocation, FrozenStates
from residuum.surrogates.evidence import Group, Groups, plain_group
from residuum.surrogates.heads import HiddenHead
from residuum.surrogates.levenberg import Bounds, Factor, Fit, Unknowns, factorise, minimise
from residuum.surrogates.noise import NoiseModel
from residuum.surrogates.physics import Physics
from residuum.surrogates.reference import Reference
from residuum.surrogates.samples import Samples
from residuum.surrogates.scaling import PhysicsUnits, forcing
from residuum.surrogates.settings import PinnSettings
from residuum.surrogates.states import StateHead, exponentiate

FIRST_WEIGHT = 1e2
PARAMETER_PRECISION = 1e-2  # a standard deviation of ten scaled units: hardly a prior at all
ENOUGH = 0.05  # nats of evidence below which another round is not worth it
TOLERANCE = 1e-2  # nats of cost below which an iteration is not

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
    """A joint fit: heads, unknowns, the factor at the optimum, and `evidence[B]`."""

    head: StateHead
    heads: Mapping[str, HiddenHead]
    physics: Physics
    unknowns: Unknowns
    hyper: Hyper
    factor: Factor
    evidence: Tensor
    cost: Tensor

    @property
    def name(self) -> str:
        """Kinds of heads, such as `spline/network`."""
        kinds = sorted({head.kind for head in self.heads.values()}) or ["none"]
        return f"{self.head.kind}/{'+'.join(kinds)}"

    def best(self) -> Trained:
        """Return the batch element with the highest evidence, as a batch of one."""
        index = int(torch.nan_to_num(self.evidence, nan=-torch.inf).argmax())
        return self.take(slice(index, index + 1))

    def take(self, s: slice) -> Trained:
        """Return some elements of the batch."""
        u, h, f = self.unknowns, self.hyper, self.factor
        return replace(
            self,
            unknowns=Unknowns(u.state[s], u.shared[s]),
            hyper=Hyper(h.state[s], h.shared[s], h.sigma[s]),
            factor=Factor(f.L[s], f.X[s], f.S[s], f.ok[s]),
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


def shared_groups(physics: Physics) -> Groups:
    """Return the priors of all heads and of the parameters."""
    parts: list[Group] = []
    for term in physics.problem.hidden_terms:
        parts += physics.heads[term.name].groups()
    if physics.problem.estimated:
        fixed = PARAMETER_PRECISION
        count = len(physics.problem.estimated)
        parts.append(plain_group(count, initial=fixed, lower=fixed, upper=fixed))
    return Groups.of(parts).to(physics.scales.device)


def shared_bounds(bench: Bench, physics: Physics) -> Bounds:
    """Return the limits of all shared unknowns."""
    free = torch.full((physics.heads_size,), torch.inf, dtype=torch.float64)
    free = free.to(physics.scales.device)
    bounds = bench.units.bounds
    return Bounds(torch.cat([-free, bounds.lower]), torch.cat([free, bounds.upper]))


def fit_hidden(
    bench: Bench, head: StateHead, heads: Mapping[str, HiddenHead], state: Tensor, theta: Tensor
) -> tuple[Tensor, Tensor]:
    """Return shared unknowns `[B, Q]` fitted at given states, and their priors' strengths.

    `theta[B, Q]` is the start, parameters included.
    """
    physics = physics_of(bench, heads)
    V, _ = head.forward(state, head.basis(bench.samples.tc))
    weight = (FIRST_WEIGHT * bench.samples.share).sqrt()[:, None, None]
    model = FrozenStates(physics, exponentiate(V, head.frame.log), weight)
    groups = shared_groups(physics)
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
    return fit.unknowns.shared, kappa


def fit_jointly(bench: Bench, start: Start, *, rounds: int, weight: float) -> Trained:
    """Return the joint fit from a start, the physics' weight rising tenfold a round from `weight`."""
    physics = physics_of(bench, start.heads)
    rise = _Rise(bench, physics, start)
    final = bench.settings.physics_weight
    for _ in range(rounds):
        weight = min(weight, final)
        settled = rise.round(weight)
        if weight == final and settled:
            break
        weight *= 10
    return rise.trained()


class _Rise:
    """The rounds of one joint fit."""

    def __init__(self, bench: Bench, physics: Physics, start: Start) -> None:
        self.bench, self.physics, self.begin = bench, physics, start
        self.model = Collocation(start.head, bench.samples, physics, start.hyper.sigma)
        self.groups = Groups.of(start.head.groups()).to(physics.scales.device)
        self.shared = shared_groups(physics)
        self.bounds = shared_bounds(bench, physics)
        self.unknowns, self.next = start.unknowns, start.hyper
        self.evidence = torch.full_like(start.hyper.sigma[:, 0], -torch.inf)
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
            tolerance=TOLERANCE,
            bounds=self.bounds,
        )
        self.unknowns, self.hyper = self.fit.unknowns, hyper
        self.factor = factorise(self.fit.normal, precision)
        before, self.evidence = self.evidence, self._log_evidence(hyper)
        self.next = self._update(hyper)
        self._record(weight)
        return bool(((self.evidence - before).abs() < ENOUGH).all())

    def _log_evidence(self, hyper: Hyper) -> Tensor:
        experiments = self.unknowns.state.shape[1]
        value = -self.fit.cost - 0.5 * self.factor.log_determinant
        value = value + self.groups.log_prior(hyper.state, experiments)
        value = value + self.shared.log_prior(hyper.shared, 1)
        value = value - (self.bench.samples.counts * hyper.sigma.log()).sum(1)
        return torch.where(self.factor.ok, value, -torch.inf)

    def _update(self, hyper: Hyper) -> Hyper:
        variance = self.factor.inverse_diagonal()
        u = self.unknowns
        state = self.groups.update(hyper.state, u.state, variance.state)
        shared = self.shared.update(hyper.shared, u.shared[:, None], variance.shared[:, None])
        J, r = data_rows(self.model, u)
        M = len(self.bench.samples.columns)
        determined = self.factor.leverage(J).unflatten(-1, (M, -1)).sum((1, 3))
        squares = r.square().sum((1, 3)) * hyper.sigma.square()
        sigma = self.bench.noise.estimate(squares, determined)
        fresh = Hyper(state, shared, sigma)
        ok = self.factor.ok & torch.isfinite(sigma).all(1)
        return Hyper(
            *(
                torch.where(ok[:, None], new, old)
                for new, old in (
                    (fresh.state, hyper.state),
                    (fresh.shared, hyper.shared),
                    (fresh.sigma, hyper.sigma),
                )
            )
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
            self.evidence,
            self.fit.cost,
        )


def data_rows(model: Collocation, at: Unknowns) -> tuple[Tensor, Tensor]:
    """Return the data rows of the Jacobian, `[B, E, M*nd, P]`, and of the residuals."""
    r, tape = model.residuals(at.state, at.shared)
    return model.data_rows(model.jacobian(tape)), model.data_residuals(r)
