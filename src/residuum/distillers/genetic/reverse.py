"""Derivatives of a program by its constants: one sweep from the result back to the leaves.

Only instructions that depend on a fitted constant are visited. An adjoint is written once, by
the instruction above, since a formula is a tree.
"""

from __future__ import annotations

import math

import numpy as np

from residuum.distillers.genetic.compiled import compiled, inlined, merged
from residuum.distillers.genetic.machine import (
    ABS,
    ACOS,
    ADD_RIGHT,
    ASIN,
    ATAN,
    COS,
    COSH,
    DIV_LEFT,
    DIV_RIGHT,
    EXP,
    LOG,
    MUL_RIGHT,
    NEG,
    SIN,
    SINH,
    SQRT,
    SUB_LEFT,
    SUB_RIGHT,
    TAN,
    TANH,
    cosine,
    padded,
    power,
    sine,
)
from residuum.distillers.genetic.planning import (
    ACTIVE,
    ADD,
    ADJOINT,
    DIV,
    EXPONENT,
    MAX,
    MIN,
    MUL,
    NOWHERE,
    OP,
    POW,
    SPREAD,
    SUB,
    TO_A,
    TO_B,
    A,
    B,
)
from residuum.expressions.program import INTEGER_POWER


@inlined
def _place(target, start, stride, adjoints, step):
    """Return where a derivative goes: a Jacobian row at this block, or an adjoint slot."""
    if target >= 0:
        return adjoints + target * step
    return (-2 - target) * stride + start if target < NOWHERE else -1


@compiled
def backward(m, loaded, start, size, base, stride, adjoints, work):
    """Write the Jacobian rows of one block, in `work.adjoint` at distances of `stride`.

    The block's values stand at `base`; its root adjoint stands at `adjoints` of the same array.
    """
    table, v, d, scalars = work.plan, work.values, work.adjoint, work.scalars
    step = padded(size)
    for i in range(m - 1, -1, -1):
        if not work.nodes[ACTIVE, i]:
            continue
        op, own = table[i, OP], adjoints + table[i, ADJOINT] * step
        a, b, value = table[i, A], table[i, B], base + (loaded + i) * step
        x, y = base + a * step, base + b * step
        p = _place(table[i, TO_A], start, stride, adjoints, step)
        q = _place(table[i, TO_B], start, stride, adjoints, step)
        if op == MUL_RIGHT:
            if p >= 0:
                c = scalars[b]
                for j in range(size):
                    d[p + j] = d[own + j] * c
            if q >= 0:
                _times(q, own, x, size, d, v)
        elif op == MUL:
            if p >= 0:
                _times(p, own, y, size, d, v)
            if q >= 0:
                _times(q, own, x, size, d, v)
        elif op == ADD or op == ADD_RIGHT or op == SUB or op == SUB_RIGHT or op == SPREAD:
            _sum(op, own, p, q, size, d)
        elif op == SUB_LEFT:
            _sum(SUB, own, p, q, size, d)
        elif op == DIV or op == DIV_LEFT or op == DIV_RIGHT:
            _quotient(
                op,
                own,
                p,
                q,
                value,
                y,
                scalars[b] if op == DIV_RIGHT else 0.0,
                scalars[a] if op == DIV_LEFT else 0.0,
                size,
                d,
                v,
            )
        elif op == POW or op == MIN or op == MAX:
            _rare_binary(op, own, p, q, value, x, y, size, d, v)
        elif op == INTEGER_POWER:
            n = table[i, EXPONENT]
            if n == 2:
                for j in range(size):
                    d[p + j] = 2.0 * d[own + j] * v[x + j]
            else:
                power(p, x, n - 1, size, d, v)
                for j in range(size):
                    d[p + j] *= n * d[own + j]
        else:
            _unary(op, own, p, value, x, size, d, v)


@inlined
def _times(to, own, x, size, d, v):
    for j in range(size):
        d[to + j] = d[own + j] * v[x + j]


@compiled
def _sum(op, own, p, q, size, d):
    if p >= 0:
        for j in range(size):
            d[p + j] = d[own + j]
    if q >= 0:
        sign = -1.0 if op == SUB or op == SUB_RIGHT else 1.0
        for j in range(size):
            d[q + j] = sign * d[own + j]


@compiled
def _quotient(op, own, p, q, value, y, divisor, dividend, size, d, v):
    if op == DIV_RIGHT:
        inverse = 1.0 / divisor
        if p >= 0:
            for j in range(size):
                d[p + j] = d[own + j] * inverse
        if q >= 0:
            for j in range(size):
                d[q + j] = -d[own + j] * v[value + j] * inverse
        return
    if p >= 0:
        for j in range(size):
            d[p + j] = d[own + j] / v[y + j]
    if q >= 0:
        for j in range(size):
            d[q + j] = -d[own + j] * v[value + j] / v[y + j]


@compiled
def _rare_binary(op, own, p, q, value, x, y, size, d, v):
    for j in range(size):
        left, right = v[x + j], v[y + j]
        if op == POW:
            by_left = right * left ** (right - 1.0)
            by_right = v[value + j] * math.log(left) if left > 0.0 else np.nan
            if left == 0.0 and right > 0.0:
                by_right = 0.0
        else:
            first = left <= right if op == MIN else left >= right
            by_left, by_right = (1.0, 0.0) if first else (0.0, 1.0)
        if p >= 0:
            d[p + j] = d[own + j] * by_left
        if q >= 0:
            d[q + j] = d[own + j] * by_right


@merged
def _unary(op, own, p, value, x, size, d, v):
    if op == EXP:
        _times(p, own, value, size, d, v)
    elif op == SIN:
        cosine(p, x, size, d, v)
        for j in range(size):
            d[p + j] *= d[own + j]
    elif op == COS:
        sine(p, x, size, d, v)
        for j in range(size):
            d[p + j] *= -d[own + j]
    elif op == NEG:
        for j in range(size):
            d[p + j] = -d[own + j]
    elif op == LOG:
        for j in range(size):
            d[p + j] = d[own + j] / v[x + j]
    elif op == SQRT:
        for j in range(size):
            d[p + j] = 0.5 * d[own + j] / v[value + j]
    elif op == TANH:
        for j in range(size):
            d[p + j] = d[own + j] * (1.0 - v[value + j] * v[value + j])
    elif op == ABS:
        for j in range(size):
            z = v[x + j]
            d[p + j] = d[own + j] if z > 0.0 else (-d[own + j] if z < 0.0 else 0.0)
    else:
        _rare(op, own, p, value, x, size, d, v)


@compiled
def _rare(op, own, p, value, x, size, d, v):
    for j in range(size):
        z, slope = v[x + j], 0.0
        if op == TAN:
            slope = 1.0 + v[value + j] * v[value + j]
        elif op == SINH:
            slope = math.cosh(z)
        elif op == COSH:
            slope = math.sinh(z)
        elif op == ATAN:
            slope = 1.0 / (1.0 + z * z)
        elif op == ASIN:
            slope = 1.0 / math.sqrt(1.0 - z * z)
        elif op == ACOS:
            slope = -1.0 / math.sqrt(1.0 - z * z)
        d[p + j] = d[own + j] * slope
