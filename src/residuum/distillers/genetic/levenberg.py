r"""The constants of one program, fitted by Levenberg and Marquardt's method.

Steps solve :math:`(J^T J + \lambda\,\mathrm{diag}(J^T J))\,\delta = -J^T r` (Marquardt 1963,
doi:10.1137/0111030). Scale and offset around the program are parameters as well; for a loss that
is linear in the formula they are solved exactly at every trial, so the iteration moves on the
best of them (variable projection, Golub and Pereyra 1973, doi:10.1137/0710036, with Kaufman's
Jacobian). The values of an accepted trial serve the next reverse sweep; a refused one costs no
Jacobian. Everything is scratch of `Work`: nothing is allocated.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from residuum.distillers.genetic.compiled import compiled, merged
from residuum.distillers.genetic.losses import (
    is_linear,
    loss_of,
    prepare,
    solve_linear,
    whiten_core,
)
from residuum.distillers.genetic.machine import forward, load, padded, rows_of
from residuum.distillers.genetic.normal import STEP, clear, collect, gram, rank, solve
from residuum.distillers.genetic.planning import CONSTANT_OF, PARENT, ROW_OF, SEEN, plan
from residuum.distillers.genetic.reverse import backward
from residuum.distillers.genetic.workspace import BLOCK, LOGARITHMIC, POISSON, RELATIVE
from residuum.expressions.program import CONSTANT

FIRST_DAMPING, LESS, MORE = 1.0, 0.1, 10.0
LEAST_DAMPING, MOST_DAMPING = 1e-12, 1e12
ENOUGH = 1e-9  # relative decrease of the loss below which a fit ends
NOISE = 1e-31  # share of the mean square of y that rounding leaves


class Layout(NamedTuple):
    """Sizes of one fit: instructions, slots of variables, Jacobian rows and parameters."""

    m: int
    loaded: int
    rows: int
    shared: int
    local: int
    wrap: int
    count: int  # type: ignore[assignment]
    ranges: int
    keep: bool
    stride: int


@compiled
def fit(codes, args, length, constants, local, count, wrap, linear, data, iterations, work):
    """Fit constants `[E, k]` and `linear` (scale, offset) in place.

    `wrap` is 0 for the program alone, 1 with a scale, 2 with scale and offset. Returns the loss
    (infinite where a value is not finite), the evaluations of all rows and the rank.
    """
    layout = _layout(codes, args, length, local, count, wrap, constants.shape[0], data, work)
    if layout.ranges > 1 and data.whitening.shape[0]:
        return math.inf, 0, 0  # correlated errors tie the experiments together
    prepare(wrap, data, work)
    trial = work.vectors[7]
    if layout.keep:
        _load_all(layout, data, work)
    trial[0], trial[1] = linear[0], linear[1]
    loss = _measure(layout, constants, trial, data, work)
    if wrap and not is_linear(data):
        loss = _better_start(layout, linear, trial, loss, data, work)
    linear[0], linear[1] = trial[0], trial[1]
    fitted = layout.shared + layout.local - (wrap if is_linear(data) else 0)
    if not math.isfinite(loss) or fitted == 0 or iterations == 0:
        return loss, 1, wrap
    found = _iterate(layout, constants, linear, loss, data, iterations, work)
    _copy_shared(layout, constants, local)
    return found


@merged
def _layout(codes, args, length, local, count, wrap, experiments, data, work):
    """Give every constant that occurs a Jacobian row, and plan the instructions."""
    row, of = work.columns[ROW_OF], work.columns[CONSTANT_OF]
    for k in range(count):
        row[k] = -1
    for i in range(length):
        if codes[i] == CONSTANT:
            row[args[i]] = 0
    shared, inner = np.int64(0), np.int64(0)
    for k in range(count):
        if row[k] == 0 and not (local[k] and experiments > 1):
            row[k], of[shared] = shared, k
            shared += 1
    first = shared + wrap
    for k in range(count):
        if row[k] == 0 and local[k] and experiments > 1:
            row[k], of[first + inner] = first + inner, k
            inner += 1
    m, loaded, rows = plan(codes, args, length, count, first + inner + 1, work)
    ranges = experiments if inner else 1
    n = len(data.y)
    needed = (n + 8 * (ranges + 1)) * (loaded + m)
    return Layout(
        m, loaded, rows, first, inner, wrap, count, ranges,
        needed <= len(work.values), padded(n),
    )  # fmt: skip


@compiled
def _set_scalars(layout, e, constants, work):
    for k in range(layout.count):
        work.scalars[k] = constants[e, k]


@merged
def _load_all(layout, data, work):
    base = np.int64(0)
    for e in range(layout.ranges):
        first, last = rows_of(e, layout.ranges, data)
        for start in range(first, last, BLOCK):
            size = min(BLOCK, last - start)
            load(start, size, layout.loaded, base, data, work)
            base += (layout.loaded + layout.m) * padded(size)


@compiled
def _measure(layout, constants, linear, data, work):
    """Run the program everywhere; write the best scale and offset where they are solved."""
    base, slots, core = np.int64(0), layout.loaded + layout.m, work.core
    for e in range(layout.ranges):
        _set_scalars(layout, e, constants, work)
        first, last = rows_of(e, layout.ranges, data)
        for start in range(first, last, BLOCK):
            size = min(BLOCK, last - start)
            if not layout.keep:
                load(start, size, layout.loaded, base, data, work)
            forward(layout.m, layout.loaded, size, base, work)
            root = base + (slots - 1) * padded(size)
            for j in range(size):
                core[start + j] = work.values[root + j]
            if layout.keep:
                base += slots * padded(size)
    if data.whitening.shape[0]:
        whiten_core(data, work)
    if layout.wrap and is_linear(data):
        solve_linear(layout.wrap, linear, data, work)
    return loss_of(layout.wrap, linear, data, work)


@merged
def _better_start(layout, linear, trial, loss, data, work):
    """Start a loss that is not linear at the better of the given and the least-squares scale."""
    solve_linear(layout.wrap, trial, data, work)
    other = loss_of(layout.wrap, trial, data, work)
    if other < loss:
        return other
    trial[0], trial[1] = linear[0], linear[1]
    return loss_of(layout.wrap, trial, data, work)


@merged
def _iterate(layout, constants, linear, loss, data, iterations, work):
    shared, inner, ranges = layout.shared, layout.local, layout.ranges
    damping, evaluations, found, fresh = FIRST_DAMPING, 1, 0, True
    trial = work.vectors[7]
    for _ in range(iterations):
        if fresh:
            _jacobian(layout, constants, linear, data, work)
            found = rank(shared, inner, ranges, work)
            if found <= 0:
                return loss, evaluations, max(found, 0)
        solve(damping, shared, inner, ranges, work)
        _move(layout, constants, linear, trial, data, work)
        new = _measure(layout, work.trial, trial, data, work)
        evaluations += 1
        fresh = new < loss
        if fresh:
            _take(layout, constants, linear, trial, work)
            enough = loss - new <= ENOUGH * loss
            loss, damping = new, max(damping * LESS, LEAST_DAMPING)
            if enough or loss <= _floor(data):
                break
        else:
            damping *= MORE
            if damping > MOST_DAMPING:
                break
    return loss, evaluations, found


@compiled
def _floor(data):
    """Return the loss that is rounding: a share of the mean square of what residuals compare."""
    total = 0.0
    if data.whitening.shape[0]:
        for i in range(len(data.target)):
            total += data.target[i] * data.target[i]
    else:
        for i in range(len(data.y)):
            z = data.weight[i]
            if data.loss == POISSON:
                z *= math.sqrt(data.y[i])
            elif data.loss != RELATIVE and data.loss != LOGARITHMIC:
                z *= data.y[i]
            total += z * z
    return NOISE * total / len(data.y)


@merged
def _move(layout, constants, linear, trial, data, work):
    """Write the constants, scale and offset one step on."""
    of, step = work.columns[CONSTANT_OF], work.vectors[STEP]
    shared = layout.shared - layout.wrap
    for e in range(layout.ranges):
        for k in range(layout.count):
            work.trial[e, k] = constants[e, k]
        for i in range(shared):
            work.trial[e, of[i]] += step[i]
        for i in range(layout.local):
            work.trial[e, of[layout.shared + i]] += work.steps[e, STEP, i]
    trial[0], trial[1] = linear[0], linear[1]
    for i in range(layout.wrap):
        trial[i] += step[shared + i]


@merged
def _take(layout, constants, linear, trial, work):
    for e in range(layout.ranges):
        for k in range(layout.count):
            constants[e, k] = work.trial[e, k]
    linear[0], linear[1] = trial[0], trial[1]


@merged
def _copy_shared(layout, constants, local):
    """Give every experiment the fitted constants where they were fitted as one range."""
    if layout.ranges == 1:
        for e in range(1, constants.shape[0]):
            for k in range(layout.count):
                constants[e, k] = constants[0, k]


@merged
def _jacobian(layout, constants, linear, data, work):
    """Write the normal equations at the constants that `_measure` ran last."""
    base, slots, stride = np.int64(0), layout.loaded + layout.m, layout.stride
    white, last_row = data.whitening.shape[0] > 0, layout.shared + layout.local
    adjoints = layout.rows * stride
    scale = linear[0] if layout.wrap else 1.0
    for e in range(layout.ranges):
        if not layout.keep or layout.ranges > 1:
            _set_scalars(layout, e, constants, work)
        clear(last_row + 1, work)
        first, last = rows_of(e, layout.ranges, data)
        for start in range(first, last, BLOCK):
            size = min(BLOCK, last - start)
            if not layout.keep:
                load(start, size, layout.loaded, base, data, work)
                forward(layout.m, layout.loaded, size, base, work)
            for j in range(size):
                work.adjoint[adjoints + j] = scale * work.slope[start + j]
            backward(layout.m, layout.loaded, start, size, base, stride, adjoints, work)
            _finish_rows(layout, start, size, work)
            if not white:
                gram(work.adjoint, start, stride, size, last_row + 1, work.gram)
            if layout.keep:
                base += slots * padded(size)
        if white:
            _whiten_rows(layout, data, work)
        collect(e, layout.shared, layout.local, work)


@compiled
def _finish_rows(layout, start, size, work):
    """Add up rows of constants used twice, clear those of none; write scale, offset, residual."""
    d, stride, last_row = work.adjoint, layout.stride, layout.shared + layout.local
    for k in range(layout.count):
        if work.columns[ROW_OF, k] >= 0 and not work.columns[SEEN, k]:
            to = work.columns[ROW_OF, k] * stride + start
            for j in range(size):
                d[to + j] = 0.0
    for row in range(last_row + 1, layout.rows):
        source = row * stride + start
        to = work.columns[PARENT, row] * stride + start
        for j in range(size):
            d[to + j] += d[source + j]
    if layout.wrap:
        to = (layout.shared - layout.wrap) * stride + start
        for j in range(size):
            d[to + j] = work.slope[start + j] * work.core[start + j]
    if layout.wrap == 2:
        to = (layout.shared - 1) * stride + start
        for j in range(size):
            d[to + j] = work.slope[start + j]
    to = last_row * stride + start
    for j in range(size):
        d[to + j] = work.residual[start + j]


@compiled
def _whiten_rows(layout, data, work):
    """Whiten the Jacobian and write the products of its rows and the residual."""
    r, n, out = data.whitening.shape[0], len(data.y), work.whitened
    last = layout.shared
    for i in range(r):
        out[last, i] = work.residual[i]
    for c in range(last):
        first = c * layout.stride
        for i in range(r):
            w, total = data.whitening[i], 0.0
            for j in range(n):
                total += w[j] * work.adjoint[first + j]
            out[c, i] = total
    for a in range(last + 1):
        for b in range(a + 1):
            total = 0.0
            for i in range(r):
                total += out[a, i] * out[b, i]
            work.gram[a, b] = total
