"""What is asked of the way in which laws meet the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from residuum.laws.law import Interval
from residuum.laws.refit import Precision, Refit
from residuum.laws.system import FitData


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a law predicts: curves by experiment, how far two integrators differ, its stability.

    `stable` is None where nothing was integrated.
    """

    curves: Mapping[str, Any]
    disagreement: float
    stable: bool | None


class Trial(Protocol):
    """Laws refitted to data, and judged by those they have not seen.

    `refit_many` is a function of one picklable argument, see `refit.refit_many`.
    """

    @property
    def training(self) -> FitData: ...
    @property
    def full(self) -> FitData: ...
    @property
    def refit_many(self) -> Callable[..., list[Refit]]: ...
    @property
    def exact(self) -> Precision:
        """How exactly the shortlist is refitted."""

    def followed(self, fit: Refit) -> Trial:
        """Return the trial of laws as good as this one, which may ask more of them."""

    @property
    def held_out(self) -> bool:
        """Whether anything is held out."""

    def fit_error(self, fit: Refit) -> float:
        """Return the normalised error of a law on all data it was fitted to."""

    def holdout_error(self, fit: Refit) -> float:
        """Return that of a law fitted to the training data on the held-out data."""

    def valid_time(self, trained: Refit | None) -> float | None:
        """Return the shortest time for which a held-out forecast stays valid, None if all do."""

    def intervals(self, fit: Refit, confidence: float) -> dict[str, Interval]:
        """Return the interval of every unknown of a law."""

    def predict(self, fit: Refit, trained: Refit | None) -> Prediction:
        """Return what a law predicts; `trained` is the fit without the held-out data."""
