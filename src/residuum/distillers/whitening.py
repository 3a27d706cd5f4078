r"""How much each direction of the samples weighs: what the data say, and no more.

Samples of a smooth surrogate are strongly correlated: their covariance :math:`C` has a few large
eigenvalues (what the data leave open) and many near zero (what the surrogate cannot express).

Where the surrogate's prior :math:`N(m, P)` is known, it is divided out: a formula's values
:math:`f` have the likelihood :math:`N(f; y, C) / N(f; m, P)`, of precision
:math:`\Lambda = C^{-1} - P^{-1}`. Weighing with :math:`C^{-1}` instead would count smoothness as
data and pull every formula towards the prior's.

Where it is not, :math:`y - \Phi\xi \sim N(0, C + s^2 I)` with a discrepancy :math:`s` by
restricted maximum likelihood under the whole library (Patterson and Thompson 1971,
doi:10.1093/biomet/58.3.545), and not below a tenth of the largest standard deviation. With no
covariance at hand this is ordinary least squares with estimated noise. A direction of huge
variance, such as a combination of parameters that the data leave open, weighs next to nothing
either way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Both are shares of the values' rms. A surrogate agrees with its own physics to about the first;
# the second is searched.
_TOLERANCE = 1e-3
_FLOORS = np.logspace(-6, 0, 37)
_RELATIVE_FLOOR = 1e-2
_RANK = 1e-9
# The share of a direction's precision that comes from the data, below which it is left out.
_INFORMED = 1e-3


@dataclass(frozen=True, slots=True)
class Whitening:
    """The map `rows[r, n]` to directions of unit variance, and the values there, `target[r]`.

    `informative` counts the directions that the data rather than a prior or floor determine.
    """

    rows: np.ndarray
    target: np.ndarray
    informative: int

    @property
    def independent(self) -> np.ndarray | None:
        """The weight of each sample `[n]` where their errors are independent, else None."""
        filled = self.rows != 0
        square = self.rows.shape[0] == self.rows.shape[1]
        if not square or (filled.sum(axis=0) != 1).any() or (filled.sum(axis=1) != 1).any():
            return None
        return np.asarray(np.abs(self.rows).sum(axis=0))


def whiten(covariance: np.ndarray, values: np.ndarray, columns: np.ndarray) -> Whitening:
    """Return the whitening by `covariance[n, n]` with a floor fitted under `columns[n, m]`.

    Does not depend on units. Raises ValueError when the covariance is not symmetric positive
    semidefinite.
    """
    spectrum, rotation = _spectrum(covariance, "covariance")
    scale = _scale(values, spectrum)
    # A direction more uncertain than the values are large is undetermined: no measure for a floor.
    determined = spectrum[spectrum <= scale**2 * len(values)]
    lowest = max(_RELATIVE_FLOOR * determined.max(initial=0.0), _rounding(spectrum))
    floors = np.maximum((_FLOORS * scale) ** 2, lowest)
    variances = spectrum + floors[:, None]
    rotated = rotation.T @ values
    best = int(np.argmin(_criterion(variances, rotation.T @ _span(columns), rotated)))
    sd = np.sqrt(variances[best])
    informative = int(np.count_nonzero(spectrum > floors[best]))
    return Whitening(rotation.T / sd[:, None], rotated / sd, informative or len(values))


def whiten_likelihood(
    covariance: np.ndarray, values: np.ndarray, prior: np.ndarray, prior_mean: np.ndarray
) -> Whitening | None:
    r"""Return the whitening by the precision :math:`C^{-1} - P^{-1}` that is the data's alone.

    With :math:`C^{-1/2} P^{-1} C^{-1/2} = V \mu V^T` and :math:`u(f) = V^T C^{-1/2} f` the rows
    are :math:`\sqrt{1-\mu}\,u` and the target
    :math:`(u(y) - \mu u(m)) / \sqrt{1-\mu}`. None when the data add nothing to the prior.
    """
    spectrum, rotation = _spectrum(covariance, "covariance")
    prior_spectrum, prior_rotation = _spectrum(prior, "prior")
    floor = (_TOLERANCE * _scale(values, spectrum)) ** 2
    sd = np.sqrt(spectrum + max(floor, _rounding(spectrum)))
    prior_sd = np.sqrt(prior_spectrum + max(floor, _rounding(prior_spectrum)))
    ratio = (prior_rotation.T @ (rotation * sd)) / prior_sd[:, None]
    _, singular, directions = np.linalg.svd(ratio)
    mu = np.clip(singular**2, 0.0, 1.0)
    order = np.argsort(mu, kind="stable")
    kept = order[: np.count_nonzero(1.0 - mu > _INFORMED)]
    if not len(kept):
        return None
    share = 1.0 - mu[kept]
    u = directions[kept] @ (rotation / sd).T
    target = (u @ values - mu[kept] * (u @ prior_mean)) / np.sqrt(share)
    informative = int(np.count_nonzero(share > 0.5))
    return Whitening(u * np.sqrt(share)[:, None], target, max(informative, 1))


def _spectrum(covariance: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    asymmetry = np.abs(covariance - covariance.T).max(initial=0.0)
    spectrum, rotation = np.linalg.eigh((covariance + covariance.T) / 2)
    largest = max(spectrum[-1], 0.0)
    if asymmetry > 1e-6 * largest or spectrum[0] < -1e-6 * largest:
        raise ValueError(f"{name}: expected a symmetric positive semidefinite matrix")
    return np.clip(spectrum, 0.0, None), rotation


def _rounding(spectrum: np.ndarray) -> float:
    """Return the size of an eigenvalue's rounding error."""
    return float(8 * np.finfo(float).eps * len(spectrum) * spectrum[-1])


def _scale(values: np.ndarray, spectrum: np.ndarray) -> float:
    rms = float(np.sqrt(np.mean(values**2)))
    return rms or float(np.sqrt(spectrum.mean())) or 1.0


def _span(columns: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the columns, at most half as many as samples."""
    unit = columns / np.linalg.norm(columns, axis=0)
    left, sizes, _ = np.linalg.svd(unit, full_matrices=False)
    rank = int(np.count_nonzero(sizes > _RANK * sizes.max(initial=0.0)))
    return left[:, : min(rank, len(columns) // 2)]


def _criterion(variances: np.ndarray, basis: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return minus twice the restricted log likelihood for each row of `variances[g, n]`."""
    augmented = np.concatenate([basis, values[:, None]], axis=1)
    triangular = np.linalg.qr(augmented / np.sqrt(variances)[:, :, None], mode="r")
    diagonal = np.abs(np.diagonal(triangular, axis1=1, axis2=2))
    return np.asarray(
        np.log(variances).sum(axis=1)
        + 2 * np.log(diagonal[:, :-1]).sum(axis=1)
        + diagonal[:, -1] ** 2
    )
