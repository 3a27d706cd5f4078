"""All short formulas without constants, one of each behaviour: the stock that the search draws on.

Built bottom up by complexity: every operator on every shorter formula, in a fixed order. A formula
whose values on the probe points are a multiple of an earlier one's is left out, so algebraic
identities cost nothing; with units, so is what is inconsistent. Where a level has more
formulas than room, a random share of it is tried. Enumeration with observational equivalence:
Udupa et al. 2013, doi:10.1145/2491956.2462174.
"""

from __future__ import annotations

import math

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


@compiled
def _enumerate(probes, operators, powers, given, known, cost, most, state):
    p, m = probes.shape
    dims = given.shape[1]
    codes = np.zeros((most, BLOCK_NODES), np.int16)
    args = np.zeros((most, BLOCK_NODES), np.int16)
    length = np.zeros(most, np.int64)
    values = np.zeros((most, m))
    unit = np.zeros((most, dims), np.int64)
    complexity = np.zeros(most, np.int64)
    special = np.zeros(most, np.bool_)  # holds a transcendental operator: those do not nest
    table = np.zeros(1 << 16, np.uint64)
    row, u = np.zeros(m), np.zeros(dims, np.int64)
    level = np.zeros(LARGEST_BLOCK + 2, np.int64)  # where each complexity begins
    count = 0
    # The number one: sums such as 1 + x**2. Its values are constant, so it is entered by hand.
    codes[0, 0], args[0, 0], length[0], complexity[0] = LITERAL, 1, 1, 1
    values[0] = 1.0
    count = 1
    for k in range(p):
        row[:] = probes[k]
        if count < most and _is_new(row, given[k], table):
            codes[count, 0], args[count, 0], length[count] = VARIABLE, k, 1
            values[count] = row
            unit[count] = given[k]
            complexity[count] = 1
            count += 1
    level[1], level[2] = 0, count
    for c in range(2, LARGEST_BLOCK + 1):
        # Operators of one operand, then of two, on what is there.
        for o in range(len(operators) + len(powers)):
            is_power = o >= len(operators)
            code = INTEGER_POWER if is_power else operators[o]
            power = int(powers[o - len(operators)]) if is_power else 0
            own = cost[code]
            if code == ADD or code == SUB or code == MUL or code == DIV:
                continue
            below_c = c - own
            if below_c < 1:
                continue
            for i in range(level[below_c], level[below_c + 1]):
                transcendental = not is_power and code != SQRT
                if count >= most or (transcendental and special[i]):
                    continue
                if length[i] + 1 > BLOCK_NODES or (
                    codes[i, length[i] - 1] == INTEGER_POWER and is_power
                ):
                    continue
                if not _unary_unit(code, power, unit[i], known, u):
                    continue
                _unary_values(code, power, values[i], row)
                if not _is_new(row, u, table):
                    continue
                n = length[i]
                codes[count, :n], args[count, :n] = codes[i, :n], args[i, :n]
                codes[count, n], args[count, n] = code, power
                length[count] = n + 1
                values[count], unit[count], complexity[count] = row, u, c
                special[count] = special[i] or transcendental
                count += 1
        room = most - count
        total = 0
        for a in range(1, c - 1):
            b = c - 1 - a
            total += (level[a + 1] - level[a]) * (level[b + 1] - level[b])
        share = 1.0 if 4 * total < 6 * room else (6.0 * room) / (4.0 * total + 1.0)
        for a in range(1, c - 1):
            b = c - 1 - a
            na, nb = level[a + 1] - level[a], level[b + 1] - level[b]
            pairs = na * nb
            tries = pairs if share >= 1.0 else int(pairs * share)
            for t in range(tries):
                at = t if share >= 1.0 else below(state, pairs)
                i, j = level[a] + at // nb, level[b] + at % nb
                if length[i] + length[j] + 1 > BLOCK_NODES:
                    continue
                for o in range(len(operators)):
                    code = operators[o]
                    if code != ADD and code != SUB and code != MUL and code != DIV:
                        continue
                    if count >= most or ((code == ADD or code == MUL) and i < j):
                        continue
                    if code == ADD or code == SUB:
                        if known and not _same_unit(unit[i], unit[j]):
                            continue
                        u[:] = unit[i]
                    elif code == MUL:
                        u[:] = unit[i] + unit[j]
                    else:
                        u[:] = unit[i] - unit[j]
                    _binary_values(code, values[i], values[j], row)
                    if not _is_new(row, u, table):
                        continue
                    n, k = length[i], length[j]
                    codes[count, :n], args[count, :n] = codes[i, :n], args[i, :n]
                    codes[count, n : n + k], args[count, n : n + k] = codes[j, :k], args[j, :k]
                    codes[count, n + k] = code
                    length[count] = n + k + 1
                    values[count], unit[count], complexity[count] = row, u, c
                    special[count] = special[i] or special[j]
                    count += 1
        level[c + 1] = count
        if count >= most:
            break
    return (
        codes[:count],
        args[:count],
        length[:count],
        values[:count],
        unit[:count],
        complexity[:count],
    )
