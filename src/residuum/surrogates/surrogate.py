"""What does every surrogate answer, whatever is inside it?

Numbers go in and come out in the user's units, as numpy arrays. A surrogate is written as arrays
(safetensors) and a dictionary (JSON), and read back from them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SCHEMA = "residuum/surrogate/1"


class Surrogate(ABC):
    """A trained surrogate: states between samples, and hidden terms with their posterior."""

    @property
    @abstractmethod
    def experiments(self) -> tuple[str, ...]:
        """Names of the experiments it was trained on."""

    @property
    @abstractmethod
    def terms(self) -> Mapping[str, tuple[str, ...]]:
        """Formal arguments of each hidden term."""

    @abstractmethod
    def states(self, experiment: str, t: np.ndarray) -> dict[str, np.ndarray]:
        """Return every component of the first-order state vector at times `t[n]`.

        Raises KeyError for an experiment that was not trained on.
        """

    @abstractmethod
    def hidden(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean `[n]` and covariance `[n, n]` of a hidden term at arguments `X[n, a]`."""

    @abstractmethod
    def hidden_prior(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the same without the data: what priors and physics alone say of the term.

        The posterior is the product of this and the likelihood of the data.
        """

    @abstractmethod
    def hidden_gradient(self, term: str, X: np.ndarray) -> np.ndarray:
        """Return the derivatives `[n, a]` of a hidden term's mean at `X[n, a]`."""

    @abstractmethod
    def mean(self, term: str, X: np.ndarray) -> np.ndarray:
        """Return the mean `[n]` of a hidden term alone."""

    @abstractmethod
    def linearised(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return mean `[n]`, its Jacobian `[n, Q]` and gradient `[n, a]`.

        The Jacobian is by all unknowns that the hidden terms and parameters share.
        """

    @property
    @abstractmethod
    def posterior(self) -> np.ndarray:
        """Covariance `[Q, Q]` of these unknowns."""

    @property
    @abstractmethod
    def forms(self) -> Mapping[str, str]:
        """What each hidden term is taken for, such as `mutual` (as `surrogate.json` tells it)."""

    @property
    @abstractmethod
    def maps(self) -> Mapping[str, tuple[np.ndarray, float]]:
        """The matrix `[d, K]` that makes a vector of a term's latents, where they are not one.

        With it the share of that vector which is along the term's direction.
        """

    @property
    @abstractmethod
    def parameters(self) -> Mapping[str, tuple[float, float]]:
        """Value and standard deviation of each estimated parameter."""

    @property
    @abstractmethod
    def noise(self) -> Mapping[str, float]:
        """Standard deviation of the noise of each measured variable."""

    @property
    @abstractmethod
    def alive(self) -> Mapping[str, tuple[bool, ...]]:
        """Which arguments each hidden term depends on."""

    @property
    @abstractmethod
    def latents(self) -> Mapping[str, int]:
        """Number of latents of each hidden term that are alive."""

    @property
    @abstractmethod
    def history(self) -> Sequence[Mapping[str, float | str]]:
        """A row for each round of training: seconds, cost, evidence, noise."""

    @abstractmethod
    def to_arrays(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the arrays and the plain values that make the surrogate."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], values: Mapping[str, Any]) -> Surrogate:
        """Return the surrogate that `to_arrays` wrote; raises ValueError on another schema."""
