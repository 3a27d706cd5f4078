"""The value of one program on all rows, block by block, so that values stay in the cache.

Nothing is protected: outside an operator's domain the value is NaN, as in numpy.
"""

from __future__ import annotations

import math

import numpy as np

from residuum.distillers.genetic import functions
from residuum.distillers.genetic.compiled import compiled, inlined, merged
from residuum.distillers.genetic.planning import (
    ADD,
    COPY,
    DIV,
    EXPONENT,
    LEFT,
    LOADED,
    MAX,
    MIN,
    MUL,
    OP,
    POW,
    RIGHT,
    ROW_OF,
    SPREAD,
    SUB,
    A,
    B,
    plan,
)
from residuum.distillers.genetic.workspace import BLOCK
from residuum.expressions.primitives import PRIMITIVES
from residuum.expressions.program import INTEGER_POWER

NEG, ABS, SQRT, EXP = (PRIMITIVES[s].opcode for s in ("neg", "abs", "sqrt", "exp"))
LOG, SIN, COS, TAN = (PRIMITIVES[s].opcode for s in ("log", "sin", "cos", "tan"))
TANH, SINH, COSH = (PRIMITIVES[s].opcode for s in ("tanh", "sinh", "cosh"))
ASIN, ACOS, ATAN, SIGN = (PRIMITIVES[s].opcode for s in ("asin", "acos", "atan", "sign"))
DIV_RIGHT, SUB_RIGHT, DIV_LEFT, SUB_LEFT = DIV + RIGHT, SUB + RIGHT, DIV + LEFT, SUB + LEFT
ADD_RIGHT, MUL_RIGHT = ADD + RIGHT, MUL + RIGHT


@compiled
def evaluate(codes, args, length, constants, data, work, out):
    """Write the value of a program on every row of `data` to `out[n]`.

    `constants[E, k]` holds a row for each experiment, or one for all.
    """
    count = constants.shape[1]
    for k in range(count):
        work.columns[ROW_OF, k] = -1
    m, loaded, _ = plan(codes, args, length, count, np.int64(0), work)
    experiments = constants.shape[0]
    for e in range(experiments):
        for k in range(count):
            work.scalars[k] = constants[e, k]
        first, last = rows_of(e, experiments, data)
        for start in range(first, last, BLOCK):
            size = min(BLOCK, last - start)
            load(start, size, loaded, np.int64(0), data, work)
            forward(m, loaded, size, np.int64(0), work)
            root = (loaded + m - 1) * padded(size)
            for j in range(size):
                out[start + j] = work.values[root + j]


@inlined
def rows_of(e, experiments, data):
    """Return the first row of an experiment and the one after its last."""
    if experiments == 1:
        return 0, len(data.y)
    return data.starts[e], data.starts[e + 1]


@inlined
def padded(size):
    """Return the distance of two slots: whole lines of the cache."""
    return (size + 7) & ~7


@compiled
def load(start, size, loaded, base, data, work):
    """Copy a block of the program's variables to the first slots."""
    step, values = padded(size), work.values
    for k in range(loaded):
        x, to = data.XT[work.nodes[LOADED, k]], base + k * step
        for j in range(size):
            values[to + j] = x[start + j]


@compiled
def forward(m, loaded, size, base, work):
    """Run the instructions on one block whose slots start at `base` of the values."""
    table, v, scalars = work.plan, work.values, work.scalars
    step = padded(size)
    for i in range(m):
        op, to = table[i, OP], base + (loaded + i) * step
        a, b = table[i, A], table[i, B]
        x, y = base + a * step, base + b * step
        if op == MUL_RIGHT:
            c = scalars[b]
            for j in range(size):
                v[to + j] = v[x + j] * c
        elif op == ADD_RIGHT:
            c = scalars[b]
            for j in range(size):
                v[to + j] = v[x + j] + c
        elif op == ADD:
            for j in range(size):
                v[to + j] = v[x + j] + v[y + j]
        elif op == MUL:
            for j in range(size):
                v[to + j] = v[x + j] * v[y + j]
        elif op == SUB:
            for j in range(size):
                v[to + j] = v[x + j] - v[y + j]
        elif op == DIV:
            for j in range(size):
                v[to + j] = v[x + j] / v[y + j]
        elif op < INTEGER_POWER + 1 or (op >= NEG and op < RIGHT):
            _unary(op, to, x, table[i, EXPONENT], size, v)
        elif op == SPREAD:
            c = scalars[a]
            for j in range(size):
                v[to + j] = c
        elif op == SUB_RIGHT:
            c = scalars[b]
            for j in range(size):
                v[to + j] = v[x + j] - c
        elif op == SUB_LEFT:
            c = scalars[a]
            for j in range(size):
                v[to + j] = c - v[y + j]
        elif op == DIV_RIGHT:
            c = scalars[b]
            for j in range(size):
                v[to + j] = v[x + j] / c
        elif op == DIV_LEFT:
            c = scalars[a]
            for j in range(size):
                v[to + j] = c / v[y + j]
        elif op == COPY:
            for j in range(size):
                v[to + j] = v[x + j]
        elif op == MIN:
            for j in range(size):
                v[to + j] = v[x + j] if v[x + j] <= v[y + j] or v[x + j] != v[x + j] else v[y + j]
        elif op == MAX:
            for j in range(size):
                v[to + j] = v[x + j] if v[x + j] >= v[y + j] or v[x + j] != v[x + j] else v[y + j]
        elif op == POW:
            for j in range(size):
                v[to + j] = v[x + j] ** v[y + j]


