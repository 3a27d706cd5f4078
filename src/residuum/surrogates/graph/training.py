r"""How are messages trained?

Rounds of Levenberg-Marquardt on all unknowns, heads, parameters and scalars of bodies together;
after each the priors and the size of the errors are set by the evidence. The Laplace posterior
comes from the last factorisation.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from residuum.surrogates.evidence import Group, Groups, plain_group
from residuum.surrogates.graph.bench import GraphBench, Row
from residuum.surrogates.graph.divergence import gains
from residuum.surrogates.graph.errors import Errors, first_errors, standard_error
from residuum.surrogates.graph.frames import Frames
from residuum.surrogates.graph.heads import MessageHead
from residuum.surrogates.graph.model import GraphModel, all_differences
from residuum.surrogates.graph.values import GraphSystem
from residuum.surrogates.levenberg import Bounds, minimise_by
from residuum.surrogates.normal_equations import Factor, Normal, Unknowns, factorise

PARAMETER_PRECISION = 1e-2  # a standard deviation of ten scaled units
SCALAR_PRECISION = 0.25  # a standard deviation of two, or of a factor of seven
TOLERANCE = 0.1  # nats of cost below which an iteration is not worth it
ENOUGH = 1.0  # nats of evidence below which a round is not
EXACT = 1e-7  # relative errors below which nothing is left to learn
JITTER = (0.0, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10)  # of the diagonal
LEAST_DAMPING, MOST_DAMPING = 1e-12, 1e-3  # at the start of a round


@dataclass(frozen=True, slots=True)
class GraphTrained:
    """A fit: heads, unknowns `theta[B, Q]`, priors' strengths, errors, posterior, `evidence[B]`."""

    system: GraphSystem
    kinds: Mapping[str, str]
    theta: Tensor
    kappa: Tensor
    errors: Mapping[str, Errors]
    factor: Factor
    evidence: Tensor
    cost: Tensor

    @property
    def heads(self) -> Mapping[str, MessageHead]:
        """The head of each term."""
        return self.system.heads

    @property
    def name(self) -> str:
        """What stands for each term, such as `force: mutual, drag: central`."""
        return ", ".join(f"{term}: {kind}" for term, kind in self.kinds.items())

    def best(self) -> GraphTrained:
        """Return the restart with the highest evidence, as a batch of one."""
        index = int(torch.nan_to_num(self.evidence, nan=-torch.inf).argmax())
        s = slice(index, index + 1)
        return replace(
            self,
            theta=self.theta[s],
            kappa=self.kappa[s],
            errors={state: row.take(s) for state, row in self.errors.items()},
            factor=self.factor.take(s),
            evidence=self.evidence[s],
            cost=self.cost[s],
        )

    @property
    def prior_precision(self) -> Tensor:
        """The priors' precision `[B, Q]` of each unknown."""
        groups = Groups.of(groups_of(self.system)).to(self.theta.device)
        return groups.precision(self.kappa)

    def part(self, name: str) -> Tensor:
        """Return the unknowns of a term, parameter or scalar."""
        return self.theta[:, self.system.places[name]]


def groups_of(system: GraphSystem) -> list[Group]:
    """Return the priors of all unknowns, the heads' under the names of their terms."""
    groups = [
        replace(group, name=f"{term.name} {group.name}")
        for term in system.problem.hidden_terms
        for group in system.heads[term.name].groups()
    ]
    if system.problem.estimated:
        groups.append(_fixed("parameters", len(system.problem.estimated), PARAMETER_PRECISION))
    scalars = system.scalars.items()
    return groups + [_fixed(name, scalar.count, SCALAR_PRECISION) for name, scalar in scalars]


def _fixed(name: str, size: int, precision: float) -> Group:
    return plain_group(name, size, initial=precision, lower=precision, upper=precision)


def train(
    bench: GraphBench,
    frames: Frames,
    heads: Mapping[str, MessageHead],
    kinds: Mapping[str, str],
    theta: Tensor,
    *,
    rounds: int,
    stage: str,
    before: GraphTrained | None = None,
) -> GraphTrained:
    """Return the fit on frames from `theta[B, Q]`; errors go on from those of a fit `before`."""
    system = bench.system(heads)
    batch = len(theta)
    errors = {state: first_errors(frames.size(state), batch) for state in frames.targets}
    run = _Run(bench, frames, system, kinds, theta, errors, stage)
    if before is not None:
        run.go_on(before)
    for _ in range(rounds):
        if run.round():
            break
    return run.trained


