r"""How is a batch of nonlinear least-squares problems with shared unknowns solved?

Each element of the batch minimises

.. math:: F = \tfrac12 \sum_e |r_e(\theta_e, q)|^2
          + \tfrac12 \sum_e \theta_e^T \Lambda_e \theta_e + \tfrac12 q^T \Lambda_q q

over the unknowns :math:`\theta_e` of every experiment and the shared :math:`q`. The normal
equations are bordered block-diagonal, so the blocks are eliminated (Schur complement): cost
grows linearly with experiments. Every element has its own damping and accepts by its own cost.

Sources: D. Marquardt, SIAM J. Appl. Math. 11 (1963) 431; H. B. Nielsen, Damping parameter in
Marquardt's method, IMM-REP-1999-05, DTU 1999.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

NEVER = 1e12  # relative stiffness that holds an unknown at its bound


class Model(Protocol):
    """Residuals `r[B, E, R]` of unknowns `state[B, E, P]`, `shared[B, Q]`, and their Jacobian."""

    def residuals(self, state: Tensor, shared: Tensor) -> tuple[Tensor, Any]:
        """Return the residuals and what the Jacobian needs."""

    def jacobian(self, tape: Any) -> Tensor:
        """Return `J[B, E, R, P + Q]`; the buffer may be reused by the next call."""


@dataclass(frozen=True, slots=True)
class Unknowns:
    """`state[B, E, P]` of every experiment and `shared[B, Q]`."""

    state: Tensor
    shared: Tensor

    def where(self, accept: Tensor, other: Unknowns) -> Unknowns:
        """Return these unknowns where `accept[B]`, else the other ones."""
        return Unknowns(
            torch.where(accept[:, None, None], self.state, other.state),
            torch.where(accept[:, None], self.shared, other.shared),
        )

    def plus(self, step: Unknowns) -> Unknowns:
        """Return the sum."""
        return Unknowns(self.state + step.state, self.shared + step.shared)

    def dot(self, other: Unknowns) -> Tensor:
        """Return the inner product `[B]`."""
        return (self.state * other.state).sum((1, 2)) + (self.shared * other.shared).sum(1)

    def times(self, precision: Unknowns) -> Unknowns:
        """Return the product with a diagonal (`precision.state` is `[B, P]` or `[B, E, P]`)."""
        diagonal = precision.state
        diagonal = diagonal if diagonal.dim() == 3 else diagonal[:, None]
        return Unknowns(self.state * diagonal, self.shared * precision.shared)


@dataclass(frozen=True, slots=True)
class Normal:
    """`J^T J` by blocks, `state[B, E, P, P]`, `border[B, E, P, Q]`, `shared[B, Q, Q]`, and `J^T r`."""

    state: Tensor
    border: Tensor
    shared: Tensor
    gradient: Unknowns

    @property
    def largest(self) -> Tensor:
        """The largest diagonal entry `[B]`."""
        parts = [self.state.diagonal(dim1=-2, dim2=-1).flatten(1)]
        parts.append(self.shared.diagonal(dim1=-2, dim2=-1))
        return torch.cat(parts, 1).amax(1)

    def where(self, accept: Tensor, other: Normal) -> Normal:
        """Return these equations where `accept[B]`, else the other ones."""
        four = accept[:, None, None, None]
        return Normal(
            torch.where(four, self.state, other.state),
            torch.where(four, self.border, other.border),
            torch.where(accept[:, None, None], self.shared, other.shared),
            self.gradient.where(accept, other.gradient),
        )


@dataclass(frozen=True, slots=True)
class Factor:
    """Cholesky factors of the normal equations: blocks `L`, borders `X = L^-1 A`, Schur `S`."""

    L: Tensor
    X: Tensor
    S: Tensor
    ok: Tensor

    def solve(self, g: Unknowns) -> Unknowns:
        """Return `H^-1 g`."""
        y = _forward(self.L, g.state.unsqueeze(-1))
        reduced = g.shared - (self.X.mT @ y).sum(1).squeeze(-1)
        q = torch.cholesky_solve(reduced.unsqueeze(-1), self.S)
        y = y - self.X @ q.unsqueeze(1)
        state = torch.linalg.solve_triangular(self.L.mT, y, upper=True)
        return Unknowns(state.squeeze(-1), q.squeeze(-1))

    def take(self, s: slice) -> Factor:
        """Return the factors of some elements of the batch."""
        return Factor(self.L[s], self.X[s], self.S[s], self.ok[s])

    @property
    def log_determinant(self) -> Tensor:
        """Logarithm of the determinant of the whole matrix, `[B]`."""
        blocks = self.L.diagonal(dim1=-2, dim2=-1).log().sum((1, 2))
        return 2 * (blocks + self.S.diagonal(dim1=-2, dim2=-1).log().sum(1))

    def shared_covariance(self) -> Tensor:
        """Return the covariance `[B, Q, Q]` of the shared unknowns, all others marginalised."""
        return torch.cholesky_inverse(self.S)

    def inverse_diagonal(self) -> Unknowns:
        """Return the diagonal of the inverse."""
        eye = torch.eye(self.L.shape[-1], dtype=self.L.dtype, device=self.L.device)
        rows = torch.linalg.solve_triangular(self.L, eye.expand_as(self.L), upper=False)
        shared = self.shared_covariance().diagonal(dim1=-2, dim2=-1)
        return Unknowns(self._quadratic(rows), shared)

    def leverage(self, J: Tensor) -> Tensor:
        """Return `diag(J H^-1 J^T)` of rows `J[B, E, N, P]` that involve only the states."""
        return self._quadratic(_forward(self.L, J.mT))

    def _quadratic(self, columns: Tensor) -> Tensor:
        """Return `diag(C^T (I + X S^-1 X^T) C)` for columns `C = L^-1 (...)`."""
        inner = _forward(self.S.unsqueeze(1), self.X.mT @ columns)
        return columns.square().sum(-2) + inner.square().sum(-2)


@dataclass(frozen=True, slots=True)
class Fit:
    """Where the minimisation stopped, with the undamped pieces the evidence needs.

    `damping[B]` is the last one, relative to the largest diagonal entry: a start for a next fit.
    """

    unknowns: Unknowns
    cost: Tensor
    residuals: Tensor
    normal: Normal
    iterations: int
    damping: Tensor


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits `[Q]` of the shared unknowns; infinite where there are none."""

    lower: Tensor
    upper: Tensor

    def project(self, q: Tensor) -> Tensor:
        """Return the nearest point inside."""
        return torch.minimum(torch.maximum(q, self.lower), self.upper)

    def blocked(self, q: Tensor, gradient: Tensor) -> Tensor:
        """Tell which unknowns `[B, Q]` stand at a bound that descent would cross."""
        return ((q <= self.lower) & (gradient > 0)) | ((q >= self.upper) & (gradient < 0))


