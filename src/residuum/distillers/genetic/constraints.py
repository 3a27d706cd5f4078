"""What a formula may not be: checked on its instructions before it is evaluated.

Limits on the complexity of operands, on operators inside operators, on constants; formulas that
may not or must stand inside; units. Nothing is a penalty: what breaks a rule is never evaluated.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from residuum.distillers.genetic.compiled import compiled
from residuum.distillers.genetic.dimensions import wildcards_needed
from residuum.distillers.genetic.parts import Chains, Parts, contains, describe
from residuum.distillers.genetic.trees import (
    ARITY,
    CODES,
    CONSTANT,
    MAX_NODES,
    POW,
    start_of,
)


class Rules(NamedTuple):
    """Hard limits; tables are indexed by opcode, and -1 means no limit."""

    cost: np.ndarray
    complexity: int
    constants: int
    local: int
    argument: np.ndarray
    nesting: np.ndarray
    nested: bool
    forbidden: Parts
    required: Parts


@compiled
def _operands_allowed(codes, length, rules):
    for i in range(length):
        code = codes[i]
        if code == POW and codes[i - 1] != CONSTANT:
            return False
        limit = rules.argument[code]
        if limit < 0 or ARITY[code] == 0:
            continue
        begin = start_of(codes, i)
        total = 0
        for j in range(begin, i):
            total += rules.cost[codes[j]]
        if total > limit:
            return False
    return True


@compiled
def _nesting_allowed(codes, length, rules):
    for i in range(length):
        outer = codes[i]
        if ARITY[outer] == 0:
            continue
        begin = start_of(codes, i)
        for inner in range(CODES):
            most = rules.nesting[outer, inner]
            if most < 0:
                continue
            count = 0
            for j in range(begin, i):
                count += codes[j] == inner
            if count > most:
                return False
    return True


@compiled
def _parts_allowed(codes, args, length, offset, rules):
    chains = Chains(
        np.zeros(length, np.uint64),
        np.zeros(length, np.int64),
        np.zeros(length, np.uint64),
        np.zeros(length, np.uint64),
    )
    describe(codes, args, length, chains)
    for k in range(len(rules.forbidden.family)):
        if contains(codes, args, length, offset, rules.forbidden, k, chains):
            return False
    for k in range(len(rules.required.family)):
        if not contains(codes, args, length, offset, rules.required, k, chains):
            return False
    return True


@compiled
def allowed(draft, complexity, wrap, rules, units, w):
    """Return the number of constants that carry units, or -1 where the formula breaks a rule."""
    n, k = draft.size[0], draft.size[1]
    if n == 0 or n > MAX_NODES or k > rules.constants or complexity > rules.complexity:
        return -1
    local = 0
    for j in range(k):
        local += draft.local[j]
        for e in range(draft.constants.shape[0]):
            if not np.isfinite(draft.constants[e, j]):
                return -1
    if local > rules.local:
        return -1
    if not _operands_allowed(draft.codes, n, rules):
        return -1
    if rules.nested and not _nesting_allowed(draft.codes, n, rules):
        return -1
    if len(rules.forbidden.family) + len(rules.required.family):
        if not _parts_allowed(draft.codes, draft.args, n, wrap == 2, rules):
            return -1
    if not units.known:
        return 0
    needed = wildcards_needed(draft.codes, draft.args, n, units, wrap, w)
    return needed if needed <= units.wildcards else -1
