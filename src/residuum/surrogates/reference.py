r"""What do the data alone say, before any physics?

A smoothing spline for every state, its roughness and noise by restricted maximum likelihood on
a grid: a linear problem, solved exactly. It gives scales, ranges and first guesses to
everything after it, so that all combinations of heads are compared in the same units.

Source: S. N. Wood, Fast stable restricted maximum likelihood, J. R. Statist. Soc. B 73 (2011) 3,
doi:10.1111/j.1467-9868.2010.00749.x.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from residuum.problem.problem import Problem
from residuum.surrogates import bsplines
from residuum.surrogates.noise import NoiseModel
from residuum.surrogates.samples import Column, Samples
from residuum.surrogates.states import DEGREE, Frame, SplineStates, exponentiate

GRID = torch.logspace(-9, 5, 57, dtype=torch.float64)
RIDGE = 1e-7  # on the quadratics that the roughness leaves free
UNDECIDED = 2.0  # nats of restricted likelihood that the roughest restart gives away
LEAST, MOST_ROUGH = 1e-9, 1e9
FEWEST, FIRST, MOST = 24, 200, 400  # coefficients of a state spline


@dataclass(frozen=True, slots=True)
class Reference:
    """Smoothing splines for every restart: `theta[B, E, P]`, precisions `kappa[B, 2*S]`, noise
    `sigma[B, M]`; and the first one's states at the collocation points, `U[E, K + 1, nc, S]`.
    """

    head: SplineStates
    theta: Tensor
    kappa: Tensor
    sigma: Tensor
    U: Tensor


def smooth(
    problem: Problem, samples: Samples, noise: NoiseModel, *, batch: int, coefficients: int = 0
) -> Reference:
    """Return the smoothing splines of the samples (`coefficients` 0: from their number).

    The first restart has the best roughness. The data often leave it open, and a trajectory that
    was smoothed too far is a trap, so later restarts are as rough as `UNDECIDED` nats allow.
    """
    head, fits = _enough_coefficients(problem, samples, noise, batch, coefficients)
    theta = torch.stack([fit.c for fit in fits], 2).flatten(2)
    kappa = torch.cat([fit.kappa for fit in fits], 1)
    V, _ = head.forward(theta[:1], head.basis(samples.tc))
    basis = head.basis(samples.t)
    sigma = _column_noise(head, theta, basis, samples, noise, [fit.sigma for fit in fits])
    return Reference(head, theta, kappa, sigma, exponentiate(V, head.frame.log)[0])


@dataclass(frozen=True, slots=True)
class _Smooth:
    """One state's coefficients `[B, E, m]`, precisions `[B, 2]` (quadratics, rest), noise `[B]`,
    and the restricted likelihood of the best."""

    c: Tensor
    kappa: Tensor
    sigma: Tensor
    score: float


def _enough_coefficients(
    problem: Problem, samples: Samples, noise: NoiseModel, batch: int, given: int
) -> tuple[SplineStates, list[_Smooth]]:
    """Return splines of the given size, or of doubled ones while the likelihood asks for more."""
    frame, longest = frame_of(problem, samples), samples.t.shape[1]
    margins = torch.linspace(0, UNDECIDED, batch, dtype=torch.float64)

    def fit(count: int) -> tuple[SplineStates, list[_Smooth]]:
        head = SplineStates(frame, max(count, DEGREE + 3))
        basis = head.basis(samples.t)
        states = range(len(problem.equations))
        return head, [_smooth_state(head, basis, samples, noise, s, margins) for s in states]

    best = fit(given or int(np.clip(8 + longest, FEWEST, FIRST)))
    while not given and best[0].coefficients < min(8 + longest, MOST):
        finer = fit(min(2 * best[0].coefficients, MOST))
        gain = sum(f.score for f in finer[1]) - sum(f.score for f in best[1])
        if gain < UNDECIDED:
            break
        best = finer
    return best


def frame_of(problem: Problem, samples: Samples) -> Frame:
    """Return location and scale of the states from the samples."""
    location, scale, log = [], [], []
    for index in range(len(problem.equations)):
        m, column = _primary(samples, index)
        here = samples.present[..., m] > 0
        y = samples.y[..., m][here]
        longest = samples.span.max() ** column.order
        location.append(y.mean() if column.order == 0 else torch.zeros_like(longest))
        spread = (y - y.mean()).square().mean().sqrt()
        scale.append(torch.maximum(spread, 1e-9 * y.abs().max().clamp_min(1e-300)) * longest)
        log.append(column.log)
    order = max(equation.order for equation in problem.equations)
    return Frame(
        torch.stack(location), torch.stack(scale), samples.start, samples.span, order, tuple(log)
    )


def _primary(samples: Samples, state: int) -> tuple[int, Column]:
    """Return the lowest measured derivative of a state, which the smoothing uses."""
    own = [(c.order, m, c) for m, c in enumerate(samples.columns) if c.state == state]
    _, m, column = min(own, key=lambda row: row[:2])
    return m, column


def _smooth_state(
    head: SplineStates,
    basis: Tensor,
    samples: Samples,
    noise: NoiseModel,
    state: int,
    margins: Tensor,
) -> _Smooth:
    """Return the smoothing of one state from its lowest measured derivative."""
    m, column = _primary(samples, state)
    frame = head.frame
    present = samples.present[..., m]
    longest = frame.span.max() ** column.order
    rows = basis[:, column.order] * present[..., None] * longest
    unit = frame.scale[state] / longest
    offset = frame.location[state] if column.order == 0 else 0.0
    y = (samples.y[..., m] - offset) / unit * present
    stiffness = bsplines.modes(head.coefficients, DEGREE)[0].to(y.device)
    c, rough, sigma, score = _restricted_likelihood(
        rows, y, stiffness, noise.given[m] / unit, margins
    )
    null = bsplines.PENALISED
    plain = null * c.shape[1] / c[..., :null].square().sum((1, 2)).clamp_min(1e-30)
    kappa = torch.stack([plain.clamp(1e-6, 1e3), (rough / sigma**2).clamp(LEAST, MOST_ROUGH)], 1)
    return _Smooth(c, kappa, torch.maximum(sigma * unit, noise.smallest[m]), score)


def _restricted_likelihood(
    rows: Tensor, y: Tensor, stiffness: Tensor, given: Tensor, margins: Tensor
) -> tuple[Tensor, Tensor, Tensor, float]:
    """Return coefficients, roughness weights (in units of the noise), noise, for each margin.

    And the likelihood of the best, in nats.
    """
    grid, null = GRID.to(y.device), bsplines.PENALISED
    ridge = RIDGE * (stiffness == 0).to(stiffness.dtype)
    penalty = grid[:, None] * stiffness + ridge
    A, b = rows.mT @ rows, (rows.mT @ y.unsqueeze(-1)).squeeze(-1)
    L = torch.linalg.cholesky(A + torch.diag_embed(penalty)[:, None])
    c = torch.cholesky_solve(b.unsqueeze(-1).expand(len(grid), -1, -1, -1), L).squeeze(-1)
    squares = (y.square().sum() - (c * b).sum((1, 2))).clamp_min(1e-12 * y.square().sum())
    present = int((rows.abs().sum(-1) > 0).sum())
    free = max(present - null * len(y), 1)
    determinant = 2 * L.diagonal(dim1=-2, dim2=-1).log().sum((1, 2))
    prior = len(y) * (len(stiffness) - null) * grid.log()
    sigma = (squares / free).sqrt() if bool(torch.isnan(given)) else given.expand(len(grid))
    score = -0.5 * (squares / sigma**2 + determinant - prior) - free * sigma.log()
    allowed = score >= score.max() - margins.to(y.device)[:, None]
    best = allowed.long().argmax(1)
    return c[best], grid[best], sigma[best], float(score.max())


def _column_noise(
    head: SplineStates,
    theta: Tensor,
    basis: Tensor,
    samples: Samples,
    noise: NoiseModel,
    primary: list[Tensor],
) -> Tensor:
    """Return the noise `[B, M]`: the smoothing's own, else the misfit of the splines."""
    U = exponentiate(head.forward(theta, basis)[0], head.frame.log)
    sigma = []
    for m, column in enumerate(samples.columns):
        if _primary(samples, column.state)[0] == m:
            sigma.append(primary[column.state])
            continue
        model = U[:, :, column.order, :, column.state]
        misfit = (model - samples.y[..., m]) * samples.present[..., m]
        sigma.append((misfit.square().sum((1, 2)) / samples.counts[m]).sqrt())
    return torch.maximum(torch.stack(sigma, 1), noise.smallest)