def assemble(J: Tensor, r: Tensor, P: int) -> Normal:
    """Return the normal equations of `J[B, E, R, P + Q]`, the first `P` columns being the states'."""
    A = J.mT @ J
    g = (J.mT @ r.unsqueeze(-1)).squeeze(-1)
    return Normal(
        A[:, :, :P, :P],
        A[:, :, :P, P:],
        A[:, :, P:, P:].sum(1),
        Unknowns(g[:, :, :P], g[:, :, P:].sum(1)),
    )


def factorise(normal: Normal, diagonal: Unknowns) -> Factor:
    """Return the factors of the normal equations with a diagonal added (`state[B, P]`)."""
    H = normal.state.clone()
    H.diagonal(dim1=-2, dim2=-1).add_(diagonal.state[:, None])
    L, failed = torch.linalg.cholesky_ex(H)
    X = _forward(L, normal.border)
    schur = normal.shared - (X.mT @ X).sum(1)
    schur.diagonal(dim1=-2, dim2=-1).add_(diagonal.shared)
    S, failed_too = torch.linalg.cholesky_ex(schur)
    ok = (failed == 0).all(1) & (failed_too == 0)
    return Factor(L, X, S, ok)


def minimise(
    model: Model,
    start: Unknowns,
    precision: Unknowns,
    *,
    iterations: int,
    damping: float | Tensor = 1e-6,
    tolerance: float = 1e-3,
    bounds: Bounds | None = None,
) -> Fit:
    """Return the minimum of every batch element, found by damped Gauss-Newton steps.

    `precision` holds the diagonal priors `state[B, P]`, `shared[B, Q]`. An element is done when
    two accepted steps in a row lower its cost by less than `tolerance` (in nats), or none can.
    """
    search = _Search(model, start, precision, damping, tolerance, bounds)
    count = 0
    for count in range(1, iterations + 1):  # noqa: B007
        if search.step():
            break
    return search.fit(count)


