"""Where the two halves meet: what a surrogate says a hidden term is, as numbers with a spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class HiddenSamples:
    """Samples of one hidden term, in the user's units.

    `X[n, a]` are the arguments, `values[n]` the term, `covariance[n, n]` its joint posterior
    covariance, parameters estimated beside it included. `t[n]` and `experiment[n]` say where
    each sample was taken. `alive[a]` tells which arguments the term depends on.

    `prior[n, n]` and `prior_mean[n]` (zero if None) are what the surrogate's regularisation alone
    says of the same values. A posterior holds its prior; a formula is to be weighed against
    the data only, so distillers divide the prior out where it is given.

    `units[a]` and `unit` are those of the arguments and the values as texts, None where they do
    not follow from what the user declared.
    """

    term: str
    arguments: tuple[str, ...]
    X: np.ndarray
    values: np.ndarray
    covariance: np.ndarray
    t: np.ndarray
    experiment: np.ndarray
    alive: tuple[bool, ...]
    prior: np.ndarray | None = None
    prior_mean: np.ndarray | None = None
    units: tuple[str | None, ...] | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        n, a = len(self.values), len(self.arguments)
        shapes = {
            "X": (self.X.shape, (n, a)),
            "covariance": (self.covariance.shape, (n, n)),
            "t": (self.t.shape, (n,)),
            "experiment": (self.experiment.shape, (n,)),
            "alive": ((len(self.alive),), (a,)),
            "units": ((a if self.units is None else len(self.units),), (a,)),
            "prior": ((n, n) if self.prior is None else self.prior.shape, (n, n)),
            "prior_mean": ((n,) if self.prior_mean is None else self.prior_mean.shape, (n,)),
        }
        for name, (found, expected) in shapes.items():
            if found != expected:
                raise ValueError(f"{name}: expected shape {expected}, found {found}")

    @property
    def support(self) -> np.ndarray:
        """Smallest and largest value of each argument, `[a, 2]`."""
        return np.stack([self.X.min(axis=0), self.X.max(axis=0)], axis=1)

    @property
    def sd(self) -> np.ndarray:
        """Posterior standard deviation of each value, `[n]`."""
        return np.sqrt(np.clip(np.diag(self.covariance), 0.0, None))


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The surrogate's states of one experiment at its observation times, `components[name][n]`."""

    t: np.ndarray
    components: Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Structure:
    """Which arguments and latents of each hidden term are alive, and how much each matters.

    `sensitivity[term][argument]` is the rms of the term's derivative with respect to the
    argument times the argument's spread, over the rms of the term (dimensionless). `gauge[term]`
    says of an unknown update and its messages what is free, how it was fixed and by which map.
    """

    alive: Mapping[str, Mapping[str, bool]]
    latents: Mapping[str, int]
    sensitivity: Mapping[str, Mapping[str, float]]
    gauge: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Extraction:
    """Everything a surrogate hands to the symbolic half.

    `parameters[name]` is `(value, sd)` of each estimated parameter, `noise[state]` the estimated
    standard deviation (of the logarithm for lognormal noise).
    """

    samples: Mapping[str, HiddenSamples]
    trajectories: Mapping[str, Trajectory]
    parameters: Mapping[str, tuple[float, float]]
    noise: Mapping[str, float]
    structure: Structure
