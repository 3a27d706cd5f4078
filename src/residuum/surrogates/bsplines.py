r"""What are the values, derivatives and roughness of B-splines on equal intervals?

On an interval with local coordinate :math:`s \in [0, 1)` the `k + 1` splines that are not zero
are polynomials, :math:`b(s) = (1, s, \ldots, s^k) M`. Outside the domain the polynomials of the
end intervals go on, so everything stays smooth. Coefficients are those of the eigenvectors of
the roughness penalty, which makes every prior diagonal.

Source: P. H. C. Eilers and B. D. Marx, Flexible smoothing with B-splines and penalties,
Statistical Science 11 (1996) 89, doi:10.1214/ss/1038425655.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

PENALISED = 3  # the order of the derivative whose square is the roughness


@lru_cache(maxsize=16)
def polynomials(degree: int) -> Tensor:
    """Return `M[power, spline]` of the splines of a degree on one interval (Cox and de Boor)."""
    M = torch.ones(1, 1, dtype=torch.float64)
    for k in range(1, degree + 1):
        # b_j^k = ((s + k - j)/k) b_{j-1}^{k-1} + ((j + 1 - s)/k) b_j^{k-1}
        wider = torch.zeros(k + 1, k + 1, dtype=torch.float64)
        for j in range(k + 1):
            if j > 0:
                wider[:k, j] += (k - j) / k * M[:, j - 1]
                wider[1:, j] += M[:, j - 1] / k
            if j < k:
                wider[:k, j] += (j + 1) / k * M[:, j]
                wider[1:, j] -= M[:, j] / k
        M = wider
    return M


def basis(x: Tensor, size: int, degree: int, order: int = 0) -> Tensor:
    """Return the splines' derivatives of an order at `x[...]`, domain [0, 1], as `[..., size]`."""
    intervals = size - degree
    z = x * intervals
    index = z.floor().clamp(0, intervals - 1)
    s = z - index
    M = polynomials(degree).to(x.device)
    powers = [
        torch.zeros_like(s) if p < order else math.perm(p, order) * s ** (p - order)
        for p in range(degree + 1)
    ]
    local = torch.stack(powers, -1) @ M * float(intervals) ** order
    where = index.long().unsqueeze(-1) + torch.arange(degree + 1, device=x.device)
    return x.new_zeros(*x.shape, size).scatter(-1, where, local)


def gram(size: int, degree: int, order: int) -> Tensor:
    """Return the integral over [0, 1] of products of the splines' derivatives of an order."""
    points = max(400, 10 * (size - degree))
    x = (torch.arange(points, dtype=torch.float64) + 0.5) / points
    B = basis(x, size, degree, order)
    return B.mT @ B / points


@lru_cache(maxsize=32)
def modes(size: int, degree: int) -> tuple[Tensor, Tensor]:
    """Return the roughness `[size]` (ascending; zero for quadratics) and its eigenvectors."""
    return _modes(gram(size, degree, PENALISED), nullity=PENALISED)


@lru_cache(maxsize=32)
def surface_modes(size: int, degree: int) -> tuple[Tensor, Tensor]:
    r"""Return roughness and eigenvectors of the products of two spline bases.

    The roughness is the integral of :math:`f_{xxx}^2 + 3 f_{xxy}^2 + 3 f_{xyy}^2 + f_{yyy}^2`;
    it is zero for polynomials of total degree two.
    """
    a = [gram(size, degree, order) for order in range(PENALISED + 1)]
    penalty = sum(
        math.comb(PENALISED, order) * torch.kron(a[order], a[PENALISED - order])
        for order in range(PENALISED + 1)
    )
    return _modes(torch.as_tensor(penalty), nullity=PENALISED * (PENALISED + 1) // 2)


def _modes(penalty: Tensor, nullity: int) -> tuple[Tensor, Tensor]:
    """Return eigenvalues, exact zeros first and the smallest other one at 1, and eigenvectors."""
    values, vectors = torch.linalg.eigh(penalty)
    values = values / values[nullity]
    values[:nullity] = 0.0
    # The sign of an eigenvector is free: fix it, so that results agree between machines.
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return values, vectors * largest.sign()
