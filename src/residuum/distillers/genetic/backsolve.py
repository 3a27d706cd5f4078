r"""Which ready-made run would make a formula right, if it stood in the place of a subtree?

The wanted values of the subtree follow from the data by inverting the operators on the way from the
root to it; each point counts by the slope of the formula there. Every block of the stock is then
tried with a factor and an offset by weighted least squares. Pawlak, Wieloch and Krawiec 2015,
doi:10.1109/TEVC.2014.2321259.
"""

from __future__ import annotations

import math

import numpy as np

from residuum.distillers.genetic.blocks import _binary_values, _unary_values
from residuum.distillers.genetic.compiled import compiled
from residuum.distillers.genetic.random import uniform
from residuum.distillers.genetic.trees import (
    ADD,
    ARITY,
    CONSTANT,
    COS,
    DIV,
    EXP,
    INTEGER_POWER,
    LITERAL,
    LOG,
    MUL,
    NEG,
    SIN,
    SQRT,
    SUB,
    TANH,
    VARIABLE,
    emit,
    emit_constant,
    start_of,
)
from residuum.distillers.genetic.variation import class_of

WINDOW = 1200  # blocks that are tried at once
_ROUND = 1e-7


@compiled
def _forward(codes, args, constants, length, probes, table):
    """Write the values of every instruction on the probe points; False for a rare operator."""
    for i in range(length):
        code = codes[i]
        if code == VARIABLE:
            table[i] = probes[args[i]]
        elif code == CONSTANT:
            table[i] = constants[0, args[i]]
        elif code == LITERAL:
            table[i] = float(args[i])
        elif code == NEG:
            table[i] = -table[i - 1]
        elif ARITY[code] == 1:
            if not (code == INTEGER_POWER or SQRT <= code <= COS or code == TANH):
                return False
            _unary_values(code, args[i], table[i - 1], table[i])
        elif ADD <= code <= DIV:
            _binary_values(code, table[start_of(codes, i - 1) - 1], table[i - 1], table[i])
        else:
            return False
    return True


@compiled
def _invert_unary(code, arg, value, inner, target, slope):
    """Turn wanted values of an operator of one operand into those of its operand, in place."""
    for j in range(len(target)):
        t, x, y = target[j], inner[j], value[j]
        if code == NEG:
            target[j] = -t
        elif code == INTEGER_POWER:
            slope[j] *= abs(arg * y / x)
            size = abs(t) ** (1.0 / arg)
            if arg % 2 == 0:
                target[j] = (size if x >= 0.0 else -size) if t >= 0.0 else math.nan
            else:
                target[j] = size if t >= 0.0 else -size
        elif code == SQRT:
            slope[j] *= abs(0.5 / y)
            target[j] = t * t if t >= 0.0 else math.nan
        elif code == EXP:
            slope[j] *= abs(y)
            target[j] = math.log(t) if t > 0.0 else math.nan
        elif code == LOG:
            slope[j] *= abs(1.0 / x)
            target[j] = math.exp(t) if t < 300.0 else math.nan
        elif code == SIN:
            slope[j] *= abs(math.cos(x))
            target[j] = math.asin(t) if abs(t) <= 1.0 else math.nan
        elif code == COS:
            slope[j] *= abs(math.sin(x))
            target[j] = math.acos(t) if abs(t) <= 1.0 else math.nan
        else:
            slope[j] *= 1.0 - y * y
            target[j] = math.atanh(t) if abs(t) < 1.0 else math.nan


@compiled
def _invert_binary(code, left, other, target, slope):
    """The same for an operator of two operands, of which the `other` one has these values."""
    for j in range(len(target)):
        t, v = target[j], other[j]
        if code == ADD:
            target[j] = t - v
        elif code == SUB:
            target[j] = t + v if left else v - t
        elif code == MUL:
            slope[j] *= abs(v)
            target[j] = t / v if v != 0.0 else math.nan
        elif left:
            slope[j] *= abs(1.0 / v)
            target[j] = t * v
        else:
            slope[j] *= abs(t * t / v) if v != 0.0 else math.nan
            target[j] = v / t if t != 0.0 else math.nan


@compiled
def wanted_values(codes, args, constants, length, node, probes, table, target, slope):
    """Turn the formula's wanted values into those of the subtree that ends at `node`, in place."""
    if not _forward(codes, args, constants, length, probes, table):
        return False
    at = length - 1
    while at != node:
        code, b = codes[at], at - 1
        if ARITY[code] == 1:
            _invert_unary(code, args[at], table[at], table[b], target, slope)
            at = b
            continue
        a = start_of(codes, b) - 1
        left = node <= a
        _invert_binary(code, left, table[b] if left else table[a], target, slope)
        at = a if left else b
    known = 0
    for j in range(len(target)):
        good = math.isfinite(target[j]) and math.isfinite(slope[j])
        known += good
        if not good:
            target[j], slope[j] = 0.0, 0.0
    return 4 * known >= 3 * len(target)


@compiled
def _best(blocks, low, high, target, weight, fit):
    """Return the block that fits best with a factor and perhaps an offset, which go to `fit[2]`."""
    sw = st = stt = 0.0
    m = len(target)
    for j in range(m):
        sw += weight[j]
        st += weight[j] * target[j]
        stt += weight[j] * target[j] * target[j]
    best, chosen, tiny = math.inf, -1, 1e-20 * stt
    for q in range(low, high):
        row = blocks.values[blocks.order[q]]
        se = see = set_ = 0.0
        for j in range(m):
            x = weight[j] * row[j]
            se += x
            see += x * row[j]
            set_ += x * target[j]
        if not (see > 0.0 and math.isfinite(see)):
            continue
        plain = stt - set_ * set_ / see
        # Blocks come by complexity: a longer one must be better, not equal up to rounding.
        if plain < 0.999 * best - tiny:
            best, chosen = plain, blocks.order[q]
            fit[0], fit[1] = set_ / see, 0.0
        spread = see - se * se / sw
        if spread > 1e-12 * see:
            cross = set_ - se * st / sw
            both = (stt - st * st / sw) - cross * cross / spread
            # An offset is one more constant: it must do much better.
            if 3.0 * both + tiny < 0.999 * best:
                best, chosen = 3.0 * both, blocks.order[q]
                fit[0] = cross / spread
                fit[1] = (st - fit[0] * se) / sw
    return chosen


@compiled
def emit_backsolved(draft, blocks, classes, unit, free, known, target, weight, constants, state):
    """Append the block that fits the wanted values best, with its factor; False if none does."""
    low, high = 0, len(blocks.order)
    if known and not free and uniform(state) < 0.75:
        k = class_of(unit, classes)
        if k >= 0:
            low, high = blocks.first[k], blocks.first[k + 1]
    if high - low > WINDOW:
        low += int(uniform(state) * (high - low - WINDOW))
        high = low + WINDOW
    fit = np.zeros(2)
    index = _best(blocks, low, high, target, weight, fit)
    if index < 0 or not math.isfinite(fit[0]) or fit[0] == 0.0:
        return False
    for i in range(blocks.length[index]):
        emit(draft, blocks.codes[index, i], blocks.args[index, i])
    if not constants:
        return True
    if abs(fit[0] - 1.0) > _ROUND:
        emit_constant(draft, fit[0])
        emit(draft, MUL, 0)
    if fit[1] != 0.0:
        emit_constant(draft, fit[1])
        emit(draft, ADD, 0)
    return True
