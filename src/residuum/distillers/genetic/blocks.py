"""All short formulas without constants, one of each behaviour: the stock that the search draws on.

Built bottom up by complexity: every operator on every shorter formula, in a fixed order. A formula
whose values on the probe points are a multiple of an earlier one's is left out, so algebraic
identities cost nothing; with units, so is what is inconsistent. Where a level has more
formulas than room, a random share of it is tried. Enumeration with observational equivalence:
Udupa et al. 2013, doi:10.1145/2491956.2462174.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from residuum.distillers.genetic.compiled import compiled
from residuum.distillers.genetic.dimensions import Units
from residuum.distillers.genetic.random import below, mix, new_state
from residuum.distillers.genetic.trees import (
    ADD,
    COS,
    DIV,
    EXP,
    INTEGER_POWER,
    LITERAL,
    LOG,
    MUL,
    SIN,
    SQRT,
    SUB,
    TANH,
    VARIABLE,
)
from residuum.distillers.genetic.variation import Blocks, Language

BLOCK_NODES = 24
PROBES = 96
MOST_BLOCKS = 4000
LARGEST_BLOCK = 11
# Values that spread over more than this on the probe points are of no use to any sum.
_SPREAD = 1e14


def build_blocks(
    probes: np.ndarray,
    language: Language,
    units: Units,
    cost: np.ndarray,
    *,
    most: int = MOST_BLOCKS,
    seed: int = 0,
) -> tuple[Blocks, np.ndarray, np.ndarray]:
    """Return the blocks, their classes of units `[k, d]` and their complexities.

    `probes[p, m]` are the values of the arguments.
    """
    operators = [int(c) for c in (*language.unary, *language.binary)]
    known = np.array(
        [c for c in (SQRT, EXP, LOG, SIN, COS, TANH, ADD, SUB, MUL, DIV) if c in operators],
        dtype=np.int64,
    )
    codes, args, length, values, unit, complexity = _enumerate(
        probes, known, language.powers, units.given, units.known, cost, most, new_state(seed)
    )
    if units.known:
        classes, index = np.unique(unit, axis=0, return_inverse=True)
    else:
        classes, index = np.zeros((1, unit.shape[1]), np.int64), np.zeros(len(length), np.int64)
    index = index.reshape(-1)
    order = np.argsort(index, kind="stable")
    first = np.searchsorted(index[order], np.arange(len(classes) + 1))
    blocks = Blocks(codes, args, length, values, index, order, first)
    return blocks, np.ascontiguousarray(classes), complexity


@compiled
def _hash(v):
    """Return a hash of the values that forgets their scale; zero where they are of no use."""
    peak, at = 0.0, 0
    low = math.inf
    for j in range(len(v)):
        if not math.isfinite(v[j]):
            return np.uint64(0)
        size = abs(v[j])
        low = min(low, size)
        if size > peak * 1.0000001:
            peak, at = size, j
    if peak == 0.0 or peak > 1e150 or peak < 1e-150:
        return np.uint64(0)
    total, h = 0.0, np.uint64(1469598103934665603)
    for j in range(len(v)):
        x = v[j] / v[at]
        total += abs(x - 1.0)
        h = mix(h ^ np.uint64(np.int64(np.round(x * 1e8)) + 4611686018427387904))
    if total < 1e-9 * len(v):
        return np.uint64(0)  # a constant
    return h


@compiled
def _unary_values(code, power, v, out):
    for j in range(len(v)):
        x = v[j]
        if code == INTEGER_POWER:
            out[j] = x ** float(power)
        elif code == SQRT:
            out[j] = math.sqrt(x) if x >= 0.0 else math.nan
        elif code == EXP:
            out[j] = math.exp(x) if x < 300.0 else math.nan
        elif code == LOG:
            out[j] = math.log(x) if x > 0.0 else math.nan
        elif code == SIN:
            out[j] = math.sin(x)
        elif code == COS:
            out[j] = math.cos(x)
        else:
            out[j] = math.tanh(x)


@compiled
def _binary_values(code, a, b, out):
    for j in range(len(a)):
        if code == ADD:
            out[j] = a[j] + b[j]
        elif code == SUB:
            out[j] = a[j] - b[j]
        elif code == MUL:
            out[j] = a[j] * b[j]
        else:
            out[j] = a[j] / b[j] if b[j] != 0.0 else math.nan


@compiled
def _same_unit(a, b):
    for d in range(len(a)):
        if a[d] != b[d]:
            return False
    return True


@compiled
def _unary_unit(code, power, unit, known, out):
    """Write the unit of an operator of one operand; False where it has none."""
    out[:] = 0
    if not known:
        return True
    if code == INTEGER_POWER:
        out[:] = unit * power
        return True
    for d in range(len(unit)):
        if code == SQRT:
            if unit[d] % 2 != 0:
                return False
            out[d] = unit[d] // 2
        elif unit[d] != 0:
            return False
    return True


@compiled
def _is_new(v, unit, table):
    """Enter values and their unit into the open table; False where they stood there already."""
    h = _hash(v)
    if h == np.uint64(0):
        return False
    for power in unit:
        h = mix(h ^ np.uint64(np.int64(power) + 4611686018427387904))
    mask = np.uint64(len(table) - 1)
    at = h & mask
    while table[at] != np.uint64(0):
        if table[at] == h:
            return False
        at = (at + np.uint64(1)) & mask
    table[at] = h
    return True


class _Stock(NamedTuple):
    """Blocks as they are entered; `filled[0]` says how many there are."""

    codes: np.ndarray
    args: np.ndarray
    length: np.ndarray
    values: np.ndarray
    unit: np.ndarray
    complexity: np.ndarray
    special: np.ndarray  # holds a transcendental operator: those do not nest
    table: np.ndarray
    filled: np.ndarray


@compiled
def _enumerate(probes, operators, powers, given, known, cost, most, state):
    """Return all blocks by complexity, as many as there is room for."""
    stock = _Stock(
        np.zeros((most, BLOCK_NODES), np.int16),
        np.zeros((most, BLOCK_NODES), np.int16),
        np.zeros(most, np.int64),
        np.zeros((most, probes.shape[1])),
        np.zeros((most, given.shape[1]), np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.bool_),
        np.zeros(1 << 16, np.uint64),
        np.zeros(1, np.int64),
    )
    row, u = np.zeros(probes.shape[1]), np.zeros(given.shape[1], np.int64)
    level = np.zeros(LARGEST_BLOCK + 2, np.int64)  # where each complexity begins
    _enter_leaves(stock, probes, given)
    level[1], level[2] = 0, stock.filled[0]
    for c in range(2, LARGEST_BLOCK + 1):
        for code in operators:
            if not ADD <= code <= DIV:
                _extend_all(stock, level, c, code, 0, cost[code], known, row, u)
        for power in powers:
            code = INTEGER_POWER
            _extend_all(stock, level, c, code, int(power), cost[code], known, row, u)
        _join_all(stock, level, c, operators, known, state, row, u)
        level[c + 1] = stock.filled[0]
        if stock.filled[0] >= most:
            break
    n = stock.filled[0]
    return (
        stock.codes[:n],
        stock.args[:n],
        stock.length[:n],
        stock.values[:n],
        stock.unit[:n],
        stock.complexity[:n],
    )


@compiled
def _enter_leaves(stock, probes, given):
    # The number one: sums such as 1 + x**2. Its values are constant, so it is entered by hand.
    stock.codes[0, 0], stock.args[0, 0] = LITERAL, 1
    stock.length[0], stock.complexity[0], stock.filled[0] = 1, 1, 1
    stock.values[0] = 1.0
    for k in range(len(probes)):
        count = stock.filled[0]
        if count < len(stock.length) and _is_new(probes[k], given[k], stock.table):
            stock.codes[count, 0], stock.args[count, 0] = VARIABLE, k
            stock.length[count] = 1
            _enter(stock, probes[k], given[k], 1, False)


@compiled
def _enter(stock, row, u, complexity, special):
    """Enter the block whose instructions stand in the next place."""
    count = stock.filled[0]
    stock.values[count], stock.unit[count] = row, u
    stock.complexity[count], stock.special[count] = complexity, special
    stock.filled[0] = count + 1


@compiled
def _extend_all(stock, level, c, code, power, own, known, row, u):
    """Enter an operator of one operand on every block that makes complexity `c`."""
    if c - own < 1:
        return
    transcendental = code != INTEGER_POWER and code != SQRT
    for i in range(level[c - own], level[c - own + 1]):
        n, count = stock.length[i], stock.filled[0]
        if count >= len(stock.length) or n + 1 > BLOCK_NODES:
            continue
        if transcendental and stock.special[i]:
            continue
        if code == INTEGER_POWER and stock.codes[i, n - 1] == INTEGER_POWER:
            continue
        if not _unary_unit(code, power, stock.unit[i], known, u):
            continue
        _unary_values(code, power, stock.values[i], row)
        if not _is_new(row, u, stock.table):
            continue
        stock.codes[count, :n], stock.args[count, :n] = stock.codes[i, :n], stock.args[i, :n]
        stock.codes[count, n], stock.args[count, n] = code, power
        stock.length[count] = n + 1
        _enter(stock, row, u, c, stock.special[i] or transcendental)


@compiled
def _join_all(stock, level, c, operators, known, state, row, u):
    """Enter operators of two operands on pairs of complexity `c`, drawn where they are too many."""
    room = len(stock.length) - stock.filled[0]
    total = 0
    for a in range(1, c - 1):
        b = c - 1 - a
        total += (level[a + 1] - level[a]) * (level[b + 1] - level[b])
    share = 1.0 if 4 * total < 6 * room else (6.0 * room) / (4.0 * total + 1.0)
    for a in range(1, c - 1):
        b = c - 1 - a
        nb = level[b + 1] - level[b]
        pairs = (level[a + 1] - level[a]) * nb
        for t in range(pairs if share >= 1.0 else int(pairs * share)):
            at = t if share >= 1.0 else below(state, pairs)
            i, j = level[a] + at // nb, level[b] + at % nb
            if stock.length[i] + stock.length[j] + 1 > BLOCK_NODES:
                continue
            for code in operators:
                if ADD <= code <= DIV:
                    _join(stock, i, j, c, code, known, row, u)


@compiled
def _join(stock, i, j, c, code, known, row, u):
    """Enter an operator on two blocks, unless units or order forbid it or it is known."""
    count = stock.filled[0]
    if count >= len(stock.length) or ((code == ADD or code == MUL) and i < j):
        return
    if code == ADD or code == SUB:
        if known and not _same_unit(stock.unit[i], stock.unit[j]):
            return
        u[:] = stock.unit[i]
    elif code == MUL:
        u[:] = stock.unit[i] + stock.unit[j]
    else:
        u[:] = stock.unit[i] - stock.unit[j]
    _binary_values(code, stock.values[i], stock.values[j], row)
    if not _is_new(row, u, stock.table):
        return
    n, k = stock.length[i], stock.length[j]
    stock.codes[count, :n], stock.args[count, :n] = stock.codes[i, :n], stock.args[i, :n]
    stock.codes[count, n : n + k] = stock.codes[j, :k]
    stock.args[count, n : n + k] = stock.args[j, :k]
    stock.codes[count, n + k] = code
    stock.length[count] = n + k + 1
    _enter(stock, row, u, c, stock.special[i] or stock.special[j])
