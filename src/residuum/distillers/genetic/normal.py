r"""Normal equations with shared parameters and a block of local ones for each experiment.

With :math:`A` of the shared, :math:`B_e` between and :math:`D_e` of the local parameters, all
scaled to a unit diagonal and damped by :math:`\lambda`, the shared step solves

.. math:: (A - \sum_e B_e D_e^{-1} B_e^T)\,\delta = -g + \sum_e B_e D_e^{-1} g_e

and each local step follows from it, so the cost is linear in experiments (Schur complement).
A parameter whose pivot vanishes without damping cannot be identified beside those before it;
it is left where it is.
"""

from __future__ import annotations

import math

from residuum.distillers.genetic.compiled import compiled, merged

# rows of Work.vectors and of Work.steps[e]
SCALE, FREE, STEP = range(3)
DEPENDENT = 1e-13


@compiled
def gram(d, first, stride, size, rows, out):
    """Add the products of `rows` vectors of `size` numbers to the lower triangle of `out`."""
    for a in range(0, rows, 2):
        more = a + 1 < rows
        p = first + a * stride
        q = p + stride if more else p
        for b in range(0, a + 1, 2):
            x = first + b * stride
            y = x + stride if b + 1 < rows else x
            px = py = qx = qy = 0.0
            for j in range(size):
                px += d[p + j] * d[x + j]
                py += d[p + j] * d[y + j]
                qx += d[q + j] * d[x + j]
                qy += d[q + j] * d[y + j]
            out[a, b] += px
            if b < a:
                out[a, b + 1] += py
            if more:
                out[a + 1, b] += qx
                out[a + 1, b + 1] += qy


@compiled
def clear(size, work):
    """Set the products of one experiment to zero."""
    for i in range(size):
        for j in range(size):
            work.gram[i, j] = 0.0


@compiled
def collect(e, shared, local, work):
    """Add the products of an experiment to the shared equations and keep its border."""
    g, total, border = work.gram, work.shared[0], work.border[e]
    last = shared + local
    for i in range(shared):
        for j in range(i + 1):
            total[i, j] = g[i, j] + (total[i, j] if e else 0.0)
        total[shared, i] = g[last, i] + (total[shared, i] if e else 0.0)
    for i in range(local):
        for j in range(shared + i + 1):
            border[i, j] = g[shared + i, j]
        border[i, last] = g[last, shared + i]


@compiled
def rank(shared, local, experiments, work):
    """Scale the equations, mark what cannot be identified; return the rank, -1 if not finite."""
    total, scale = work.shared[0], work.vectors[SCALE]
    for i in range(shared):
        if not math.isfinite(total[i, i]) or not math.isfinite(total[shared, i]):
            return -1
        scale[i] = 1.0 / math.sqrt(total[i, i]) if total[i, i] > 1e-290 else 0.0
        work.vectors[FREE, i] = 1.0
    if local:
        for e in range(experiments):
            border, steps = work.border[e], work.steps[e]
            for i in range(local):
                z = border[i, shared + i]
                if not math.isfinite(z):
                    return -1
                steps[SCALE, i] = 1.0 / math.sqrt(z) if z > 1e-290 else 0.0
                steps[FREE, i] = 1.0
    return eliminate(0.0, shared, local, experiments, work)


@compiled
def eliminate(damping, shared, local, experiments, work):
    """Factor the equations; without damping also mark what is free. Returns how many are."""
    s, total, scale = work.shared[1], work.shared[0], work.vectors[SCALE]
    found = 0
    for i in range(shared + 1):
        row = scale[i] if i < shared else 1.0
        for j in range(min(i + 1, shared)):
            s[i, j] = total[i, j] * row * scale[j]
        if i < shared:
            s[i, i] += damping
    if local:
        for e in range(experiments):
            found += _fold_in(e, damping, shared, local, work)
    return found + _factor(s, 0, shared, damping, work.vectors[FREE])


@compiled
def _factor(s, first, size, damping, free):
    """Factor a block on the diagonal, from column `first` on; return how many pivots are free."""
    found = 0
    for i in range(size):
        for j in range(i + 1):
            z = s[i, first + j]
            for k in range(j):
                z -= s[i, first + k] * s[j, first + k]
            if j < i:
                s[i, first + j] = z * s[j, first + j]
            else:
                if damping == 0.0 and z <= DEPENDENT:
                    free[i] = 0.0
                # the diagonal holds the inverse of the root; zero takes the parameter out
                s[i, first + i] = 1.0 / math.sqrt(z) if free[i] > 0.0 and z > 0.0 else 0.0
                found += free[i] > 0.0
    return found


@merged
def _fold_in(e, damping, shared, local, work):
    """Factor the local block of an experiment and take its part off the shared equations."""
    f, border, steps = work.factor[e], work.border[e], work.steps[e]
    s, scale, last = work.shared[1], work.vectors[SCALE], shared + local
    for i in range(local):
        own = steps[SCALE, i]
        for j in range(shared):
            f[i, j] = border[i, j] * own * scale[j]
        for j in range(i + 1):
            f[i, shared + j] = border[i, shared + j] * own * steps[SCALE, j]
        f[i, shared + i] += damping
        f[i, last] = border[i, last] * own
    found = _factor(f, shared, local, damping, steps[FREE])
    for i in range(local):
        for k in range(i):
            factor = f[i, shared + k]
            for j in range(shared):
                f[i, j] -= factor * f[k, j]
            f[i, last] -= factor * f[k, last]
        for j in range(shared):
            f[i, j] *= f[i, shared + i]
        f[i, last] *= f[i, shared + i]
        for a in range(shared):
            for b in range(a + 1):
                s[a, b] -= f[i, a] * f[i, b]
            s[shared, a] -= f[i, last] * f[i, a]
    return found


@compiled
def solve(damping, shared, local, experiments, work):
    """Write the damped steps, in the user's scale, to `STEP` of the vectors."""
    eliminate(damping, shared, local, experiments, work)
    s, scale, step = work.shared[1], work.vectors[SCALE], work.vectors[STEP]
    for i in range(shared):
        z = -s[shared, i]
        for k in range(i):
            z -= s[i, k] * step[k]
        step[i] = z * s[i, i]
    for i in range(shared - 1, -1, -1):
        z = step[i]
        for k in range(i + 1, shared):
            z -= s[k, i] * step[k]
        step[i] = z * s[i, i]
    if local:
        for e in range(experiments):
            _local_step(e, shared, local, work)
    for i in range(shared):
        step[i] *= scale[i]


@merged
def _local_step(e, shared, local, work):
    f, steps, step = work.factor[e], work.steps[e], work.vectors[STEP]
    for i in range(local - 1, -1, -1):
        z = -f[i, shared + local]
        for j in range(shared):
            z -= f[i, j] * step[j]
        for k in range(i + 1, local):
            z -= f[k, shared + i] * steps[STEP, k]
        steps[STEP, i] = z * f[i, shared + i]
    for i in range(local):
        steps[STEP, i] *= steps[SCALE, i]
