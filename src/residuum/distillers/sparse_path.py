r"""Which supports pysindy's optimizers pass through as sparsity rises.

STLSQ (Brunton, Proctor and Kutz 2016, doi:10.1073/pnas.1517384113) and SR3 (Zheng et al. 2019,
doi:10.1109/ACCESS.2018.2886528) over a path of thresholds, SSR (Boninsegna, Nüske and
Clementi 2018, doi:10.1063/1.5018409) from all columns down to one. The columns have unit whitened
norm, so a threshold counts standard errors and the path does not depend on units.
"""

from __future__ import annotations

import warnings

import numpy as np

_THRESHOLDS = 6
_RIDGE = 1e-6  # columns have unit norm; enough to keep a singular system solvable


def sparse_path(matrix: np.ndarray, target: np.ndarray) -> dict[tuple[int, ...], str]:
    """Return `{support: optimizer that met it first}` for unit columns `[n, m]` and `target[n]`.

    A regression that fails numerically adds nothing.
    """
    # pysindy imports scikit-learn and all of its own modules, 1.5 s: only where it is used.
    from pysindy.optimizers import SR3, SSR, STLSQ

    supports: dict[tuple[int, ...], str] = {}
    thresholds = _thresholds(matrix, target)
    # A new optimizer for every fit: set_params skips pysindy's own validation.
    runs = [("stlsq", STLSQ(threshold=t, alpha=_RIDGE, unbias=False)) for t in thresholds]
    runs += [
        ("sr3", SR3(reg_weight_lam=SR3.calculate_l0_weight(t, 1.0), relax_coeff_nu=1.0))
        for t in thresholds
    ]
    runs.append(("ssr", SSR(alpha=_RIDGE, max_iter=matrix.shape[1], unbias=False)))
    with warnings.catch_warnings():
        # An empty support or a slow path is part of a path, not news to the user.
        warnings.simplefilter("ignore")
        for name, optimizer in runs:
            for support in _passed(optimizer, matrix, target):
                supports.setdefault(support, name)
    return supports


def _thresholds(matrix: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return thresholds from one standard error to the largest coefficient of one column."""
    largest = float(np.abs(matrix.T @ target).max(initial=0.0))
    return np.geomspace(1.0, max(largest, 2.0), _THRESHOLDS)


def _passed(optimizer: object, matrix: np.ndarray, target: np.ndarray) -> list[tuple[int, ...]]:
    try:
        optimizer.fit(matrix, target)  # type: ignore[attr-defined]
    except (ValueError, np.linalg.LinAlgError):
        return []
    steps = [np.asarray(optimizer.coef_), *optimizer.history_]  # type: ignore[attr-defined]
    rows = [np.asarray(step).reshape(-1) for step in steps]
    found = [tuple(int(j) for j in np.flatnonzero(row)) for row in rows]
    return [support for support in found if support]
