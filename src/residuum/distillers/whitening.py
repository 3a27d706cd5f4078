r"""How much each direction of the samples weighs: the posterior covariance and a floor.

Samples of a smooth surrogate are strongly correlated: their covariance :math:`C` has a few large
eigenvalues (what the data leave open) and many near zero (what the surrogate cannot express).
Taken at its word, the latter would weigh its approximation error without limit; left out,
the most precise directions are lost. So

.. math:: y - \Phi\xi \sim N(0, C + s^2 I),

with one discrepancy :math:`s` estimated by restricted maximum likelihood (Patterson and Thompson
1971, doi:10.1093/biomet/58.3.545) under the whole library. With no covariance at hand
(:math:`C = 0`) this is ordinary least squares with estimated noise; a direction of huge variance,
such as a combination of parameters that the data do not determine, weighs next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# The discrepancy is searched between a millionth and the whole of the values' rms.
_FLOORS = np.logspace(-6, 0, 37)
_RANK = 1e-9


@dataclass(frozen=True, slots=True)
class Whitening:
    """The map to directions of unit variance: `rotation[n, n]`, `variances[n]`, `floor` = s^2."""

    rotation: np.ndarray
    variances: np.ndarray
    floor: float

    def apply(self, array: np.ndarray) -> np.ndarray:
        r"""Return :math:`(C + s^2 I)^{-1/2}` times a vector `[n]` or the columns of `[n, m]`."""
        scale = np.sqrt(self.variances)
        rotated = self.rotation.T @ array
        return rotated / (scale if array.ndim == 1 else scale[:, None])

    @property
    def informative(self) -> int:
        """Number of directions whose posterior variance exceeds the floor; all if none does."""
        count = int(np.count_nonzero(self.variances > 2.0 * self.floor))
        return count or len(self.variances)


def whiten(covariance: np.ndarray, values: np.ndarray, columns: np.ndarray) -> Whitening:
    """Return the whitening for `values[n]` with `covariance[n, n]`, floored under `columns[n, m]`.

    Independent of units. Raises ValueError when the covariance is not symmetric positive
    semidefinite.
    """
    spectrum, rotation = _spectrum(covariance)
    scale = _scale(values, spectrum)
    lowest = 8 * np.finfo(float).eps * len(values) * spectrum[-1]
    floors = np.maximum((_FLOORS * scale) ** 2, lowest)
    variances = spectrum + floors[:, None]
    basis = rotation.T @ _span(columns)
    best = int(np.argmin(_criterion(variances, basis, rotation.T @ values)))
    return Whitening(rotation, variances[best], float(floors[best]))


def _spectrum(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    asymmetry = np.abs(covariance - covariance.T).max(initial=0.0)
    spectrum, rotation = np.linalg.eigh((covariance + covariance.T) / 2)
    largest = max(spectrum[-1], 0.0)
    if asymmetry > 1e-6 * largest or spectrum[0] < -1e-6 * largest or spectrum[-1] < 0:
        raise ValueError("covariance: expected a symmetric positive semidefinite matrix")
    return np.clip(spectrum, 0.0, None), rotation


def _scale(values: np.ndarray, spectrum: np.ndarray) -> float:
    rms = float(np.sqrt(np.mean(values**2)))
    return rms or float(np.sqrt(spectrum.mean())) or 1.0


def _span(columns: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the columns, at most half as many as samples."""
    norms = np.linalg.norm(columns, axis=0)
    left, sizes, _ = np.linalg.svd(columns[:, norms > 0] / norms[norms > 0], full_matrices=False)
    rank = int(np.count_nonzero(sizes > _RANK * sizes.max(initial=0.0)))
    return left[:, : min(rank, len(columns) // 2)]


def _criterion(variances: np.ndarray, basis: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return minus twice the restricted log likelihood for each row of `variances[g, n]`."""
    augmented = np.concatenate([basis, values[:, None]], axis=1)
    triangular = np.linalg.qr(augmented / np.sqrt(variances)[:, :, None], mode="r")
    diagonal = np.abs(np.diagonal(triangular, axis1=1, axis2=2))
    return (
        np.log(variances).sum(axis=1)
        + 2 * np.log(diagonal[:, :-1]).sum(axis=1)
        + diagonal[:, -1] ** 2
    )
