r"""Everything compiled: evaluation of a system with its derivatives, integration, shooting.

One file, because numba's cache does not see changes in functions that another file defines.

A system is a list of instructions that its formulas, one a component, share (`laws.system`).
Values go forward once for all of them; derivatives come back by reverse mode, formula by formula
through what each asks for, whatever the number of unknowns. States integrated as logarithms
(`logarithmic[i]`) are z = log u with dz/dt = f(u)/u. Integration is the fifth-order method of
Dormand and Prince (1980, doi:10.1016/0771-050X(80)90013-3) with a fixed number of steps a segment,
so that the sensitivities are the exact derivatives of what is computed.

Refits are condensed multiple shooting with Gauss-Newton. Every observation time is a node
:math:`q_k` with a state of its own; segments between nodes are integrated with their
sensitivities, and the continuity defects :math:`d_k = z_k(q_k,\theta) - q_{k+1}` are eliminated by

.. math:: \delta q_{k+1} = S_k\,\delta q_k + P_k\,\delta\theta + d_k,

so that only the initial states and :math:`\theta` remain in the normal equations (Bock 1981,
doi:10.1007/978-3-642-68220-9_8). Initial states meet in :math:`\theta` alone and are eliminated
experiment by experiment. Cost is linear in nodes; no trajectory is integrated over more
than one gap while fitting, so poor starting values do not diverge.
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

# Squared continuity defects, in units of their tolerance, below which a trajectory is whole.
CLOSED = 1e-2
# Share of its own information below which nothing is left of a constant's.
UNDETERMINED = 1e-12
MOST_TRIALS = 14


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
def _forward(program, logarithmic, v, f, work):
    """Write the formulas' values to `f[n]`, and to `work` what the derivatives need."""
    opcodes, operands, left, right, outputs, _, _, constants = program
    n = len(f)
    for i in range(n):
        if logarithmic[i]:
            v[i] = math.exp(min(v[i], 700.0))
    for k in range(len(opcodes)):
        op = opcodes[k]
        if op == VARIABLE:
            work[0, k] = v[operands[k]]
        elif op == CONSTANT:
            work[0, k] = constants[operands[k]]
        elif op == MUL:
            work[1, k], work[2, k] = work[0, right[k]], work[0, left[k]]
            work[0, k] = work[1, k] * work[2, k]
        elif op == INTEGER_POWER:
            x, m = work[0, left[k]], operands[k]
            lower = x if m == 2 else x ** (m - 1)
            work[0, k] = lower * x
            work[1, k] = m * lower
        elif op < NEG:
            work[0, k], work[1, k], work[2, k] = _binary(op, work[0, left[k]], work[0, right[k]])
        else:
            work[0, k], work[1, k] = _unary(op, work[0, left[k]])
    for i in range(n):
        f[i] = work[0, outputs[i]]


@njit(cache=True, error_model="numpy")
def values(program, logarithmic, v, f, work):
    """Write dz/dt alone to `f[n]`; see `right_hand_side`."""
    _forward(program, logarithmic, v, f, work)
    for i in range(len(f)):
        if logarithmic[i]:
            f[i] /= v[i]


@njit(cache=True, error_model="numpy")
def right_hand_side(program, logarithmic, v, f, jacobian, work):
    """Write dz/dt to `f[n]` and d f / d v to `jacobian[n, len(v)]` at `v = (z, theta, inputs, t)`.

    On entry `v[:n]` holds z; it is replaced by u = exp(z) where `logarithmic`. `work[4, k]` is
    scratch: values, the two slopes and the adjoint of every instruction.
    """
    opcodes, operands, left, right, outputs, reached, offsets, _ = program
    _forward(program, logarithmic, v, f, work)
    work[3, :] = 0.0
    jacobian[:, :] = 0.0
    for i in range(len(f)):
        work[3, outputs[i]] = 1.0
        for place in range(offsets[i], offsets[i + 1]):
            k = reached[place]
            op, g = opcodes[k], work[3, k]
            work[3, k] = 0.0
            if op == VARIABLE:
                jacobian[i, operands[k]] += g
            elif op != CONSTANT and g != 0.0:
                work[3, left[k]] += g * work[1, k]
                if right[k] >= 0:
                    work[3, right[k]] += g * work[2, k]
    _logarithms(logarithmic, v, f, jacobian)


