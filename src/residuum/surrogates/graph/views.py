"""What do a hidden term's calls show: its arguments, their partners in an exchange, its size?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from residuum.expressions.torch_evaluation import evaluate
from residuum.problem.body_problem import RECEIVER, SENDER, BodyProblem, reached
from residuum.problem.hidden_term import Call, HiddenTerm
from residuum.problem.names import PAIR_SUM
from residuum.surrogates.graph.errors import sizes
from residuum.surrogates.graph.frames import Frames
from residuum.surrogates.graph.heads import MessageHead
from residuum.surrogates.graph.values import BodyValues, GraphSystem, measured

SAME = 1e-9  # relative difference below which an argument is the exchanged other one


@dataclass(frozen=True, slots=True)
class TermView:
    """What a hidden term's calls show: measures `X[N, m]`, the axes, and the value's typical size.

    `exchange[m]` is the measure that takes each one's place when two bodies are exchanged, None
    outside sums or where a measure has no partner. `learned[m]` tells the measures that are made of
    other hidden terms, so that `X` shows what they are where those are one. `chained` is whether
    the term is made of others or others of it, and `partner` the other one where the update takes
    the sum of nothing but messages, so that these may be latent.
    """

    term: HiddenTerm
    X: Tensor
    axes: int
    in_pairs: bool
    exchange: tuple[int, ...] | None
    scale: float
    learned: tuple[bool, ...]
    chained: bool
    partner: str | None

    @property
    def along(self) -> int | None:
        """The measure that is the length of a vector term's direction."""
        return self.term.vectors.index(True) if self.term.vector else None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The heads that may stand for the term, simplest first."""
        central = ("mutual", "central") if self.exchange is not None else ("central",)
        if self.term.vector and self.partner:
            return (*central, "latent")
        # A free message under an unknown update is known up to any linear map only.
        if not self.term.vector or self.chained:
            return central
        free = ("free mutual", "free") if self.exchange is not None else ("free",)
        return (*central, *free)


@dataclass(frozen=True)
class UnitHead(MessageHead):
    """The constant one, without unknowns: where a term's surroundings are looked at."""

    mutual: bool = False

    @property
    def size(self) -> int:
        return 0

    @property
    def central(self) -> bool:
        return True

    def partner(self, argument: int) -> int:
        return argument

    def forward(self, theta: Tensor, X: Tensor, u: Tensor) -> tuple[Tensor, Any]:
        return theta.new_ones(len(theta), u.shape[1], 1), X

    def linearise(self, theta: Tensor, tape: Any) -> tuple[Tensor, Tensor, Tensor]:
        B, (_, N, m) = len(theta), tape.shape
        return tuple(theta.new_zeros(B, N, 1, size) for size in (0, m, 0))  # type: ignore[return-value]

    def without(self, argument: int, theta: Tensor) -> tuple[MessageHead, Tensor]:
        return self, theta


def view_of(system: GraphSystem, frames: Frames, theta: Tensor, term: HiddenTerm) -> TermView:
    """Return what the calls of a term show on frames."""
    values = BodyValues(system, frames, theta)
    calls = [call for call in system.problem.calls if call.term == term.name]
    vectors = term.vectors or (False,) * len(term.arguments)
    inside = {call.placeholder for call in system.problem.pair_calls}
    in_pairs = any(call.placeholder in inside for call in calls)
    at = values.pairs if in_pairs else values
    X = torch.cat([measured(at, call, vectors)[0][0] for call in calls])
    exchange = _exchange(system, frames, theta, calls, vectors) if in_pairs else None
    nested, hidden = system.problem.nested, {call.placeholder for call in system.problem.calls}
    learned = tuple(
        any(hidden & set(reached([call.arguments[place]], system.problem.opened)) for call in calls)
        for place in range(len(term.arguments))
    )
    chained = term.name in nested or any(term.name in inner for inner in nested.values())
    scale = _scale(values, calls)
    partner = latent_partners(system.problem).get(term.name)
    return TermView(term, X, frames.axes, in_pairs, exchange, scale, learned, chained, partner)


