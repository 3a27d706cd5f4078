"""Which of very many columns a search is given: those that a forest of random trees uses most.

A forest sees columns that matter only together with others, which correlation with the value does
not. Geurts, Ernst and Wehenkel 2006, doi:10.1007/s10994-006-6226-1.
"""

from __future__ import annotations

import numpy as np

from residuum.seeds import child_seed

TREES = 200
_MOST_ROWS = 5000


def most_useful(X: np.ndarray, y: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """Return the indices of the `count` columns of `X[n, p]` most used to predict `y[n]`, sorted.

    Only the order of values within columns matters, so units do not.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    rows = np.linspace(0, len(y) - 1, min(len(y), _MOST_ROWS)).astype(int)
    ranks = np.argsort(np.argsort(X[rows], axis=0, kind="stable"), axis=0)
    forest = ExtraTreesRegressor(
        n_estimators=TREES,
        max_features=1 / 3,
        min_samples_leaf=2,
        random_state=child_seed(seed, "preselection") % 2**32,
    )
    forest.fit(ranks.astype(float), y[rows])
    order = np.argsort(-forest.feature_importances_, kind="stable")
    return np.sort(order[:count])
