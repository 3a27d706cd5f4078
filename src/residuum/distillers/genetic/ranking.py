"""Who survives: non-dominated sorting on loss and complexity, crowding, and age.

Deb et al. 2002, doi:10.1109/4235.996017; age limits: Hornby 2006, doi:10.1145/1143997.1144142.
"""

from __future__ import annotations

import math

import numpy as np

from residuum.distillers.genetic.compiled import compiled

SAME_LOSS = 1e-9


@compiled
def mark_duplicates(loss, complexity, order, dropped):
    """Mark all but the simplest of the formulas whose losses are equal to nine digits."""
    last = -1
    for i in order:
        if not math.isfinite(loss[i]):
            dropped[i] = True
        elif last >= 0 and abs(loss[i] - loss[last]) <= SAME_LOSS * loss[i]:
            simpler = complexity[i] < complexity[last]
            dropped[last if simpler else i] = True
            last = i if simpler else last
        else:
            last = i


@compiled
def best_first(loss, complexity):
    """Return the order by loss, then by complexity, then by place."""
    simple = np.argsort(complexity, kind="mergesort")
    return simple[np.argsort(loss[simple], kind="mergesort")]


@compiled
def ranks(loss, complexity, alive, rank):
    """Write the number of the front that each formula is in; -1 for those left out.

    Of formulas that are equal in both, each counts as beaten by the one before it.
    """
    n = len(loss)
    rank[:] = -1
    order = best_first(loss, complexity)
    left = 0
    for i in range(n):
        left += alive[i]
    front = 0
    while left > 0:
        best = 1 << 30
        for a in range(n):
            i = order[a]
            # By rising loss, a formula is non-dominated if it is simpler than all before it.
            if alive[i] and rank[i] < 0 and complexity[i] < best:
                best = complexity[i]
                rank[i] = front
                left -= 1
        front += 1
    return front


@compiled
def crowding(loss, complexity, rank, fronts, crowd):
    """Write the distance to the neighbours on the same front; infinite at both ends."""
    n = len(loss)
    crowd[:] = 0.0
    order = best_first(loss, complexity)
    previous = np.full(fronts, -1)
    before = np.full(fronts, -1)
    for a in range(n):
        i = order[a]
        r = rank[i]
        if r < 0:
            continue
        p = previous[r]
        if p < 0:
            crowd[i] = math.inf
        elif before[r] >= 0:
            q = before[r]
            crowd[p] = _gap(loss[q], loss[i]) + 0.1 * abs(complexity[q] - complexity[i])
        before[r], previous[r] = p, i
    for r in range(fronts):
        if previous[r] >= 0:
            crowd[previous[r]] = math.inf


@compiled
def _gap(a, b):
    return math.log(b + 1e-300) - math.log(a + 1e-300)


@compiled
def survivors(loss, complexity, age, age_limit, count, rank, crowd, chosen):
    """Write the `count` indices that stay to `chosen`, best front first; return how many there are.

    Of a front that does not fit whole, the least crowded stay. Formulas beyond the age limit stay
    only on the first front.
    """
    n = len(loss)
    dropped = np.zeros(n, np.bool_)
    order = np.argsort(loss * (1.0 + 1e-10 * complexity))
    mark_duplicates(loss, complexity, order, dropped)
    alive = ~dropped
    fronts = ranks(loss, complexity, alive, rank)
    for i in range(n):
        if alive[i] and age[i] > age_limit and rank[i] > 0:
            rank[i] = -1
    crowding(loss, complexity, rank, fronts, crowd)
    kept = 0
    for front in range(fronts):
        members = np.flatnonzero(rank == front)
        if kept + len(members) > count:
            members = members[np.argsort(-crowd[members])]
        for i in members:
            if kept < count:
                chosen[kept] = i
                kept += 1
        if kept >= count:
            break
    return kept