@njit(cache=True, error_model="numpy")
def _logarithms(logarithmic, v, f, jacobian):
    """Turn du/dt and its derivatives with respect to u into those of z = log u."""
    n = len(f)
    for j in range(n):
        if logarithmic[j]:
            for i in range(n):
                jacobian[i, j] *= v[j]
    for i in range(n):
        if logarithmic[i]:
            f[i] /= v[i]
            for j in range(jacobian.shape[1]):
                jacobian[i, j] /= v[i]
            jacobian[i, i] -= f[i]


@njit(cache=True, error_model="numpy")
def _combine(start, slopes, h, stage, out):
    """Write `start + h sum_j a[stage, j] slopes[j]`: the point at which a stage is evaluated."""
    out[:] = start
    for j in range(stage):
        _add(out, h * TABLEAU[stage, j], slopes[j])


@njit(cache=True, error_model="numpy")
def _add(out, share, slope):
    """Add `share * slope[n, m]`; rows one after the other, which the compiler does in parallel."""
    for i in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[i, c] += share * slope[i, c]


@njit(cache=True, error_model="numpy")
def _propagate(jacobian, sensitivity, out):
    """Write the rate of the sensitivity, `d f/d z @ sensitivity + d f/d theta`.

    Most of the entries are zero where many bodies move, as each equation names few components.
    """
    n, wide = out.shape
    for i in range(n):
        for c in range(wide):
            out[i, c] = jacobian[i, c] if c >= n else 0.0
        for l in range(n):
            slope = jacobian[i, l]
            if slope != 0.0:
                for c in range(wide):
                    out[i, c] += slope * sensitivity[l, c]


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
            if wide:
                right_hand_side(program, logarithmic, v, k[stage], jacobian, work)
                _combine(sensitivity, ks, h, stage, s)
                _propagate(jacobian, s, ks[stage])
            else:
                values(program, logarithmic, v, k[stage], work)
        for j in range(STAGES):
            for i in range(n):
                z[i] += h * WEIGHTS[j] * k[j, i]
            if wide:
                _add(sensitivity, h * WEIGHTS[j], ks[j])
        for i in range(n):
            if not abs(z[i]) < 1e150:
                return False
    return True


