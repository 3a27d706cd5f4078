"""Dimensional analysis of postfix formulas: what is inconsistent is never evaluated.

A unit is a vector of exponents of the base dimensions, in twelfths, so that roots stay whole. The
unit of a formula follows from its operands; that of a constant is free (a wildcard) and follows
from its surroundings: it is whatever makes them consistent. Constants that turn out to carry
units are counted, since each of them can hide a missing argument.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from residuum.distillers.genetic.compiled import compiled
from residuum.distillers.genetic.trees import (
    ABS,
    ADD,
    ARITY,
    CONSTANT,
    DIV,
    INTEGER_POWER,
    MAX,
    MAX_NODES,
    MIN,
    MUL,
    NEG,
    POW,
    SIGN,
    SQRT,
    SUB,
    VARIABLE,
    start_of,
)

TWELFTHS = 12


class Units(NamedTuple):
    """Units `given[p, d]` of the variables and `value[d]`, in twelfths; `known` says if any are."""

    known: bool
    given: np.ndarray
    value: np.ndarray
    wildcards: int


class UnitScratch(NamedTuple):
    """The unit of every instruction, whether it is free, and the demands put on it."""

    unit: np.ndarray
    free: np.ndarray
    demand: np.ndarray
    demanded: np.ndarray
    stack: np.ndarray


def new_unit_scratch(dimensions: int) -> UnitScratch:
    """Return scratch for formulas of up to `MAX_NODES` instructions."""
    return UnitScratch(
        np.zeros((MAX_NODES, dimensions), dtype=np.int64),
        np.zeros(MAX_NODES, dtype=np.bool_),
        np.zeros((MAX_NODES, dimensions), dtype=np.int64),
        np.zeros(MAX_NODES, dtype=np.bool_),
        np.zeros(MAX_NODES, dtype=np.int64),
    )


@compiled
def _is_zero(row):
    for x in row:
        if x != 0:
            return False
    return True


@compiled
def _same(a, b):
    for i in range(len(a)):
        if a[i] != b[i]:
            return False
    return True


@compiled
def _unary(code, arg, i, below, w):
    """Infer the unit of an operator of one operand; False where it cannot have one."""
    w.free[i] = w.free[below]
    w.unit[i] = w.unit[below]
    if code == NEG or code == ABS:
        return True
    if code == INTEGER_POWER:
        w.unit[i] = w.unit[below] * arg
        return True
    if code == SQRT:
        for d in range(w.unit.shape[1]):
            if w.unit[below, d] % 2 != 0:
                return False
        w.unit[i] = w.unit[below] // 2
        return True
    w.free[i] = False
    w.unit[i] = 0
    return code == SIGN or w.free[below] or _is_zero(w.unit[below])


@compiled
def _binary(code, i, a, b, codes, w):
    """Infer the unit of an operator of two operands; False where they do not fit."""
    if code == MUL or code == DIV:
        w.free[i] = w.free[a] or w.free[b]
        sign = 1 if code == MUL else -1
        w.unit[i] = 0
        if not w.free[i]:
            w.unit[i] = w.unit[a] + sign * w.unit[b]
        return True
    if code == ADD or code == SUB or code == MIN or code == MAX:
        w.free[i] = w.free[a] and w.free[b]
        w.unit[i] = w.unit[b] if w.free[a] else w.unit[a]
        return w.free[a] or w.free[b] or _same(w.unit[a], w.unit[b])
    # A power with a fitted exponent has no unit of its own: its base must be a pure number.
    w.free[i] = False
    w.unit[i] = 0
    base = w.free[a] or _is_zero(w.unit[a])
    return base and (w.free[b] or _is_zero(w.unit[b]))


@compiled
def infer(codes, args, size, units, w):
    """Write the unit of every instruction; return whether the formula is consistent inside."""
    top = 0
    for i in range(size):
        code = codes[i]
        arity = ARITY[code]
        if arity == 0:
            w.free[i] = code == CONSTANT
            w.unit[i] = 0
            if code == VARIABLE:
                w.unit[i] = units.given[args[i]]
            w.stack[top] = i
            top += 1
        elif arity == 1:
            if not _unary(code, args[i], i, w.stack[top - 1], w):
                return False
            w.stack[top - 1] = i
        else:
            if not _binary(code, i, w.stack[top - 2], w.stack[top - 1], codes, w):
                return False
            w.stack[top - 2] = i
            top -= 1
    return True


@compiled
def _demand(w, i, row, known):
    w.demanded[i] = known
    if known:
        w.demand[i] = row


@compiled
def _pass_down(codes, args, i, w):
    """Tell the operands of an instruction which unit they must have, where that is known."""
    code, known = codes[i], w.demanded[i]
    if not known and not w.free[i]:
        w.demand[i] = w.unit[i]
        known = True
    b = i - 1
    if ARITY[code] == 1:
        if code == NEG or code == ABS:
            _demand(w, b, w.demand[i], known)
        elif code == INTEGER_POWER:
            # Demands that are no whole multiple are met by a wildcard inside.
            _demand(w, b, w.demand[i] // args[i], known)
        elif code == SQRT:
            _demand(w, b, w.demand[i] * 2, known)
        else:
            _demand(w, b, w.demand[i] * 0, code != SIGN)
        return
    a = start_of(codes, b) - 1
    if code == ADD or code == SUB or code == MIN or code == MAX:
        _demand(w, a, w.demand[i], known)
        _demand(w, b, w.demand[i], known)
    elif code == POW:
        _demand(w, a, w.demand[i] * 0, True)
        _demand(w, b, w.demand[i] * 0, True)
    else:
        sign = 1 if code == MUL else -1
        if not w.free[a]:
            _demand(w, a, w.unit[a], True)
            _demand(w, b, sign * (w.demand[i] - w.unit[a]), known)
        elif not w.free[b]:
            _demand(w, b, w.unit[b], True)
            _demand(w, a, w.demand[i] - sign * w.unit[b], known)
        else:
            # Either may carry the unit: let the second, a constant in normal form, carry it.
            _demand(w, a, w.demand[i] * 0, True)
            _demand(w, b, sign * w.demand[i], known)


@compiled
def wildcards_needed(codes, args, size, units, wrap, w):
    """Return how many constants carry units, the scale and the offset among them; -1: none will do.

    The scale is `value / core`, so it carries a unit unless the core has the value's own. A
    constant that stands in several places (an unknown function that is called twice) must have
    one unit in all of them.
    """
    if not infer(codes, args, size, units, w):
        return -1
    last = size - 1
    count = 0
    if w.free[last]:
        # The scale can be a pure number: the inner constants then carry the value's unit.
        _demand(w, last, units.value, True)
    else:
        _demand(w, last, w.unit[last], True)
        if not _same(w.unit[last], units.value):
            if wrap == 0:
                return -1
            count += 1
    if wrap == 2 and not _is_zero(units.value):
        count += 1
    w.stack[:] = -1  # from here on: where each constant was met
    for i in range(last, -1, -1):
        if ARITY[codes[i]]:
            _pass_down(codes, args, i, w)
        elif codes[i] == CONSTANT and w.demanded[i]:
            met = w.stack[args[i]]
            w.stack[args[i]] = i
            if met >= 0:
                if not _same(w.demand[met], w.demand[i]):
                    return -1
            elif not _is_zero(w.demand[i]):
                count += 1
    return count