def latent_partners(problem: BodyProblem) -> dict[str, str]:
    """Return update and message by each other where one takes a sum of the other alone.

    Only scalars may multiply the messages, and nothing else holds them.
    """
    found: dict[str, str] = {}
    for outer, inner in problem.nested.items():
        term = problem.hidden_term(outer)
        calls = [call for call in problem.calls if call.term == outer]
        if not term.vector or len(calls) != 1 or len(inner) != 1:
            continue
        argument = calls[0].arguments[term.vectors.index(True)]
        row = next((r for r in problem.sums if argument.tokens == (r.placeholder,)), None)
        own = {call.placeholder for call in problem.calls if call.term == inner[0]}
        if row is None or len(own) != 1 or not own <= set(row.term.variables):
            continue
        vectors = {n + e for n in problem.components for e in (RECEIVER, SENDER)}
        places = [e.rhs for e in problem.equations] + [r.term for r in problem.sums if r != row]
        places += [a for call in calls for a in call.arguments if a != argument]
        places += [a for call in problem.vector_calls for a in call.arguments]
        alone = not any({row.placeholder, *own} & set(place.variables) for place in places)
        if alone and not vectors & set(row.term.variables):
            found |= {outer: inner[0], inner[0]: outer}
    return found


def _exchange(
    system: GraphSystem,
    frames: Frames,
    theta: Tensor,
    calls: Sequence[Call],
    vectors: tuple[bool, ...],
) -> tuple[int, ...] | None:
    """Return the partner of each measure when bodies are exchanged; None where there is none."""
    # What is unknown begins equal for all bodies; told apart, it shows whose it is.
    apart = theta + torch.linspace(0.1, 1.0, theta.shape[1], dtype=theta.dtype).to(theta.device)
    pairs = BodyValues(system, frames, apart).pairs
    back = frames.reverse
    partners: tuple[int, ...] | None = None
    for call in calls:
        X, u = measured(pairs, call, vectors)
        found = _partners(X[0], X[0][back])
        turned = not any(vectors) or _close(u, -u[:, back])
        if found is None or not turned or partners not in (None, found):
            return None
        partners = found
    return partners


def _partners(X: Tensor, reverse: Tensor) -> tuple[int, ...] | None:
    count = X.shape[1]
    found = []
    for a in range(count):
        order = [a, *(b for b in range(count) if b != a)]
        match = next((b for b in order if _close(reverse[:, b], X[:, a])), None)
        if match is None:
            return None
        found.append(match)
    return tuple(found)


def _close(a: Tensor, b: Tensor) -> bool:
    return bool(((a - b).abs() <= SAME * (a.abs() + b.abs()).amax()).all())


def _scale(values: BodyValues, calls: Sequence[Call]) -> float:
    """Return the size of a term that alone makes the measured accelerations."""
    names, ratios = {call.placeholder for call in calls}, []
    frames, partials = values.frames, values.system.partials
    for equation in values.system.problem.equations:
        a = sizes(frames.targets[equation.state])
        for name, partial in partials[equation.rhs].items():
            change = evaluate(partial, values)
            if name in names:
                ratios.append(a / change.abs().amax(-1).expand(1, len(a))[0])
            if name.partition("@")[0] != PAIR_SUM:
                continue
            for inner, slope in partials[values.system.problem.opened[name][0]].items():
                if inner in names:
                    each = evaluate(slope, values.pairs).abs().median()
                    ratios.append(a / (change.abs().amax(-1).expand(1, len(a))[0] * each))
    found = torch.cat(ratios) if ratios else torch.ones(1)
    found = found[torch.isfinite(found) & (found > 0)]
    return float(found.median()) if len(found) else 1.0
