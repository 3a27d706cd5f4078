"""What do the hidden terms of bodies say once the gauge of what is chained is fixed?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from residuum.hidden.chain import Linearised
from residuum.hidden.gauge import Gauge, Triple, reads


class Posterior(Linearised, Protocol):
    """What is asked of a surrogate here."""

    @property
    def posterior(self) -> np.ndarray: ...
    @property
    def latents(self) -> Mapping[str, int]: ...
    @property
    def parameters(self) -> Mapping[str, tuple[float, float]]: ...


@dataclass(frozen=True, eq=False)
class Readout:
    """The terms of a surrogate, those with a gauge in it."""

    surrogate: Posterior
    gauges: Mapping[str, Gauge]

    @property
    def alive(self) -> Mapping[str, tuple[bool, ...]]:
        """Which measures each term depends on; in its gauge an update may depend on one less."""
        return self.surrogate.alive

    @property
    def latents(self) -> Mapping[str, int]:
        """The number of latents of each term."""
        return self.surrogate.latents

    @property
    def parameters(self) -> Mapping[str, tuple[float, float]]:
        """Value and standard deviation of each estimated parameter."""
        return self.surrogate.parameters

    @property
    def gauge(self) -> dict[str, dict[str, str]]:
        """What is told of each gauge, under the name of the update."""
        return {g.chain.outer: g.told() for g in self.gauges.values()}

    def placed(self, term: str, X: np.ndarray) -> np.ndarray:
        """Return measures `[n, a]` of a term with lengths of sums as they are in the gauge."""
        gauge = self.gauges.get(term)
        if gauge is None or term != gauge.chain.outer:
            return X
        moved = X.copy()
        factor = gauge.factor(X[:, list(gauge.chain.shared)])
        moved[:, gauge.chain.along] *= factor.size
        return moved

    def hidden(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean `[n]` and covariance `[n, n]` of a term."""
        values, J, _ = self._read(term, X)
        # As a square: symmetric and without negative eigenvalues.
        half = J @ self._root
        return values, half @ half.T

    @cached_property
    def _root(self) -> np.ndarray:
        """A root of the posterior covariance."""
        covariance = self.surrogate.posterior
        sd = np.sqrt(np.clip(np.diag(covariance), 1e-300, None))
        spectrum, rotation = np.linalg.eigh(covariance / sd[:, None] / sd)
        return np.asarray(sd[:, None] * rotation * np.sqrt(np.clip(spectrum, 0.0, None)))

    def hidden_gradient(self, term: str, X: np.ndarray) -> np.ndarray:
        """Return the derivatives `[n, a]` of a term's mean."""
        return self._read(term, X)[2]

    def _read(self, term: str, X: np.ndarray) -> Triple:
        gauge = self.gauges.get(term)
        return self.surrogate.linearised(term, X) if gauge is None else reads(gauge, term, X)
