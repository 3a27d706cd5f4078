r"""Which heads explain the data best?

The collocation surrogate. Every kind of hidden head is tried with the first kind of state head,
each with restarts in one batch; the evidence chooses. Then arguments and latents that the
evidence does not need are removed (`pruning`), what is left is tried once more with the other
hidden heads, and the further kinds of state heads are tried with the best of them. Trying every
pair would take twice as long and has not changed the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from residuum.data.observations import Observations
from residuum.errors import UserError
from residuum.problem.problem import Problem
from residuum.surrogates.bottleneck import Bottleneck
from residuum.surrogates.heads import HiddenHead, NetworkHead, SplineHead
from residuum.surrogates.joint import FIRST_WEIGHT, fit_hidden, fit_jointly
from residuum.surrogates.noise import noise_model
from residuum.surrogates.normal_equations import Unknowns
from residuum.surrogates.pruning import prune
from residuum.surrogates.reference import smooth
from residuum.surrogates.samples import read_samples
from residuum.surrogates.scaling import physics_units, random_starts, tangled
from residuum.surrogates.settings import PinnSettings
from residuum.surrogates.states import StateHead
from residuum.surrogates.trained import Bench, Hyper, Row, Start, Trained, along
from residuum.surrogates.warm import WARM

TRIES = 32  # starts of parameters that enter nonlinearly
NO_PRECISION = 1e-12  # of the parameters' prior while their scale is not known
Alive = Mapping[str, tuple[int, ...]]
Progress = Callable[[Row], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One combination of heads: its name, best evidence, and how far its hidden terms lie
    from the chosen ones (rms over rms, along the chosen trajectories)."""

    heads: str
    evidence: float
    disagreement: float


@dataclass(frozen=True, slots=True)
class PinnFit:
    """The chosen fit (a batch of one), what it was compared with, and the rounds."""

    bench: Bench
    trained: Trained
    comparisons: tuple[Comparison, ...]
    history: tuple[Row, ...]


def fit_pinn(
    problem: Problem,
    observations: Observations,
    settings: PinnSettings,
    *,
    seed: int,
    device: torch.device,
    progress: Progress | None = None,
) -> PinnFit:
    """Return the best collocation fit of the training part of the observations.

    Raises UserError when a state is not measured or nothing could be fitted.
    """
    history: list[Row] = []

    def record(row: Row) -> None:
        history.append(row)
        if progress is not None:
            progress(row)

    generator = torch.Generator().manual_seed(seed % 2**63)
    bench = make_bench(problem, observations, settings, device, record)
    search = _Search(settle_parameters(bench, generator), generator)
    best = search.run()
    comparisons = tuple(
        Comparison(fit.name, float(fit.evidence[0]), disagreement(best, fit))
        for fit in search.tried
    )
    return PinnFit(bench, best, comparisons, tuple(history))


def make_bench(
    problem: Problem,
    observations: Observations,
    settings: PinnSettings,
    device: torch.device,
    record: Progress,
) -> Bench:
    """Return what all combinations of heads share: samples, smoothing splines and units."""
    samples = read_samples(problem, observations, settings.collocation)
    noise = noise_model(observations.noise, samples).to(device)
    samples = samples.to(device)
    reference = smooth(
        problem, samples, noise, batch=settings.ensemble, coefficients=settings.knots
    )
    units = physics_units(problem, samples, reference)
    return Bench(problem, samples, noise, reference, units, settings, record)


def settle_parameters(bench: Bench, generator: torch.Generator) -> Bench:
    """Return the bench with parameters that enter nonlinearly started, and scaled, at a fit.

    The fit is at the smoothing splines, with spline heads, the best of many starts.
    """
    if not tangled(bench.problem):
        return bench
    alive = {term.name: tuple(range(len(term.arguments))) for term in bench.problem.hidden_terms}
    heads = make_heads(bench, "spline", alive)
    state = bench.reference.theta[:1].expand(TRIES, -1, -1)
    parts = [head.initial(TRIES, generator).to(state.device) for head in heads.values()]
    others = random_starts(bench.units, TRIES - 1, generator)
    parts.append(torch.cat([bench.units.start[None], others]))
    shared, _, cost = fit_hidden(
        bench,
        bench.reference.head,
        heads,
        state,
        torch.cat(parts, 1),
        parameter_precision=NO_PRECISION,
    )
    best = int(torch.nan_to_num(cost, nan=torch.inf).argmin())
    values = shared[best, -len(bench.problem.estimated) :] * bench.units.parameters
    units = physics_units(bench.problem, bench.samples, bench.reference, values)
    return replace(bench, units=units)


def make_heads(bench: Bench, kind: str, alive: Alive) -> dict[str, HiddenHead]:
    """Return an untrained head of a kind for every hidden term, on the arguments alive."""
    heads: dict[str, HiddenHead] = {}
    for term in bench.problem.hidden_terms:
        low, high = bench.units.ranges[term.name]
        index = alive[term.name]
        if kind == "spline":
            heads[term.name] = SplineHead(low, high, index)
        else:
            heads[term.name] = NetworkHead(
                low, high, index, _bottleneck(len(index), bench.settings)
            )
    return heads


