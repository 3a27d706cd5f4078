r"""How are least-squares problems with shared unknowns solved block by block?

The unknowns :math:`\theta_e` of each experiment meet only through the shared :math:`q`, so the
normal equations are bordered block-diagonal. With :math:`L_e L_e^T = H_{ee}` and
:math:`X_e = L_e^{-1} H_{eq}`, eliminating the blocks leaves the Schur complement

.. math:: S S^T = H_{qq} - \sum_e X_e^T X_e ,

and every quantity (steps, determinants, variances, leverages) comes from `L`, `X` and `S`:
cost grows linearly with experiments.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


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
    """`J^T J` by blocks, `state[B, E, P, P]`, `border[B, E, P, Q]`, `shared[B, Q, Q]`; `J^T r`."""

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


def assemble(J: Tensor, r: Tensor, P: int) -> Normal:
    """Return the normal equations of `J[B, E, R, P + Q]`; the first `P` columns are the states'."""
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


def _forward(L: Tensor, b: Tensor) -> Tensor:
    """Return `L^-1 b` for a lower triangular `L`."""
    return torch.linalg.solve_triangular(L, b, upper=False)