@njit(cache=True, error_model="numpy")
def solve_positive(matrix, rhs, out):
    """Solve `matrix @ out = rhs` by Cholesky in place of `matrix`; return False if not positive."""
    n = len(rhs)
    for j in range(n):
        for k in range(j):
            for i in range(j, n):
                matrix[i, j] -= matrix[i, k] * matrix[j, k]
        if not matrix[j, j] > 0.0:
            return False
        root = math.sqrt(matrix[j, j])
        for i in range(j, n):
            matrix[i, j] /= root
    for i in range(n):
        out[i] = rhs[i]
        for k in range(i):
            out[i] -= matrix[i, k] * out[k]
        out[i] /= matrix[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            out[i] -= matrix[k, i] * out[k]
        out[i] /= matrix[i, i]
    return True


@njit(cache=True, error_model="numpy")
def segments(program, logarithmic, data, theta, nodes, ends, sensitivities):
    """Integrate every segment from its node; write `ends[N, n]` and `sensitivities[N, n, n+p]`."""
    t, starts, inputs, steps = data[0], data[1], data[2], data[3]
    n = nodes.shape[1]
    for e in range(len(starts) - 1):
        for k in range(starts[e], starts[e + 1] - 1):
            z, s = ends[k], sensitivities[k]
            z[:] = nodes[k]
            s[:] = 0.0
            if s.shape[1]:
                for i in range(n):
                    s[i, i] = 1.0
            if not integrate(
                program,
                logarithmic,
                z,
                s,
                theta,
                t[k],
                t[k + 1],
                inputs[k],
                inputs[k + 1],
                steps[k],
            ):
                return False
    return True


@njit(cache=True, error_model="numpy")
def normal_equations(data, nodes, ends, sensitivities, sd, p, matrix, rhs):
    """Condense to (theta, initial state) of each experiment: `matrix[E, p+n, p+n] = J'J`.

    Also `rhs[E, p+n] = -J'r`. Returns the recursion `A[N, n, p + n]`, `b[N, n]` that carries a
    step to every node.
    """
    starts, observed, weights = data[1], data[4], data[5]
    total, n = nodes.shape
    recursion, offset = np.zeros((total, n, p + n)), np.zeros((total, n))
    matrix[:] = 0.0
    rhs[:] = 0.0
    for e in range(len(starts) - 1):
        for i in range(n):
            recursion[starts[e], i, p + i] = 1.0
        for k in range(starts[e], starts[e + 1]):
            if k > starts[e]:
                _advance(recursion, offset, ends, nodes, sensitivities, k, p)
            for i in range(n):
                w = weights[k, i] / sd[i]
                if w > 0.0:
                    residual = (nodes[k, i] + offset[k, i] - observed[k, i]) * w
                    for a in range(p + n):
                        ja = recursion[k, i, a] * w
                        rhs[e, a] -= ja * residual
                        for c in range(a + 1):
                            matrix[e, a, c] += ja * w * recursion[k, i, c]
        for a in range(p + n):
            for c in range(a):
                matrix[e, c, a] = matrix[e, a, c]
    return recursion, offset


@njit(cache=True, error_model="numpy")
def condense(matrix, rhs, p, damping, shared, right, blocks, borders, own):
    """Eliminate every initial state; write the equations of theta, `shared[p, p]`, `right[p]`.

    With the Cholesky factor `L` of a state's block and `A` its border, `borders[e] = L^-1 A` and
    `own[e] = L^-1 b`; experiments meet in theta only, so the cost grows linearly with them.
    Returns False where a block is not positive.
    """
    n = matrix.shape[1] - p
    shared[:] = 0.0
    right[:] = 0.0
    for e in range(len(matrix)):
        for i in range(n):
            # What no measurement sees keeps still.
            seen = matrix[e, p + i, p + i] > 0.0
            for c in range(p):
                borders[e, i, c] = matrix[e, p + i, c] if seen else 0.0
            for c in range(n):
                blocks[e, i, c] = matrix[e, p + i, p + c] if seen else 0.0
            blocks[e, i, i] = matrix[e, p + i, p + i] * (1.0 + damping) if seen else 1.0
            own[e, i] = rhs[e, p + i] if seen else 0.0
        if not _factor(blocks[e], borders[e], own[e]):
            return False
        for a in range(p):
            right[a] += rhs[e, a]
            for c in range(p):
                shared[a, c] += matrix[e, a, c]
            shared[a, a] += damping * matrix[e, a, a]
            for i in range(n):
                right[a] -= borders[e, i, a] * own[e, i]
                for c in range(p):
                    shared[a, c] -= borders[e, i, a] * borders[e, i, c]
    return True


@njit(cache=True, error_model="numpy")
def _factor(block, border, own):
    """Replace a block by its Cholesky factor, border and right side by their solutions with it."""
    n = len(own)
    for j in range(n):
        for k in range(j):
            for i in range(j, n):
                block[i, j] -= block[i, k] * block[j, k]
        if not block[j, j] > 0.0:
            return False
        root = math.sqrt(block[j, j])
        for i in range(j, n):
            block[i, j] /= root
    for i in range(n):
        for k in range(i):
            own[i] -= block[i, k] * own[k]
            for c in range(border.shape[1]):
                border[i, c] -= block[i, k] * border[k, c]
        own[i] /= block[i, i]
        for c in range(border.shape[1]):
            border[i, c] /= block[i, i]
    return True


@njit(cache=True, error_model="numpy")
def expand(blocks, borders, own, theta, states):
    """Write the step of every initial state, `states[E, n]`, that goes with a step `theta[p]`."""
    n = blocks.shape[1]
    for e in range(len(blocks)):
        for i in range(n - 1, -1, -1):
            total = own[e, i]
            for c in range(len(theta)):
                total -= borders[e, i, c] * theta[c]
            for k in range(i + 1, n):
                total -= blocks[e, k, i] * states[e, k]
            states[e, i] = total / blocks[e, i, i]


@njit(cache=True, error_model="numpy")
def information_of(matrix, rhs, p):
    """Return J'J of theta with every initial state marginalised, `[p, p]`.

    What the initial states alone could explain is zero, and not what rounding leaves of it.
    """
    n = matrix.shape[1] - p
    shared, right = np.empty((p, p)), np.empty(p)
    blocks, borders = np.empty((len(matrix), n, n)), np.empty((len(matrix), n, p))
    own = np.empty((len(matrix), n))
    for damping in (0.0, 1e-14, 1e-12, 1e-10):
        if condense(matrix, rhs, p, damping, shared, right, blocks, borders, own):
            break
    for a in range(p):
        whole = 0.0
        for e in range(len(matrix)):
            whole += matrix[e, a, a]
        if not shared[a, a] > UNDETERMINED * whole:
            shared[a, :] = 0.0
            shared[:, a] = 0.0
    return shared


@njit(cache=True, error_model="numpy")
def _advance(recursion, offset, ends, nodes, sensitivities, k, p):
    n = nodes.shape[1]
    s = sensitivities[k - 1]
    for i in range(n):
        offset[k, i] = ends[k - 1, i] - nodes[k, i]
        for a in range(p + n):
            recursion[k, i, a] = s[i, n + a] if a < p else 0.0
        for l in range(n):
            offset[k, i] += s[i, l] * offset[k - 1, l]
            for a in range(p + n):
                recursion[k, i, a] += s[i, l] * recursion[k - 1, l, a]


@njit(cache=True, error_model="numpy")
def _squares(data, nodes, i):
    """Return the weighted sum of squared residuals of component `i`, and how many there are."""
    observed, weights = data[4], data[5]
    total, count = 0.0, 0.0
    for k in range(nodes.shape[0]):
        if weights[k, i] > 0.0:
            total += ((nodes[k, i] - observed[k, i]) * weights[k, i]) ** 2
            count += 1.0
    return total, count


@njit(cache=True, error_model="numpy")
def noise_levels(data, nodes, noise, sd):
    """Write each component's noise `sd`: known, or the rms of its group's residuals."""
    groups, known, floor = noise[0], noise[1], noise[2]
    for i in range(len(sd)):
        total, count = 0.0, 0.0
        for j in range(len(sd)):
            if groups[j] == groups[i]:
                sum_j, count_j = _squares(data, nodes, j)
                total += sum_j
                count += count_j
        sd[i] = known[i] if known[i] > 0.0 else max(math.sqrt(total / max(count, 1.0)), floor[i])


@njit(cache=True, error_model="numpy")
def misfit(data, nodes, sd):
    """Return the sum of squared residuals in units of the noise."""
    total = 0.0
    for i in range(len(sd)):
        total += _squares(data, nodes, i)[0] / (sd[i] * sd[i])
    return total


@njit(cache=True, error_model="numpy")
def defect_square(data, nodes, ends, tolerance):
    """Return the sum of squared continuity defects in units of `tolerance[n]`."""
    starts, total = data[1], 0.0
    for e in range(len(starts) - 1):
        for k in range(starts[e], starts[e + 1] - 1):
            for i in range(nodes.shape[1]):
                total += ((ends[k, i] - nodes[k + 1, i]) / tolerance[i]) ** 2
    return total


@njit(cache=True, error_model="numpy")
def hold_at_bounds(matrix, rhs, theta, low, high):
    """Take parameters that are held, or pressed against a bound, out of their equations.

    `matrix[E, >= p, >= p]`, `rhs[E, >= p]` are those of each experiment, `p` their number.
    """
    for a in range(len(theta)):
        information, downhill = 0.0, 0.0
        for e in range(len(matrix)):
            information += matrix[e, a, a]
            downhill += rhs[e, a]
        if (
            information <= 0.0
            or low[a] == high[a]
            or (theta[a] <= low[a] and downhill < 0.0)
            or (theta[a] >= high[a] and downhill > 0.0)
        ):
            matrix[:, a, :] = 0.0
            matrix[:, :, a] = 0.0
            matrix[:, a, a] = 1.0
            rhs[:, a] = 0.0


@njit(cache=True, error_model="numpy")
def improves(left, defects, new_left, new_defects):
    """Tell whether a step is accepted: first it must close the defects, then lower the misfit.

    Defects are in units of their tolerance. Misfit may rise while they close: starting nodes lie
    on the data, not on any solution of the law.
    """
    if defects > CLOSED:
        return new_defects < max(0.5 * defects, CLOSED)
    if new_defects < 0.5 * defects and new_left < left * (1.0 + CLOSED):
        return True
    return new_defects <= CLOSED and (
        new_left + new_defects / CLOSED <= (left + defects / CLOSED) * (1.0 + 1e-9)
    )


@njit(cache=True, error_model="numpy")
def gauss_newton(program, logarithmic, data, noise, theta, low, high, nodes, iterations, tolerance):
    """Fit `theta[p]` and `nodes[N, n]` in place; return (status, J'J of theta at the end).

    `data` is (t, experiment starts, inputs, steps, observed, weights), `noise` is
    (group of each component, known sd or 0, floor, unit of defects and steps). A parameter with
    `low == high` is held. Ends when no node moves by `tolerance` units.
    Status: 0 converged, 1 out of iterations, 2 lost (not finite at the start), 3 stuck.
    """
    n, p = nodes.shape[1], len(theta)
    experiments = len(data[1]) - 1
    ends, sens = np.empty_like(nodes), np.empty((len(nodes), n, n + p))
    trial_nodes, trial_theta = np.empty_like(nodes), np.empty_like(theta)
    trial_ends, trial_sens = np.empty_like(nodes), np.empty((len(nodes), n, n + p))
    trial = (trial_theta, trial_nodes, trial_ends, trial_sens)
    matrix, rhs = np.empty((experiments, p + n, p + n)), np.empty((experiments, p + n))
    sd = np.empty(n)
    status, damping = 1, 1e-3
    if not segments(program, logarithmic, data, theta, nodes, ends, sens):
        return 2, np.full((p, p), math.nan)
    for _ in range(iterations):
        noise_levels(data, nodes, noise, sd)
        recursion, offset = normal_equations(data, nodes, ends, sens, sd, p, matrix, rhs)
        hold_at_bounds(matrix, rhs, theta, low, high)
        merit = (misfit(data, nodes, sd), defect_square(data, nodes, ends, noise[3]))
        normal = (matrix, rhs, recursion, offset)
        moved, damping = _step(
            program, logarithmic, data, noise[3], sd, (theta, nodes), (low, high),
            normal, merit, damping, tolerance, trial,
        )  # fmt: skip
        if moved < 0.0:
            status = 3
            break
        theta[:] = trial_theta
        nodes[:] = trial_nodes
        ends[:] = trial_ends
        sens[:] = trial_sens
        if moved < tolerance:
            status = 0
            break
    noise_levels(data, nodes, noise, sd)
    normal_equations(data, nodes, ends, sens, sd, p, matrix, rhs)
    return status, information_of(matrix, rhs, p)


@njit(cache=True, error_model="numpy")
def match_segments(program, logarithmic, data, unit, theta, low, high, nodes, iterations):
    """Move `theta[p]` in place to the least sum of squared defects, with every node held.

    Short segments make this nearly linear, so it serves constants that start far away; noise in
    the nodes biases it, so it only starts a fit. Return False when segments cannot be integrated.
    """
    n, p, starts = nodes.shape[1], len(theta), data[1]
    ends, sens = np.empty_like(nodes), np.empty((len(nodes), n, n + p))
    matrix, rhs, step = np.empty((p, p)), np.empty(p), np.empty(p)
    for _ in range(iterations):
        if not segments(program, logarithmic, data, theta, nodes, ends, sens):
            return False
        matrix[:, :] = 0.0
        rhs[:] = 0.0
        for e in range(len(starts) - 1):
            for k in range(starts[e], starts[e + 1] - 1):
                for i in range(n):
                    defect = (ends[k, i] - nodes[k + 1, i]) / unit[i]
                    for a in range(p):
                        rhs[a] -= sens[k, i, n + a] / unit[i] * defect
                        for c in range(p):
                            matrix[a, c] += sens[k, i, n + a] * sens[k, i, n + c] / unit[i] ** 2
        hold_at_bounds(matrix.reshape(1, p, p), rhs.reshape(1, p), theta, low, high)
        for a in range(p):
            matrix[a, a] *= 1.0 + 1e-6
        if not solve_positive(matrix, rhs, step):
            return False
        for a in range(p):
            theta[a] = min(max(theta[a] + step[a], low[a]), high[a])
    return True


@njit(cache=True, error_model="numpy")
def _step(
    program, logarithmic, data, unit, sd, current, bounds, normal, merit, damping, tolerance, trial
):
    """Write the first damped step that improves to `trial`; return how far it went, new damping.

    A step that fails is repeated shorter and more damped. Returns -1 when none improves.
    """
    theta, nodes = current
    matrix, rhs, recursion, offset = normal
    new_theta, new_nodes, new_ends, new_sens = trial
    p, n = len(theta), nodes.shape[1]
    shared, right, step = np.empty((p, p)), np.empty(p), np.empty(p)
    blocks, borders = np.empty((len(matrix), n, n)), np.empty((len(matrix), n, p))
    own, first = np.empty((len(matrix), n)), np.empty((len(matrix), n))
    share = 1.0
    for _ in range(MOST_TRIALS):
        solved = condense(matrix, rhs, p, damping, shared, right, blocks, borders, own)
        if not (solved and solve_positive(shared, right, step)):
            damping = max(damping * 10.0, 1e-9)
            continue
        expand(blocks, borders, own, step, first)
        for a in range(len(theta)):
            new_theta[a] = min(max(theta[a] + share * step[a], bounds[0][a]), bounds[1][a])
        moved = _carry(data, nodes, recursion, offset, (step, first), share, unit, new_nodes)
        if segments(program, logarithmic, data, new_theta, new_nodes, new_ends, new_sens):
            left = misfit(data, new_nodes, sd)
            open_ = defect_square(data, new_nodes, new_ends, unit)
            if moved < tolerance or improves(merit[0], merit[1], left, open_):
                return moved, (damping / 16.0 if damping > 1e-14 else 0.0)
        damping = max(damping * 8.0, 1e-6)
        share *= 0.5
    return -1.0, damping


@njit(cache=True, error_model="numpy")
def _carry(data, nodes, recursion, offset, step, share, spread, out):
    """Write nodes after a `share` of the step; return the largest change in units of `spread`."""
    starts, largest = data[1], 0.0
    n, p = nodes.shape[1], len(step[0])
    for e in range(len(starts) - 1):
        for k in range(starts[e], starts[e + 1]):
            for i in range(n):
                change = offset[k, i]
                for a in range(p):
                    change += recursion[k, i, a] * step[0][a]
                for a in range(n):
                    change += recursion[k, i, p + a] * step[1][e, a]
                change *= share
                out[k, i] = nodes[k, i] + change
                largest = max(largest, abs(change) / spread[i])
    return largest


@njit(cache=True, error_model="numpy")
def rates(program, logarithmic, data, theta, nodes, found, slopes):
    """Write the time derivatives `found[N, n]` at the nodes, and `slopes[N, n, p]` by theta."""
    t, inputs = data[0], data[2]
    n, p, q = nodes.shape[1], len(theta), inputs.shape[1]
    work = np.empty((4, len(program[0])))
    v, jacobian = np.empty(n + p + q + 1), np.empty((n, n + p + q + 1))
    for k in range(nodes.shape[0]):
        v[:n] = nodes[k]
        v[n : n + p] = theta
        v[n + p : n + p + q] = inputs[k]
        v[n + p + q] = t[k]
        right_hand_side(program, logarithmic, v, found[k], jacobian, work)
        slopes[k] = jacobian[:, n : n + p]


@njit(cache=True, error_model="numpy")
def roll_out(program, logarithmic, data, theta, nodes):
    """Integrate each experiment from its first node, in place; return the time lost, or nan."""
    t, starts, inputs, steps = data[0], data[1], data[2], data[3]
    none = np.empty((nodes.shape[1], 0))
    lost = math.nan
    for e in range(len(starts) - 1):
        for k in range(starts[e], starts[e + 1] - 1):
            nodes[k + 1] = nodes[k]
            if not integrate(
                program,
                logarithmic,
                nodes[k + 1],
                none,
                theta,
                t[k],
                t[k + 1],
                inputs[k],
                inputs[k + 1],
                steps[k],
            ):
                nodes[k + 1 : starts[e + 1]] = math.nan
                lost = t[k + 1] if math.isnan(lost) else min(lost, t[k + 1])
                break
    return lost


@njit(cache=True, error_model="numpy")
def roll_out_unseen(program, logarithmic, data, theta, nodes, tolerance, most):
    """Integrate each experiment from its first node where nothing tells how many steps it takes.

    Steps are doubled in each segment until the state changes by less than `tolerance[n]`.
    Return the time at which the solution is lost, or nan.
    """
    t, starts, inputs = data[0], data[1], data[2]
    none = np.empty((nodes.shape[1], 0))
    for e in range(len(starts) - 1):
        steps = 1
        for k in range(starts[e], starts[e + 1] - 1):
            steps = max(1, steps // 2)
            coarse = nodes[k].copy()
            alive = integrate(
                program, logarithmic, coarse, none, theta,
                t[k], t[k + 1], inputs[k], inputs[k + 1], steps,
            )  # fmt: skip
            while True:
                steps *= 2
                nodes[k + 1] = nodes[k]
                again = integrate(
                    program, logarithmic, nodes[k + 1], none, theta,
                    t[k], t[k + 1], inputs[k], inputs[k + 1], steps,
                )  # fmt: skip
                change = np.max(np.abs(nodes[k + 1] - coarse) / tolerance)
                if (alive and again and change < 1.0) or steps > most:
                    break
                alive = again
                coarse[:] = nodes[k + 1]
            if not again or not np.all(np.isfinite(nodes[k + 1])):
                nodes[k + 1 : starts[e + 1]] = math.nan
                return t[k + 1]
    return math.nan


@njit(cache=True, error_model="numpy")
def choose_steps(program, logarithmic, data, theta, nodes, tolerance, most, steps):
    """Write the number of steps each segment needs for an error of `tolerance[n]`.

    Halving the step of a fifth-order method divides its error by 32: one comparison of m and 2m
    steps gives the error of m, and so the m that is wanted.
    """
    t, starts, inputs = data[0], data[1], data[2]
    none = np.empty((nodes.shape[1], 0))
    for e in range(len(starts) - 1):
        for k in range(starts[e], starts[e + 1] - 1):
            coarse, fine = nodes[k].copy(), nodes[k].copy()
            m = max(1, steps[k])
            fits = integrate(
                program,
                logarithmic,
                coarse,
                none,
                theta,
                t[k],
                t[k + 1],
                inputs[k],
                inputs[k + 1],
                m,
            ) and integrate(
                program,
                logarithmic,
                fine,
                none,
                theta,
                t[k],
                t[k + 1],
                inputs[k],
                inputs[k + 1],
                2 * m,
            )
            worst = 0.0
            for i in range(len(coarse)):
                worst = max(worst, abs(coarse[i] - fine[i]) / tolerance[i])
            if not fits or not worst < 1e30:
                steps[k] = min(most, 4 * m)
            else:
                steps[k] = min(most, max(1, math.ceil(m * (1.05 * worst) ** 0.2)))
