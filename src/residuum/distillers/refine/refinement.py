"""From the formulas of a search to a front: fewer, exact in double precision, pruned, rounded.

1. Of formulas with the same skeleton the best stays; constants are polished from several starts.
2. The formula of shortest description says how large the noise is.
3. Parts that the data do not ask for are dropped, constants that may be round become so.
4. What is left is what no other formula beats in both complexity and loss, and what has nearly the
   shortest description: a high power may fit better than an exponential as complex.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import t as student

from residuum.distillers.refine.consistency import kept_consistent
from residuum.distillers.refine.description import TIE, Noise
from residuum.distillers.refine.fitting import Fit, Task, fit
from residuum.distillers.refine.formulas import Refined, by_size, distinct, nondominated
from residuum.distillers.refine.leaving_out import left_out
from residuum.distillers.refine.pruning import reductions, with_ones
from residuum.distillers.refine.snapping import simplified, snapped
from residuum.distillers.regression import Table
from residuum.expressions.expression import Expression
from residuum.expressions.simplification import Skeleton, simplify_rules, skeleton
from residuum.seeds import child_seed

Map = Callable[..., Iterable[Any]]
Allowed = Callable[[Expression], bool]
STARTS = 4
# How many of the shortest descriptions are pruned.
SHORTEST = 8
WORTH = 60.0  # nats above the shortest description; pruning does not make up for more
QUICK = 15
BESIDE = 1e-3
REDUNDANT = 0.01  # nats of residuals that a constant which the others replace may be worth
LARGE = 1e3
CONFIDENCE = 0.95


def refine(
    found: Iterable[tuple[Expression, float]],
    table: Table,
    *,
    loss: str = "squared",
    snap: bool = True,
    complexity: int | None = None,
    seed: int = 0,
    until: float = math.inf,
    map: Map = map,
) -> list[Refined]:
    """Return the refined front of formulas and their losses, simplest first.

    The constant formula is always considered. Formulas above `complexity` are left out, as are
    those without a finite value on the table. Same seed, same front, whatever `map` is; unless the
    clock (`time.time`) passes `until`: what is not done by then stays as it is.
    """
    task = Task(table, loss, STARTS, seed=seed)
    polished = list(map(partial(_polished, task=task, until=until), _candidates(found, table)))
    fits = distinct(_explaining(polished, task), _expression, table)
    if not fits:
        return []
    noise = Noise.of(fits, task.rows)
    work = partial(_improved, task=replace(task, starts=1), noise=noise, snap=snap, until=until)
    chosen = _promising(fits, noise)
    better = [f for rows in map(work, chosen) for f in rows]
    others = [f for f in fits if f not in chosen]
    kept = [f for f in (*better, *others) if complexity is None or _size(f) <= complexity]
    front = _front(distinct(kept, _expression, table), noise)
    return [_refined(f, noise, task) for f in front]


def _candidates(found: Iterable[tuple[Expression, float]], table: Table) -> list[Expression]:
    """Return one formula of each skeleton, the best, and the constant."""
    best: dict[Skeleton, tuple[float, Expression]] = {}
    middle = Expression.number(float(np.mean(table.y)))
    for expression, loss in (*found, (middle, math.inf)):
        simple = simplify_rules(_unrounded(expression))
        key, size = skeleton(simple), math.inf if math.isnan(loss) else loss
        if key not in best or size < best[key][0]:
            best[key] = (size, simple)
    return [expression for _, expression in best.values()]


def _unrounded(expression: Expression) -> Expression:
    """Return the formula with constants beside whole numbers: ones would vanish by the rules.

    Floats from 2**53 on are all whole, by no intent; a nudge there could lose a fit.
    """
    return expression.with_constants(
        [
            c * (1 + BESIDE) + BESIDE if c.is_integer() and abs(c) < LARGE else c
            for c in expression.constants
        ]
    )


def _polished(expression: Expression, *, task: Task, until: float) -> Fit:
    key = " ".join(skeleton(expression))
    starts = task.starts if time.time() < until else 1
    return fit(expression, replace(task, seed=child_seed(task.seed, "polish", key), starts=starts))


def _explaining(polished: Sequence[Fit], task: Task) -> list[Fit]:
    """Return the formulas that are no worse than zero, all finite ones where none is.

    What is worse explains nothing, and its loss would pass for the size of the values.
    """
    finite = [f for f in polished if math.isfinite(f.loss)]
    nothing = fit(Expression.integer(0), task).loss
    return [f for f in finite if f.loss <= nothing * (1 + BESIDE)] or finite


def _expression(found: Fit) -> Expression:
    return found.expression


def _size(found: Fit) -> int:
    return found.expression.complexity


def _rounded(noise: Noise) -> Callable[[Fit], float]:
    """Return the loss with what is rounding counted as zero, so that the simplest exact wins."""
    return lambda found: found.loss if found.loss > noise.floor else 0.0


def _promising(fits: Sequence[Fit], noise: Noise) -> list[Fit]:
    """Return the formulas worth the work: those of shortest description, if not much longer."""
    lengths = {id(f): noise.length(f) for f in fits}
    order = sorted(fits, key=lambda f: lengths[id(f)])
    return [f for f in order[:SHORTEST] if lengths[id(f)] <= lengths[id(order[0])] + WORTH]


def _front(fits: Sequence[Fit], noise: Noise) -> list[Fit]:
    """Return the nondominated rows, and one of each skeleton with nearly the shortest description.

    Where that leaves rounding errors only, shorter is better and there is nothing to weigh.
    """
    front = nondominated(fits, _expression, _rounded(noise))
    order = sorted(fits, key=noise.length)
    if not order or order[0].loss <= noise.floor:
        return front
    seen = {skeleton(f.expression) for f in front}
    for found in order:
        key = skeleton(found.expression)
        if noise.length(found) <= noise.length(order[0]) + TIE and key not in seen:
            seen.add(key)
            front.append(found)
    return sorted(front, key=lambda f: by_size(f.expression, f.loss))


def _improved(start: Fit, *, task: Task, noise: Noise, snap: bool, until: float) -> list[Fit]:
    """Return what pruning leaves of a formula, step by step, and with round constants."""
    if time.time() > until:
        return [start]
    allowed = kept_consistent(task.table, start.expression)
    pruned = _pruned(start, task, noise, allowed, until)
    if snap and time.time() < until:
        round_ones = [snapped(f, task, noise) if f.expression.constants else f for f in pruned]
        pruned = _where(allowed, round_ones, pruned)
    return _where(allowed, [simplified(f, task, noise) for f in pruned], pruned)


def _where(allowed: Allowed, changed: Sequence[Fit], before: Sequence[Fit]) -> list[Fit]:
    """Return what was changed, or what it was before where the change is not allowed."""
    return [c if allowed(c.expression) else b for c, b in zip(changed, before, strict=True)]


def _pruned(start: Fit, task: Task, noise: Noise, allowed: Allowed, until: float) -> list[Fit]:
    """Return the formula, all that pruning found on the way, no other of them better."""
    quick, values = replace(task, iterations=QUICK, spreads=False), task.values
    seen = {skeleton(start.expression): start}

    def tried(trials: dict[Skeleton, Expression]) -> list[Fit]:
        untried = {key: e for key, e in trials.items() if key not in seen and allowed(e)}
        return [fit(e, quick) for e in untried.values()]

    current: Fit | None = start
    while current is not None and time.time() < until:
        fewer = tried(reductions(current.expression, values))
        # A one that the data do not tell from a constant is for snapping, if it is near.
        ones = tried(with_ones(current.expression))
        redundant = [f for f in ones if noise.rise(current.loss, f.loss) <= REDUNDANT]
        seen.update((skeleton(f.expression), f) for f in (*fewer, *redundant))
        spared = [
            f
            for f in (*fewer, *redundant)
            if noise.insignificant(start.loss, f.loss, start.free - f.free)
        ]
        best = min(spared, key=lambda f: (_size(f), f.free, f.loss), default=None)
        current = None if best is None else fit(best.expression, task)
    usable = [f for f in seen.values() if math.isfinite(f.loss)]
    kept = nondominated(usable, _expression, lambda f: f.loss)
    # Quick fits stopped early and know nothing of the spreads.
    return [f if f is start else fit(f.expression, task) for f in kept]


def _refined(found: Fit, noise: Noise, task: Task) -> Refined:
    free = max(noise.rows - found.free, 1)
    own = max(found.loss * noise.rows / free, noise.floor)
    reach = float(student.ppf(0.5 * (1 + CONFIDENCE), free)) * math.sqrt(own)
    intervals = tuple(
        (value - reach * spread, value + reach * spread) if spread > 0 else (value, value)
        for value, spread in zip(found.expression.constants, found.spreads, strict=True)
    )
    return Refined(found.expression, found.loss, intervals, left_out=left_out(found, task))
