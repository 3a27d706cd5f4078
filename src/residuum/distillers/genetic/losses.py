r"""Residuals of the five losses, and the scale and offset that are best for two of them.

With f = scale*core + offset and weight w = 1/sigma, the residuals r, whose mean square is the
loss, are

- squared :math:`w (f - y)`, or `whitening @ f - target` where errors are correlated;
- relative :math:`w (f - y)/|y|`;
- logarithmic :math:`w \log(f/y)`, NaN where the signs differ;
- huber: :math:`z = w (f - y)` and beyond the elbow h
  :math:`\mathrm{sign}(z)\sqrt{2 h |z| - h^2}` (Huber 1964, doi:10.1214/aoms/1177703732);
- poisson, the signed root of the deviance :math:`w\,\mathrm{sign}(f - y)\sqrt{2 (f - y + y
  \log(y/f))}` (McCullagh and Nelder 1989).
"""

from __future__ import annotations

import math

import numpy as np

from residuum.distillers.genetic.compiled import compiled
from residuum.distillers.genetic.workspace import HUBER, LOGARITHMIC, RELATIVE, SQUARED


@compiled
def prepare(wrap, data, work):
    """Write the weights of the loss, and the image of an offset, before a formula is fitted."""
    n, r = len(data.y), data.whitening.shape[0]
    for i in range(n):
        work.weight[i] = data.weight[i]
        work.slope[i] = data.weight[i]
    if r:
        for i in range(n):
            work.weight[i] = work.slope[i] = 1.0
        if wrap == 2:
            for i in range(r):
                total = 0.0
                for j in range(n):
                    total += data.whitening[i, j]
                work.plain[1, i] = total
    elif data.loss == RELATIVE:
        for i in range(n):
            work.weight[i] = work.slope[i] = data.weight[i] / abs(data.y[i])


@compiled
def is_linear(data):
    """Tell whether the residual is linear in the formula, so that scale and offset are solved."""
    return data.loss == SQUARED or data.loss == RELATIVE


@compiled
def loss_of(wrap, linear, data, work):
    """Write residuals and their slopes by f at `work.core`; return the mean square."""
    a, b = (linear[0] if wrap else 1.0), (linear[1] if wrap == 2 else 0.0)
    r, total = data.whitening.shape[0], 0.0
    if r:
        for i in range(r):
            offset = b * work.plain[1, i] if wrap == 2 else 0.0
            z = a * work.plain[0, i] + offset - data.target[i]
            work.residual[i] = z
            total += z * z
    elif is_linear(data):
        core, y, weight, residual = work.core, data.y, work.weight, work.residual
        for i in range(len(y)):
            z = weight[i] * (a * core[i] + b - y[i])
            residual[i] = z
            total += z * z
    else:
        for i in range(len(data.y)):
            z, slope = _pointwise(
                data.loss, a * work.core[i] + b, data.y[i], data.weight[i], data.elbow
            )
            work.residual[i], work.slope[i] = z, slope
            total += z * z
    return total / len(data.y) if math.isfinite(total) else math.inf


@compiled
def _pointwise(loss, f, y, w, elbow):
    """Return a residual and its derivative by f."""
    if loss == LOGARITHMIC:
        ratio = f / y
        return (w * math.log(ratio), w / f) if ratio > 0.0 else (np.nan, np.nan)
    if loss == HUBER:
        z = w * (f - y)
        if abs(z) <= elbow:
            return z, w
        root = math.sqrt(2.0 * elbow * abs(z) - elbow * elbow)
        return (root if z > 0.0 else -root), w * elbow / root
    if f <= 0.0 or not math.isfinite(f):
        return np.nan, np.nan
    if y == 0.0:
        root = math.sqrt(2.0 * f)
        return w * root, w / root
    u = (f - y) / y
    if abs(u) < 1e-3:  # u - log(1 + u) by its series: the difference would cancel
        root = math.sqrt(y) * u * math.sqrt(1.0 - u * (2 / 3 - u * (0.5 - u * (0.4 - u / 3))))
    else:
        root = math.sqrt(max(2.0 * y * (u - math.log1p(u)), 0.0))
        root = root if u > 0.0 else -root
    slope = u * y / (f * root) if root != 0.0 else 1.0 / math.sqrt(y)
    return w * root, w * slope


@compiled
def whiten_core(data, work):
    """Write whitening @ core."""
    for i in range(data.whitening.shape[0]):
        row, total = data.whitening[i], 0.0
        for j in range(len(data.y)):
            total += row[j] * work.core[j]
        work.plain[0, i] = total


@compiled
def solve_linear(wrap, linear, data, work):
    """Write the best scale and offset of `work.core` for a loss that is linear in f.

    Means are taken off first, so that a large common value costs no digits. A constant core
    keeps scale 1 beside an offset.
    """
    r = data.whitening.shape[0]
    n = r if r else len(data.y)
    oo = oc = ot = 0.0
    for i in range(n):
        o, c, t = _row(i, r, data, work)
        oo += o * o
        oc += o * c
        ot += o * t
    mean, level = (oc / oo, ot / oo) if wrap == 2 and oo > 0.0 else (0.0, 0.0)
    cc = ct = size = 0.0
    for i in range(n):
        o, c, t = _row(i, r, data, work)
        d = c - mean * o
        cc += d * d
        ct += d * (t - level * o)
        size += c * c
    if cc > 1e-28 * size:
        linear[0] = ct / cc
    elif wrap == 2 or linear[0] == 0.0:
        linear[0] = 1.0
    linear[1] = level - linear[0] * mean if wrap == 2 else 0.0


@compiled
def _row(i, r, data, work):
    """Return offset, core and target of a row, weighted or whitened."""
    if r:
        return work.plain[1, i], work.plain[0, i], data.target[i]
    w = work.weight[i]
    return w, w * work.core[i], w * data.y[i]