class _Run:
    """The rounds of one fit."""

    def __init__(
        self,
        bench: GraphBench,
        frames: Frames,
        system: GraphSystem,
        kinds: Mapping[str, str],
        theta: Tensor,
        errors: dict[str, Errors],
        stage: str,
    ) -> None:
        self.bench, self.frames, self.system, self.kinds = bench, frames, system, kinds
        self.theta, self.errors, self.stage = theta, errors, stage
        self.names = [group.name for group in groups_of(system)]
        self.groups = Groups.of(groups_of(system)).to(theta.device)
        self.kappa = self.groups.initial.expand(len(theta), -1)
        self.bounds = _bounds(bench, system)
        bottleneck = bench.settings.bottleneck
        self.divergence = bottleneck.penalty if bottleneck.sparsity == "kl" else 0.0
        self.damping: float | Tensor = 1e-3
        self.evidence = torch.full_like(theta[:, 0], -torch.inf)
        self.clock, self.count, self.exact = time.perf_counter(), 0, False

    def go_on(self, before: GraphTrained) -> None:
        """Take over the errors of another fit, and its priors of what is in both."""
        self.errors = dict(before.errors)
        known = {group.name: g for g, group in enumerate(groups_of(before.system))}
        kept = [
            before.kappa[:, known[name]] if name in known else self.kappa[:, g]
            for g, name in enumerate(self.names)
        ]
        self.kappa = torch.stack(kept, 1)

    def round(self) -> bool:
        """Fit once, then update priors and errors; return whether nothing is left to gain."""
        model = GraphModel(self.system, self.frames, self.errors, self.divergence)
        precision = self.groups.precision(self.kappa)
        none = self.theta.new_zeros(len(self.theta), 1, 0)
        fit = minimise_by(
            model.residuals,
            model.equations,
            Unknowns(none, self.theta),
            Unknowns(none[:, 0], precision),
            iterations=self.bench.settings.iterations,
            damping=self.damping,
            tolerance=TOLERANCE,
            bounds=self.bounds,
        )
        self.damping = fit.damping.clamp(LEAST_DAMPING, MOST_DAMPING)
        self.theta = fit.unknowns.shared
        evidence, factor = self._weigh(model, fit.normal, fit.cost, precision)
        settled = bool(((evidence - self.evidence).abs() < ENOUGH).all())
        self.trained = GraphTrained(
            self.system, self.kinds, self.theta, self.kappa, self.errors, factor, evidence, fit.cost
        )
        self.evidence = evidence
        self._record(fit.iterations)
        before, self.exact = self.exact, self._update(factor, precision)
        # Once more after the first time, so that the posterior knows how small the errors are.
        return settled or (before and self.exact)

    def _weigh(
        self, model: GraphModel, normal: Normal, cost: Tensor, precision: Tensor
    ) -> tuple[Tensor, Factor]:
        factor = _factor(normal, precision)
        gain = precision.log().sum(1) - factor.log_determinant
        evidence = -cost + 0.5 * gain - model.constant()
        ok = factor.ok & torch.isfinite(evidence)
        return torch.where(ok, evidence, -torch.inf), factor

    def _update(self, factor: Factor, precision: Tensor) -> bool:
        """Set the next priors and errors; return whether the errors are those of rounding."""
        after = factor.inverse_diagonal().shared
        ok = factor.ok[:, None]
        kappa = self.groups.update(
            self.kappa, self.theta[:, None], 1 / precision[:, None], after[:, None]
        )
        if self.divergence:
            kappa = self._with_divergence(kappa)
        self.kappa = torch.where(ok & torch.isfinite(kappa), kappa, self.kappa)
        determined = (1 - precision * after).clamp(0, 1).sum(1).nan_to_num(0.0)
        share = determined / len(self.frames.targets)
        exact = True
        for state, e in all_differences(self.system, self.frames, self.theta).items():
            size = self.frames.size(state)
            self.errors = self.errors | {state: self.errors[state].update(e, size, share)}
            relative = e / standard_error(size)
            exact &= bool(relative.square().nanmean((1, 2)).sqrt().min() < EXACT)
        return exact

    def _with_divergence(self, kappa: Tensor) -> Tensor:
        """Return the priors' strengths with those of reading latents by what their messages cost.

        They are the tangent of the logarithm of what is read.
        """
        kappa = kappa.clone()
        pairs = len(self.frames.receiver)
        for update, gain in gains(self.system, self.frames, self.theta, self.errors).items():
            head = self.system.heads[update]
            size = head.strengths(self.theta[:, self.system.places[update]]).square()  # type: ignore[attr-defined]
            slope = self.divergence * pairs * gain / size.clamp_min(1e-300) / (1 + gain)
            for k in range(gain.shape[1]):
                kappa[:, self.names.index(f"{update} latent {k}")] = slope[:, k]
        return kappa

    def _record(self, iterations: int) -> None:
        self.count += 1
        best = int(torch.nan_to_num(self.evidence, nan=-torch.inf).argmax())
        row: Row = {
            "stage": self.stage,
            "heads": self.trained.name,
            "round": self.count,
            "seconds": time.perf_counter() - self.clock,
            "iterations": iterations,
            "cost": float(self.trained.cost[best]),
            "evidence": float(self.evidence[best]),
        }
        for state, errors in self.errors.items():
            row[f"noise_{state}"] = float(errors.sigma[best])
            row[f"relative_{state}"] = float(errors.epsilon[best])
        self.bench.record(row)


def _factor(normal: Normal, precision: Tensor) -> Factor:
    """Return the factor of the posterior, with as much of its own diagonal as rounding asks for.

    Where the errors are tiny the data outweigh the priors by more than numbers have digits.
    """
    diagonal = normal.shared.diagonal(dim1=-2, dim2=-1)
    for share in JITTER:
        factor = factorise(normal, Unknowns(precision[:, :0], precision + share * diagonal))
        if bool(factor.ok.all()):
            break
    return factor


def _bounds(bench: GraphBench, system: GraphSystem) -> Bounds | None:
    """Return the limits of all unknowns, None where there are none."""
    names = system.problem.estimated
    if not names or not bool(torch.isfinite(bench.parameter_bounds).any()):
        return None
    upper = torch.full_like(bench.parameter_scales, torch.inf).new_full((system.size,), torch.inf)
    lower = -upper
    place = slice(system.places[names[0]].start, system.places[names[-1]].stop)
    lower[place], upper[place] = bench.parameter_bounds
    return Bounds(lower, upper)