class _Search:
    """The iteration's moving parts: point, cost, normal equations, damping of each element."""

    def __init__(
        self,
        model: Model,
        start: Unknowns,
        precision: Unknowns,
        damping: float | Tensor,
        tolerance: float,
        bounds: Bounds | None,
    ) -> None:
        self.model, self.precision, self.bounds = model, precision, bounds
        self.tolerance, self.at = tolerance, start
        self.r, tape = model.residuals(start.state, start.shared)
        self.cost = self.cost_of(self.r, start)
        self.normal = assemble(model.jacobian(tape), self.r, start.state.shape[-1])
        self.mu = damping * self.normal.largest
        self.nu = torch.full_like(self.mu, 2.0)
        self.small = torch.zeros_like(self.mu)
        self.done = torch.zeros_like(self.mu, dtype=torch.bool)

    def cost_of(self, r: Tensor, at: Unknowns) -> Tensor:
        return 0.5 * (r.square().sum((1, 2)) + at.dot(at.times(self.precision)))

    def fit(self, count: int) -> Fit:
        damping = self.mu / self.normal.largest
        return Fit(self.at, self.cost, self.r, self.normal, count, damping)

    def step(self) -> bool:
        """Try one step for every element; return whether all are done."""
        g = self.at.times(self.precision).plus(self.normal.gradient)
        move, predicted, ok = self._propose(g)
        trial = self.at.plus(move)
        if self.bounds is not None:
            trial = Unknowns(trial.state, self.bounds.project(trial.shared))
        r, tape = self.model.residuals(trial.state, trial.shared)
        cost = self.cost_of(r, trial)
        gain = self.cost - cost
        accept = ok & (gain >= 0) & torch.isfinite(cost) & ~self.done
        self._adapt(accept, gain, gain / predicted.clamp_min(1e-300))
        if bool(accept.any()):
            self._move(accept, trial, r, cost, tape)
        return bool(self.done.all())

    def _propose(self, g: Unknowns) -> tuple[Unknowns, Tensor, Tensor]:
        """Return the damped step, the decrease it predicts and whether it could be computed."""
        extra = torch.zeros_like(self.precision.shared)
        if self.bounds is not None:
            blocked = self.bounds.blocked(self.at.shared, g.shared)
            extra = torch.where(blocked, NEVER * self.normal.largest[:, None], extra)
            g = Unknowns(g.state, torch.where(blocked, torch.zeros_like(g.shared), g.shared))
        mu = self.mu[:, None]
        diagonal = Unknowns(self.precision.state + mu, self.precision.shared + mu + extra)
        factor = factorise(self.normal, diagonal)
        step = factor.solve(g)
        move = Unknowns(-step.state, -step.shared)
        predicted = 0.5 * (self.mu * move.dot(move) - move.dot(g))
        finite = torch.isfinite(predicted)
        if not bool((factor.ok & finite).all()):
            keep = factor.ok & finite
            zero = Unknowns(torch.zeros_like(move.state), torch.zeros_like(move.shared))
            move = move.where(keep, zero)
        return move, predicted, factor.ok & finite & (predicted >= 0)

    def _adapt(self, accept: Tensor, gain: Tensor, ratio: Tensor) -> None:
        """Update damping (Nielsen) and decide who is done."""
        shrink = (1 - (2 * ratio.clamp(-10, 10) - 1) ** 3).clamp(min=1 / 3)
        # Damping below rounding of the normal equations has no effect and hides their noise.
        lower = 1e-14 * self.normal.largest
        self.mu = torch.where(accept, torch.maximum(self.mu * shrink, lower), self.mu * self.nu)
        self.nu = torch.where(accept, torch.full_like(self.nu, 2.0), 2 * self.nu)
        little = accept & (gain < self.tolerance)
        self.small = torch.where(little, self.small + 1, torch.where(accept, 0.0, self.small))
        self.done = self.done | (self.small >= 2) | (self.nu > 2.0**24)

    def _move(self, accept: Tensor, trial: Unknowns, r: Tensor, cost: Tensor, tape: Any) -> None:
        normal = assemble(self.model.jacobian(tape), r, trial.state.shape[-1])
        if bool(accept.all()):
            self.at, self.r, self.cost, self.normal = trial, r, cost, normal
            return
        self.at = trial.where(accept, self.at)
        self.r = torch.where(accept[:, None, None], r, self.r)
        self.cost = torch.where(accept, cost, self.cost)
        self.normal = normal.where(accept, self.normal)


def _forward(L: Tensor, b: Tensor) -> Tensor:
    """Return `L^-1 b` for a lower triangular `L`."""
    return torch.linalg.solve_triangular(L, b, upper=False)
