"""How large the variables are, so that everything is fitted in dimensionless ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from residuum.data.observations import Experiment, Scales
from residuum.data.settings import Noise


def scales_of(experiments: Iterable[Experiment], noise: Noise) -> Scales:
    """Return the scales of time, states, inputs and scalars from the training samples.

    A state's scale is its rms, `sqrt(mean(x**2))`, or its geometric mean, `exp(mean(log(x)))`,
    when noise is lognormal; an input's and a scalar's is its rms; that of time is the longest
    span. Vectors have one scale for all bodies and axes. Scales follow the data: data in other
    units give scales in those units.
    """
    everything = tuple(experiments)
    parts = tuple(p for p in (e.training() for e in everything) if len(p)) or everything
    average = _geometric_mean if noise.kind == "lognormal" else _rms
    return Scales(
        time=max(float(np.ptp(part.t)) for part in parts) or 1.0,
        states=_scales(average, [part.states for part in parts]),
        inputs=_scales(_rms, [part.inputs for part in parts]),
        scalars=_scales(_rms, [part.scalars for part in parts]),
    )


def _scales(
    average: Callable[[np.ndarray], float], groups: Sequence[Mapping[str, np.ndarray]]
) -> dict[str, float]:
    return {name: _scale(average, [group[name].ravel() for group in groups]) for name in groups[0]}


def _scale(average: Callable[[np.ndarray], float], arrays: Sequence[np.ndarray]) -> float:
    values = np.concatenate(arrays)
    values = values[np.isfinite(values)]
    scale = average(values) if len(values) else 1.0
    return scale if scale > 0 else 1.0


def _rms(values: np.ndarray) -> float:
    # Divide by the largest first: squares of tiny or huge numbers leave the range of float64.
    largest = float(np.max(np.abs(values)))
    return largest * float(np.sqrt(np.mean((values / largest) ** 2))) if largest > 0 else 0.0


def _geometric_mean(values: np.ndarray) -> float:
    return float(np.exp(np.mean(np.log(values[values > 0])))) if np.any(values > 0) else 0.0