@merged
def _unary(op, to, x, exponent, size, v):
    if op == INTEGER_POWER:
        power(to, x, exponent, size, v, v)
    elif op == EXP:
        for j in range(size):
            v[to + j] = functions.exp(v[x + j])
    elif op == SIN:
        sine(to, x, size, v, v)
    elif op == COS:
        cosine(to, x, size, v, v)
    elif op == LOG:
        for j in range(size):
            v[to + j] = functions.log(v[x + j])
    elif op == SQRT:
        for j in range(size):
            v[to + j] = math.sqrt(v[x + j])
    elif op == NEG:
        for j in range(size):
            v[to + j] = -v[x + j]
    elif op == ABS:
        for j in range(size):
            v[to + j] = abs(v[x + j])
    elif op == TANH:
        for j in range(size):
            v[to + j] = functions.tanh(v[x + j])
    else:
        _rare(op, to, x, size, v)


@compiled
def _rare(op, to, x, size, v):
    for j in range(size):
        z = v[x + j]
        if op == SIGN:
            v[to + j] = z if z != z else (1.0 if z > 0.0 else (-1.0 if z < 0.0 else 0.0))
        elif op == TAN:
            v[to + j] = math.tan(z)
        elif op == SINH:
            v[to + j] = math.sinh(z)
        elif op == COSH:
            v[to + j] = math.cosh(z)
        elif op == ATAN:
            v[to + j] = math.atan(z)
        elif op == ASIN:
            v[to + j] = math.asin(z) if abs(z) <= 1.0 else np.nan
        elif op == ACOS:
            v[to + j] = math.acos(z) if abs(z) <= 1.0 else np.nan


@compiled
def _far(x, size, v):
    """Tell whether an argument is beyond what the fast sine and cosine take."""
    count = 0
    for j in range(size):
        count += abs(v[x + j]) > functions.TURNS
    return count > 0


@compiled
def sine(to, x, size, out, v):
    """Write the sine of a slot."""
    if _far(x, size, v):
        for j in range(size):
            out[to + j] = math.sin(v[x + j])
    else:
        for j in range(size):
            out[to + j] = functions.sin(v[x + j])


@compiled
def cosine(to, x, size, out, v):
    """Write the cosine of a slot."""
    if _far(x, size, v):
        for j in range(size):
            out[to + j] = math.cos(v[x + j])
    else:
        for j in range(size):
            out[to + j] = functions.cos(v[x + j])


@compiled
def power(to, x, exponent, size, out, v):
    """Write an integer power of a slot, by squaring over the whole block."""
    if exponent == 2:
        for j in range(size):
            out[to + j] = v[x + j] * v[x + j]
        return
    if exponent == 1 or exponent == -1:
        for j in range(size):
            out[to + j] = v[x + j] if exponent == 1 else 1.0 / v[x + j]
        return
    # from the highest bit of the exponent down, so that one vector is enough
    rest, bit = abs(exponent), 1
    while 2 * bit <= rest:
        bit *= 2
    for j in range(size):
        out[to + j] = v[x + j] if rest else 1.0
    bit //= 2
    while bit:
        odd = (rest & bit) != 0
        for j in range(size):
            z = out[to + j] * out[to + j]
            out[to + j] = z * v[x + j] if odd else z
        bit //= 2
    if exponent < 0:
        for j in range(size):
            out[to + j] = 1.0 / out[to + j]
