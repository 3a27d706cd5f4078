"""Symbolic regression as scikit-learn knows it: fit, predict, clone, cross-validate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from residuum.data.tables import FEWEST_ROWS, is_name
from residuum.regression import MOST_VARIABLES, regress

if TYPE_CHECKING:
    from residuum.distillers.settings import GeneticSettings


class GeneticRegressor(RegressorMixin, BaseEstimator):
    """Formulas by genetic search, one a complexity, of which the data support one.

    Parameters are those of `residuum.regress`. Fitting sets `formulas_` (candidates, simplest
    first), `chosen_`, `expression_` (the chosen formula), `variables_` (its names for the columns:
    those of a DataFrame where they can stand in a formula, else x0, x1, ...), `notes_`,
    `n_features_in_` and, for a DataFrame, `feature_names_in_`. All of these are plain values.

    >>> GeneticRegressor(budget=2000).get_params()["budget"]
    2000
    """

    def __init__(
        self,
        *,
        operators: Sequence[str] | None = None,
        complexity: int | None = None,
        budget: int | str | None = None,
        loss: str | None = None,
        units: Mapping[str, str] | None = None,
        unit: str | None = None,
        settings: GeneticSettings | None = None,
        most_variables: int = MOST_VARIABLES,
        workers: int = 1,
        scheduler: str | None = None,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.operators = operators
        self.complexity = complexity
        self.budget = budget
        self.loss = loss
        self.units = units
        self.unit = unit
        self.settings = settings
        self.most_variables = most_variables
        self.workers = workers
        self.scheduler = scheduler
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GeneticRegressor:
        """Search formulas `y = f(X)` for `X[n, p]`, `y[n]`; `sample_weight[n]` counts rows.

        Raises ValueError on what is no table of finite numbers, UserError on settings.
        """
        X, y = validate_data(
            self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=FEWEST_ROWS
        )
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        X, y, counts = _distinct_rows(X, np.asarray(y, dtype=np.float64), weights)
        names = getattr(self, "feature_names_in_", np.array([], dtype=object))
        self.variables_ = _variables(list(names), self.n_features_in_)
        found = regress(
            X,
            y,
            variables=self.variables_,
            units=self.units,
            unit=self.unit,
            weights=None if np.ptp(counts) == 0 else counts,
            settings=self.settings,
            operators=self.operators,
            complexity=self.complexity,
            budget=self.budget,
            loss=self.loss,
            most_variables=self.most_variables,
            seed=_seed(self.random_state),
            workers=self.workers,
            scheduler=self.scheduler,
        )
        self._regression = found
        self.formulas_, self.chosen_ = found.formulas, found.chosen
        self.expression_, self.notes_ = found.expression, found.notes
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the values `[n]` of the chosen formula; raises NotFittedError before `fit`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self._regression.predict(X)


def _distinct_rows(
    X: np.ndarray, y: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows without weight left out and equal rows counted once, with their weights.

    So a row given twice is the same as one of weight two, to the last bit.
    """
    used = weights > 0
    rows = np.column_stack([X, y])[used]
    distinct, where = np.unique(rows, axis=0, return_inverse=True)
    if len(distinct) < FEWEST_ROWS:
        raise ValueError(
            f"expected at least {FEWEST_ROWS} different rows of positive weight, "
            f"found {len(distinct)}"
        )
    counts = np.bincount(where.reshape(-1), weights=weights[used])
    return distinct[:, :-1], distinct[:, -1], counts


def _variables(names: list[Any], count: int) -> tuple[str, ...]:
    if names and all(isinstance(name, str) and is_name(name) for name in names):
        return tuple(names)
    return tuple(f"x{k}" for k in range(count))


def _seed(random_state: int | np.random.RandomState | None) -> int:
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