def _bottleneck(arguments: int, settings: PinnSettings) -> Bottleneck:
    """Return the bottleneck of a hidden term: linear latents, then one layer.

    `prune` starts without latents and factors them out later; `none` has none.
    """
    choice = settings.bottleneck
    latents = min(choice.width, arguments) if choice.sparsity in ("width", "l1") else None
    penalty = choice.penalty if choice.sparsity == "l1" else None
    return Bottleneck(arguments, latents, (settings.hidden_width,), penalty=penalty)


@dataclass
class _Search:
    """The combinations tried so far, the best restart of each."""

    bench: Bench
    generator: torch.Generator
    tried: list[Trained] = field(default_factory=list)

    def run(self) -> Trained:
        """Try hidden heads, prune the best, try other heads on what is left; return the best."""
        settings = self.bench.settings
        everything = {
            term.name: tuple(range(len(term.arguments))) for term in self.bench.problem.hidden_terms
        }
        first, *others = settings.states
        for hidden in settings.hidden:
            self.try_heads(first, hidden, everything)
        after = self.pruned(self.best(), everything)
        for states in others:
            self.try_heads(states, after.hidden_kind or settings.hidden[0], after.alive)
        return self.best(after.alive)

    def pruned(self, fit: Trained, everything: Alive) -> Trained:
        """Return the best fit without the arguments and latents that `fit` does not need."""
        settings = self.bench.settings
        if settings.bottleneck.sparsity in ("none", "width") or not everything:
            return fit
        after = prune(self.bench, fit)
        if after is fit:
            return fit
        self.tried.append(after)
        for hidden in settings.hidden:
            if after.alive != everything and hidden != after.hidden_kind:
                self.tried.append(self.swap_heads(after, hidden))
        return self.best(after.alive)

    def best(self, alive: Alive | None = None) -> Trained:
        """Return the fit with the highest evidence, among those with these arguments if given.

        Raises UserError when none is finite.
        """
        fits = [fit for fit in self.tried if alive is None or fit.alive == alive]
        best = max(fits, key=lambda fit: float(fit.evidence[0]))
        if not bool(torch.isfinite(best.evidence[0])):
            raise UserError(
                "the surrogate could not be fitted: no combination of heads gave finite numbers",
                hint="look for samples far from the rest, or equations that are not finite there",
            )
        return best

    def try_heads(self, states: str, hidden: str, alive: Alive) -> None:
        """Fit one combination from the data alone."""
        warm = WARM[states](self.bench, self.generator)
        hyper = Hyper(warm.kappa, warm.kappa, warm.sigma)
        start = self.begin(warm.head, warm.theta, hyper, make_heads(self.bench, hidden, alive))
        rounds = self.bench.settings.rounds
        fit = fit_jointly(self.bench, start, rounds=rounds, weight=FIRST_WEIGHT)
        self.tried.append(fit.best())

    def swap_heads(self, fit: Trained, hidden: str) -> Trained:
        """Return a fit with other hidden heads that starts from the states of this one."""
        batch = self.bench.settings.ensemble
        state = fit.unknowns.state.expand(batch, -1, -1)
        h = fit.hyper
        hyper = Hyper(h.state.expand(batch, -1), h.shared, h.sigma.expand(batch, -1))
        start = self.begin(fit.head, state, hyper, make_heads(self.bench, hidden, fit.alive))
        rounds = max(3, self.bench.settings.rounds // 2)
        return fit_jointly(self.bench, start, rounds=rounds, weight=fit.weight).best()

    def begin(
        self, head: StateHead, state: Tensor, hyper: Hyper, heads: Mapping[str, HiddenHead]
    ) -> Start:
        """Return the start of a joint fit: hidden heads fitted at given states."""
        batch = len(state)
        parts = [heads[term].initial(batch, self.generator).to(state.device) for term in heads]
        parts.append(self.bench.units.start.expand(batch, -1))
        shared, kappa, _ = fit_hidden(self.bench, head, heads, state, torch.cat(parts, 1))
        return Start(head, heads, Unknowns(state, shared), Hyper(hyper.state, kappa, hyper.sigma))


def disagreement(one: Trained, other: Trained) -> float:
    """Return the rms difference of two fits' hidden terms over the first's rms, the largest term's.

    Both are taken at the first's arguments at the collocation points.
    """
    worst = 0.0
    passed = along(one)
    for call in one.physics.problem.calls:
        f = passed.values[call.placeholder]
        X = passed.arguments[call.placeholder].flatten(1, 2)
        theta = other.unknowns.shared[:, other.physics.places[call.term]]
        g = other.heads[call.term].forward(theta, X)[0] * other.physics.hidden_scales[call.term]
        difference = (g.flatten() - f.flatten()).square().mean().sqrt()
        size = f.square().mean().sqrt().clamp_min(1e-300)
        worst = max(worst, float(difference / size))
    return worst
