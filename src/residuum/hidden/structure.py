"""Which arguments and latents of a hidden term matter, and how much?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from residuum.hidden.samples import HiddenSamples, Structure


class Slopes(Protocol):
    """What is asked of a surrogate here."""

    @property
    def latents(self) -> Mapping[str, int]: ...
    def hidden_gradient(self, term: str, X: np.ndarray) -> np.ndarray: ...


def structure_of(surrogate: Slopes, samples: Mapping[str, HiddenSamples]) -> Structure:
    """Return which arguments are alive, how many latents, and each argument's sensitivity."""
    return Structure(
        alive={
            term: dict(zip(one.arguments, map(bool, one.alive), strict=True))
            for term, one in samples.items()
        },
        latents=dict(surrogate.latents),
        sensitivity={
            term: dict(
                zip(
                    one.arguments,
                    sensitivity(one, surrogate.hidden_gradient(term, one.X)),
                    strict=True,
                )
            )
            for term, one in samples.items()
        },
    )


def sensitivity(samples: HiddenSamples, gradient: np.ndarray) -> list[float]:
    r"""Return the sensitivity of a term to every argument; zero for dead ones.

    .. math:: \operatorname{rms}(\partial f/\partial a)\,\operatorname{sd}(a)/\operatorname{rms}(f)

    from the gradient `[n, a]` at the samples.
    """
    size = float(np.sqrt(np.mean(samples.values**2)))
    influence = np.sqrt(np.mean(gradient**2, axis=0)) * samples.X.std(axis=0)
    influence = np.where(np.asarray(samples.alive), influence, 0.0)
    return [float(value / size) if size > 0 else 0.0 for value in influence]
