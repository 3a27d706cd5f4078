"""Compiled evaluation of a first-order system with its derivatives, and its integration.

A system is a flat postfix program (`expressions.program`): one formula per component. Values go
forward, derivatives come back by reverse mode, so one pass gives a row of the Jacobian whatever
the number of unknowns. States integrated as logarithms (`logarithmic[i]`) are z = log u with
dz/dt = f(u)/u. Integration is the fifth-order method of Dormand and Prince (1980,
doi:10.1016/0771-050X(80)90013-3) with a fixed number of steps a segment, so that the
sensitivities are the exact derivatives of what is computed.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from residuum.expressions.primitives import PRIMITIVES
from residuum.expressions.program import CONSTANT, INTEGER_POWER, VARIABLE

ADD, SUB, MUL, DIV = (PRIMITIVES[s].opcode for s in "+-*/")
POW, MIN, MAX = (PRIMITIVES[s].opcode for s in ("**", "min", "max"))
NEG, ABS, SQRT, EXP = (PRIMITIVES[s].opcode for s in ("neg", "abs", "sqrt", "exp"))
LOG, SIN, COS, TAN = (PRIMITIVES[s].opcode for s in ("log", "sin", "cos", "tan"))
TANH, SINH, COSH = (PRIMITIVES[s].opcode for s in ("tanh", "sinh", "cosh"))
ASIN, ACOS, ATAN, SIGN = (PRIMITIVES[s].opcode for s in ("asin", "acos", "atan", "sign"))

STAGES = 6
NODES = np.array([0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0])
TABLEAU = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [1 / 5, 0.0, 0.0, 0.0, 0.0, 0.0],
        [3 / 40, 9 / 40, 0.0, 0.0, 0.0, 0.0],
        [44 / 45, -56 / 15, 32 / 9, 0.0, 0.0, 0.0],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0.0, 0.0],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0.0],
    ]
)
WEIGHTS = np.array([35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84])


@njit(cache=True, error_model="numpy")
def _unary(op: int, x: float) -> tuple[float, float]:
    """Return the value and the derivative of an operator of one operand."""
    if op == NEG:
        return -x, -1.0
    if op == SIN:
        return math.sin(x), math.cos(x)
    if op == COS:
        return math.cos(x), -math.sin(x)
    if op == EXP:
        y = math.exp(x) if x < 709.0 else math.inf
        return y, y
    if op == LOG:
        return (math.log(x), 1.0 / x) if x > 0.0 else (math.nan, math.nan)
    if op == SQRT:
        y = math.sqrt(x) if x >= 0.0 else math.nan
        return y, 0.5 / y
    if op == TANH:
        y = math.tanh(x)
        return y, 1.0 - y * y
    return _rare_unary(op, x)


@njit(cache=True, error_model="numpy")
def _rare_unary(op: int, x: float) -> tuple[float, float]:
    if op == ABS:
        return abs(x), float(np.sign(x))
    if op == SIGN:
        return float(np.sign(x)), 0.0
    if op == TAN:
        y = math.tan(x)
        return y, 1.0 + y * y
    if op == SINH:
        return np.sinh(x), np.cosh(x)
    if op == COSH:
        return np.cosh(x), np.sinh(x)
    if op == ATAN:
        return math.atan(x), 1.0 / (1.0 + x * x)
    slope = 1.0 / math.sqrt(1.0 - x * x) if abs(x) < 1.0 else math.nan
    if op == ASIN:
        return (math.asin(x) if abs(x) <= 1.0 else math.nan), slope
    if op == ACOS:
        return (math.acos(x) if abs(x) <= 1.0 else math.nan), -slope
    return math.nan, math.nan


@njit(cache=True, error_model="numpy")
def _binary(op: int, a: float, b: float) -> tuple[float, float, float]:
    """Return the value and both derivatives of an operator of two operands."""
    if op == MUL:
        return a * b, b, a
    if op == ADD:
        return a + b, 1.0, 1.0
    if op == SUB:
        return a - b, 1.0, -1.0
    if op == DIV:
        y = a / b
        return y, 1.0 / b, -y / b
    if op == POW:
        y = a**b
        return y, b * a ** (b - 1.0), (y * math.log(a) if a > 0.0 else math.nan)
    first = (a <= b) if op == MIN else (a >= b)
    return (a, 1.0, 0.0) if first else (b, 0.0, 1.0)


@njit(cache=True, error_model="numpy")
def gradient(program, row, v, value, slope_a, slope_b, adjoint, out):
    """Evaluate formula `row` at variables `v`; write d value / d v to `out`; return the value."""
    opcodes, operands, left, right, offsets, constants = program
    start, stop = offsets[row], offsets[row + 1]
    for k in range(start, stop):
        op = opcodes[k]
        adjoint[k] = 0.0
        if op == VARIABLE:
            value[k] = v[operands[k]]
        elif op == CONSTANT:
            value[k] = constants[operands[k]]
        elif op == INTEGER_POWER:
            n, x = operands[k], value[left[k]]
            lower = x ** (n - 1)
            value[k] = lower * x
            slope_a[k] = n * lower
        elif op < NEG:
            value[k], slope_a[k], slope_b[k] = _binary(op, value[left[k]], value[right[k]])
        else:
            value[k], slope_a[k] = _unary(op, value[left[k]])
    out[:] = 0.0
    adjoint[stop - 1] = 1.0
    for k in range(stop - 1, start - 1, -1):
        op, g = opcodes[k], adjoint[k]
        if op == VARIABLE:
            out[operands[k]] += g
        elif op != CONSTANT and g != 0.0:
            adjoint[left[k]] += g * slope_a[k]
            if right[k] >= 0:
                adjoint[right[k]] += g * slope_b[k]
    return value[stop - 1]


@njit(cache=True, error_model="numpy")
def right_hand_side(program, logarithmic, v, f, jacobian, work):
    """Write dz/dt to `f[n]` and d f / d v to `jacobian[n, len(v)]` at `v = (z, theta, inputs, t)`.

    On entry `v[:n]` holds z; it is replaced by u = exp(z) where `logarithmic`.
    """
    n = len(f)
    for i in range(n):
        if logarithmic[i]:
            v[i] = math.exp(min(v[i], 700.0))
    for i in range(n):
        f[i] = gradient(program, i, v, work[0], work[1], work[2], work[3], jacobian[i])
    for i in range(n):
        for j in range(n):
            if logarithmic[j]:
                jacobian[i, j] *= v[j]
    for i in range(n):
        if logarithmic[i]:
            f[i] /= v[i]
            jacobian[i] /= v[i]
            jacobian[i, i] -= f[i]


@njit(cache=True, error_model="numpy")
def _combine(start, slopes, h, stage, out):
    """Write `start + h sum_j a[stage, j] slopes[j]`: the point at which a stage is evaluated."""
    for i in range(out.shape[0]):
        for c in range(out.shape[1]):
            total = start[i, c]
            for j in range(stage):
                total += h * TABLEAU[stage, j] * slopes[j, i, c]
            out[i, c] = total


@njit(cache=True, error_model="numpy")
def integrate(program, logarithmic, z, sensitivity, theta, t0, t1, inputs0, inputs1, steps):
    """Advance `z[n]` and `sensitivity[n, n + p]` from t0 to t1 in place; return False when lost.

    The sensitivity holds d z / d (z at the start of the shot, theta); inputs are linear between
    `inputs0` and `inputs1`. An empty sensitivity (`shape[1] == 0`) is not propagated.
    """
    n, p, q = len(z), len(theta), len(inputs0)
    wide = sensitivity.shape[1]
    work = np.empty((4, len(program[0])))
    k, ks = np.empty((STAGES, n)), np.empty((STAGES, n, wide))
    v, jacobian, s = np.empty(n + p + q + 1), np.empty((n, n + p + q + 1)), np.empty((n, wide))
    h = (t1 - t0) / steps
    for step in range(steps):
        for stage in range(STAGES):
            t = t0 + (step + NODES[stage]) * h
            share = (t - t0) / (t1 - t0)
            for i in range(n):
                v[i] = z[i]
                for j in range(stage):
                    v[i] += h * TABLEAU[stage, j] * k[j, i]
            v[n : n + p] = theta
            for i in range(q):
                v[n + p + i] = inputs0[i] + share * (inputs1[i] - inputs0[i])
            v[n + p + q] = t
            right_hand_side(program, logarithmic, v, k[stage], jacobian, work)
            if wide:
                _combine(sensitivity, ks, h, stage, s)
                for i in range(n):
                    for c in range(wide):
                        total = jacobian[i, c] if c >= n else 0.0
                        for l in range(n):
                            total += jacobian[i, l] * s[l, c]
                        ks[stage, i, c] = total
        for j in range(STAGES):
            for i in range(n):
                z[i] += h * WEIGHTS[j] * k[j, i]
                for c in range(wide):
                    sensitivity[i, c] += h * WEIGHTS[j] * ks[j, i, c]
        for i in range(n):
            if not abs(z[i]) < 1e150:
                return False
    return True
