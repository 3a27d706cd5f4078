r"""Which messages explain the accelerations best, and along which direction do they act?

The graph surrogate. Every form that a vector term may have (`heads`) is trained on a few
snapshots and compared on others: the direction of a force and Newton's third law are *found*, since
the simplest form stands whose errors on snapshots it has not seen are as good as those of the
freer ones. Then arguments that the evidence does not ask for are removed, and everything is fitted
to all snapshots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch

from residuum.errors import UserError
from residuum.problem.body_problem import BodyProblem
from residuum.surrogates.graph.bench import GraphBench, Row, make_bench
from residuum.surrogates.graph.comparison import is_better, relative_error, split
from residuum.surrogates.graph.frames import Frames
from residuum.surrogates.graph.latent import latents_of
from residuum.surrogates.graph.narrowing import narrowed
from residuum.surrogates.graph.training import GraphTrained, train
from residuum.surrogates.settings import GraphSettings

SEARCH_ROUNDS, PRUNE_ROUNDS, FIRST_ROUNDS = 5, 3, 4
HELPS = 0.9  # ratio of errors by which removing an argument counts as a relief
HARMLESS = 1.1  # the same where what was learned says little of what was not seen
WORSE = 2.0  # ratio of errors on unseen and learned snapshots that means so
SLACK = 3.0  # nats of evidence that an argument must be worth to stay
IDLE = 1e-4  # relative error that absence of an argument may leave

Kinds = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FormComparison:
    """A choice of forms, its relative error on unseen snapshots, its unknowns, its evidence."""

    heads: str
    error: float
    unknowns: int
    evidence: float


@dataclass(frozen=True, slots=True)
class GraphSearch:
    """The chosen fit (a batch of one) with what it was compared with and the rounds."""

    bench: GraphBench
    trained: GraphTrained
    comparisons: tuple[FormComparison, ...]
    history: tuple[Row, ...]

    def goes_on(self, frames: Frames, *, rounds: int, stage: str) -> GraphSearch:
        """Return the same forms fitted to frames with other targets, from where this fit ended."""
        rows: list[Row] = []

        def record(row: Row) -> None:
            rows.append(row)
            self.bench.record(row)

        bench, before = replace(self.bench, frames=frames, record=record), self.trained
        after = train(
            bench,
            frames,
            before.heads,
            before.kinds,
            before.theta,
            rounds=rounds,
            stage=stage,
            before=before,
        )
        return replace(self, bench=bench, trained=after, history=(*self.history, *rows))


def fit_graph(
    problem: BodyProblem,
    frames: Frames,
    settings: GraphSettings,
    *,
    seed: int,
    progress: Callable[[Row], None] | None = None,
) -> GraphSearch:
    """Return the best fit of frames, on their device.

    Raises UserError where there are too few frames or nothing could be fitted.
    """
    if len(frames) < 2:
        raise UserError(
            "too few snapshots of bodies",
            expected="at least two with all positions known",
            found=f"{len(frames)}",
        )
    history: list[Row] = []

    def record(row: Row) -> None:
        history.append(row)
        if progress is not None:
            progress(row)

    generator = torch.Generator().manual_seed(seed % 2**63)
    search = _Search.over(make_bench(problem, frames, settings, record), generator)
    return GraphSearch(search.bench, search.run(), tuple(search.compared), tuple(history))


@dataclass
class _Search:
    """The forms compared so far; frames for learning and for comparing."""

    bench: GraphBench
    generator: torch.Generator
    learning: Frames
    unseen: Frames
    compared: list[FormComparison] = field(default_factory=list)

    @classmethod
    def over(cls, bench: GraphBench, generator: torch.Generator) -> _Search:
        learning, unseen = split(bench, generator)
        return cls(bench, generator, learning, unseen)

    def run(self) -> GraphTrained:
        """Choose forms, fit all frames, remove arguments, fit again."""
        frames, rounds = self.bench.frames, self.bench.settings.rounds
        fit = self._more(self.choose(), frames, min(FIRST_ROUNDS, rounds), "fit")
        pruned = self.prune(fit)
        return self._more(pruned, frames, rounds, "final")

    def choose(self) -> GraphTrained:
        """Return the fit of the simplest forms that are as good as freer ones."""
        kinds, restarts = self._simplest(), self.bench.settings.ensemble
        best = self.relieve(self._try(kinds, {}))
        for _ in self.bench.views:
            freer = [
                self._try({**kinds, term: kind}, {}, restarts=max(1, restarts // 2))
                for term in self.bench.views
                for kind in self._kinds(term)[self._kinds(term).index(kinds[term]) + 1 :]
            ]
            better = [other for other in freer if self._better(best, other)]
            if not better:
                break
            best = min(better, key=self._error)
            # Of the forms that are as good as the best, the simplest.
            best = next(other for other in better if not self._better(other, best))
            best, kinds = self.relieve(best), dict(best.kinds)
        return self._with_latents(best)

    def _with_latents(self, best: GraphTrained) -> GraphTrained:
        """Return the fit, or one of latent messages where it is better still."""
        views, asked = self.bench.views, "latent" in self.bench.settings.messages
        pairs = {term: "latent" for term, view in views.items() if view.partner}
        if not asked or not pairs:
            return best
        given = all(best.kinds[term] == "latent" for term in pairs)
        trial = best if given else self._try({**best.kinds, **pairs}, {})
        better = given or self._better(best, trial)
        trial = self.narrow(self.relieve(trial) if better and not given else trial)
        return trial if better else best

    def narrow(self, fit: GraphTrained) -> GraphTrained:
        """Return the fit with as many latents as it needs, by the sparsity that is asked for."""
        found = narrowed(
            fit,
            self.learning,
            self.bench.settings.bottleneck.sparsity,
            lambda heads, theta: train(
                self.bench,
                self.learning,
                heads,
                fit.kinds,
                theta,
                rounds=PRUNE_ROUNDS,
                stage="narrow",
                before=fit,
            ),
        )
        return self._noted(found)

    def _simplest(self) -> dict[str, str]:
        return {term: self._kinds(term)[0] for term in self.bench.views}

    def relieve(self, fit: GraphTrained) -> GraphTrained:
        """Return the fit begun anew without arguments that only stand in its way.

        A network that began with an idle argument seldom becomes quite free of it.
        """
        for term, argument in self._removable(fit):
            if len(fit.heads[term].alive) > 1:
                gone = {*self._dead(fit, term), argument}
                dead = {name: self._dead(fit, name) for name in fit.heads} | {term: gone}
                trial = self._try(fit.kinds, dead)
                fit = trial if self._error(trial) < self._allowed(fit) else fit
        return fit

    def _allowed(self, fit: GraphTrained) -> float:
        """Return the error that a fit without one of the arguments may have.

        Where the fit has learned its snapshots by heart, the simpler one is the likelier.
        """
        seen, unseen = self._error(fit, self.learning), self._error(fit)
        return (HARMLESS if unseen > WORSE * seen else HELPS) * unseen

    def prune(self, fit: GraphTrained) -> GraphTrained:
        """Return the fit without the arguments that the evidence does not ask for."""
        for term, argument in self._removable(fit):
            if len(fit.heads[term].alive) > 1:
                trial = self._without(fit, term, argument)
                enough = bool(trial.evidence[0] >= fit.evidence[0] - SLACK)
                fit = trial if enough or self._error(trial) < IDLE else fit
        return fit

    def _removable(self, fit: GraphTrained) -> list[tuple[str, int]]:
        """Return the arguments that a term may do without: all but the length of its direction.

        Of two that go together only the first is named.
        """
        return [
            (term, argument)
            for term, head in fit.heads.items()
            for argument in head.alive
            if argument != self.bench.views[term].along
            and argument <= (head.partner(argument) if head.mutual else argument)
        ]

    def _dead(self, fit: GraphTrained, term: str) -> set[int]:
        return set(range(self.bench.views[term].X.shape[1])) - set(fit.heads[term].alive)

    def _kinds(self, term: str) -> tuple[str, ...]:
        """Return the forms of a term that are asked for, simplest first."""
        messages = self.bench.settings.messages
        if messages == ("latent",) and self.bench.views[term].partner:
            return messages
        # Latents are a matter of two terms at once.
        possible = tuple(k for k in self.bench.views[term].kinds if k != "latent")
        asked = tuple(k for k in possible if k in messages) or possible[-1:]
        # A force on a body of unknown mass is known up to a factor for every body, unless the
        # third law ties what two bodies feel.
        tied = tuple(k for k in asked if "mutual" in k) if self.bench.unknown_divisors else ()
        return tied or asked

    def _try(
        self, kinds: Kinds, dead: Mapping[str, set[int]], restarts: int | None = None
    ) -> GraphTrained:
        """Return the best of several restarts of these forms, without some arguments."""
        heads = {
            term: self.bench.head(term, kind, dead.get(term, set())) for term, kind in kinds.items()
        }
        restarts = restarts or self.bench.settings.ensemble
        theta = self.bench.first(heads, restarts, self.generator)
        fit = train(
            self.bench, self.learning, heads, kinds, theta, rounds=SEARCH_ROUNDS, stage="search"
        )
        best = fit.best()
        if not bool(torch.isfinite(best.evidence[0])):
            raise UserError(
                "the surrogate could not be fitted: no restart gave finite numbers",
                hint="look for accelerations far from the rest, or equations that are not finite",
            )
        return self._noted(best)

    def _noted(self, fit: GraphTrained) -> GraphTrained:
        """Return the fit, which is written down among what was compared."""
        evidence, size = float(fit.evidence[0]), fit.system.size
        self.compared.append(FormComparison(self._title(fit), self._error(fit), size, evidence))
        return fit

    def _more(self, fit: GraphTrained, frames: Frames, rounds: int, stage: str) -> GraphTrained:
        return train(
            self.bench,
            frames,
            fit.heads,
            fit.kinds,
            fit.theta,
            rounds=rounds,
            stage=stage,
            before=fit,
        )

    def _without(self, fit: GraphTrained, term: str, argument: int) -> GraphTrained:
        heads = dict(fit.heads)
        heads[term], weights = fit.heads[term].without(argument, fit.part(term))
        parts = {name: fit.part(name) for name in fit.system.places} | {term: weights}
        theta = torch.cat(list(parts.values()), 1)
        return train(
            self.bench,
            self.bench.frames,
            heads,
            fit.kinds,
            theta,
            rounds=PRUNE_ROUNDS,
            stage="prune",
            before=fit,
        )

    def _title(self, fit: GraphTrained) -> str:
        """Return the forms of the terms and the arguments that were left out."""
        parts = []
        for term, kind in fit.kinds.items():
            names = self.bench.views[term].term.measures
            left_out = [names[a] for a in sorted(self._dead(fit, term))]
            without = f" without {', '.join(left_out)}" if left_out else ""
            count = latents_of(fit.heads[term])
            several = f" of {count} latents" if kind == "latent" else ""
            parts.append(f"{term} {kind}{several}{without}")
        return "; ".join(parts)

    def _error(self, fit: GraphTrained, frames: Frames | None = None) -> float:
        return relative_error(fit, self.unseen if frames is None else frames)

    def _better(self, simple: GraphTrained, free: GraphTrained) -> bool:
        return is_better(simple, free, self.unseen)
