"""Whether a formula stands inside another, whatever the order of its sums and products.

A sum or product is a chain of terms, each added or subtracted (multiplied or divided by). A part
stands in a formula where its terms are among those of one chain: `x*y` in `x/z*y`, `x + 1` in
`2*x + y + 3`. Constants match any constant, and the sign of a whole sum does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from residuum.distillers.genetic.compiled import compiled
from residuum.distillers.genetic.random import mix
from residuum.distillers.genetic.trees import (
    ADD,
    ARITY,
    CONSTANT,
    DIV,
    DRAFT_NODES,
    INTEGER_POWER,
    LITERAL,
    MAX,
    MIN,
    MUL,
    NEG,
    SUB,
    start_of,
)

SUM, PRODUCT = 1, 2
_SALT = np.uint64(0x9E3779B1)
_ANY = np.uint64(0x5851F42D4C957F2D)  # the hash of every constant


class Parts(NamedTuple):
    """Formulas to look for: the terms of part `k` are `first[k]:first[k+1]`.

    `family` is `SUM`, `PRODUCT` or 0 for what is neither; `below` tells what is subtracted or
    divided by.
    """

    family: np.ndarray
    first: np.ndarray
    term: np.ndarray
    below: np.ndarray


class Chains(NamedTuple):
    """Of every instruction: its hash, its family, the sums of the hashes of both sides."""

    hash: np.ndarray
    family: np.ndarray
    up: np.ndarray
    down: np.ndarray


def new_chains() -> Chains:
    """Return scratch for one formula."""
    return Chains(
        np.zeros(DRAFT_NODES, np.uint64),
        np.zeros(DRAFT_NODES, np.int64),
        np.zeros(DRAFT_NODES, np.uint64),
        np.zeros(DRAFT_NODES, np.uint64),
    )


@compiled
def family_of(code, arg):
    """Return the kind of chain that an instruction belongs to."""
    if code == ADD or code == SUB or code == NEG:
        return SUM
    if code == MUL or code == DIV or (code == INTEGER_POWER and arg == -1):
        return PRODUCT
    return 0


@compiled
def _join(chains, i, family, a, turned):
    """Add the terms of operand `a` to the chain of `i`, on the other side where it is turned."""
    if chains.family[a] == family:
        up, down = chains.up[a], chains.down[a]
    else:
        up, down = chains.hash[a], np.uint64(0)
        # The sign of a constant is a part of its value.
        turned = turned and not (family == SUM and chains.hash[a] == _ANY)
    chains.up[i] += down if turned else up
    chains.down[i] += up if turned else down


@compiled
def describe(codes, args, size, chains):
    """Write the chains of a formula."""
    for i in range(size):
        code, arg = codes[i], args[i]
        own = np.uint64(code) * _SALT
        chains.family[i] = family_of(code, arg)
        if code == CONSTANT or code == LITERAL:
            chains.hash[i] = _ANY
            continue
        if code != INTEGER_POWER and ARITY[code] > 0:
            arg = 0
        own += np.uint64(np.int64(arg) + 4096)
        if ARITY[code] == 0:
            chains.hash[i] = mix(own)
            continue
        b = i - 1
        if chains.family[i]:
            chains.up[i], chains.down[i] = np.uint64(0), np.uint64(0)
            turned = code != ADD and code != MUL
            if ARITY[code] == 2:
                _join(chains, i, chains.family[i], start_of(codes, b) - 1, False)
            _join(chains, i, chains.family[i], b, turned)
            both = chains.up[i] * np.uint64(3) + mix(chains.down[i] + _SALT)
            chains.hash[i] = mix(both + np.uint64(chains.family[i]))
        elif ARITY[code] == 1:
            chains.hash[i] = mix(chains.hash[b] * np.uint64(3) + own)
        else:
            x, y = chains.hash[start_of(codes, b) - 1], chains.hash[b]
            if code == MIN or code == MAX:
                chains.hash[i] = mix(x + y + own)
            else:
                chains.hash[i] = mix(mix(x + own) + y * np.uint64(5) + own)


@compiled
def terms_of(codes, args, root, family, chains, term, below):
    """Write the terms of the chain at `root` (itself where it is no chain); return how many."""
    nodes = np.zeros(DRAFT_NODES, np.int64)
    sides = np.zeros(DRAFT_NODES, np.bool_)
    nodes[0], top, count = root, 1, 0
    while top:
        top -= 1
        i, side = nodes[top], sides[top]
        if chains.family[i] != family:
            term[count], below[count] = chains.hash[i], side
            count += 1
            continue
        turned = codes[i] != ADD and codes[i] != MUL
        if ARITY[codes[i]] == 2:
            nodes[top], sides[top] = start_of(codes, i - 1) - 1, side
            top += 1
        nodes[top], sides[top] = i - 1, side != turned
        top += 1
    return count


@compiled
def _among(parts, k, term, below, count, flip):
    """Tell whether all terms of a part are among `count` terms, each of them taken once."""
    used = np.zeros(count, np.bool_)
    for t in range(parts.first[k], parts.first[k + 1]):
        found = False
        for j in range(count):
            if used[j] or term[j] != parts.term[t]:
                continue
            if term[j] == _ANY or below[j] == (parts.below[t] != flip):
                used[j] = found = True
                break
        if not found:
            return False
    return True


@compiled
def contains(codes, args, size, offset, parts, k, chains):
    """Tell whether part `k` stands in a formula that `describe` was told of.

    With an `offset` the whole formula has one more constant term than its instructions say.
    """
    term = np.zeros(DRAFT_NODES + 1, np.uint64)
    below = np.zeros(DRAFT_NODES + 1, np.bool_)
    family = parts.family[k]
    for i in range(size):
        if family == 0:
            if chains.hash[i] == parts.term[parts.first[k]]:
                return True
            continue
        whole = i == size - 1 and offset and family == SUM
        if chains.family[i] != family and not whole:
            continue
        count = terms_of(codes, args, i, family, chains, term, below)
        if whole:
            term[count], below[count] = _ANY, False
            count += 1
        if _among(parts, k, term, below, count, False):
            return True
        if family == SUM and _among(parts, k, term, below, count, True):
            return True
    return False


def parts_of(programs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Parts:
    """Return the parts that folded programs `(codes, args)` without outer factors are."""
    chains = new_chains()
    families, first = [], [0]
    terms: list[np.uint64] = []
    sides: list[bool] = []
    term = np.zeros(DRAFT_NODES + 1, np.uint64)
    below = np.zeros(DRAFT_NODES + 1, np.bool_)
    for codes, args in programs:
        describe(codes, args, len(codes), chains)
        family = int(chains.family[len(codes) - 1])
        count = terms_of(codes, args, len(codes) - 1, family or -1, chains, term, below)
        families.append(family)
        terms += list(term[:count])
        sides += list(below[:count])
        first.append(len(terms))
    return Parts(
        np.array(families, np.int64),
        np.array(first, np.int64),
        np.array(terms, np.uint64),
        np.array(sides, np.bool_),
    )
