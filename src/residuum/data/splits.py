"""Which samples are held out, so that a law is judged by what it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from residuum.data.observations import Experiment

FEWEST_EXPERIMENTS = 3
FEWEST_SAMPLES = 3


def split(experiments: Sequence[Experiment], fraction: float) -> tuple[Experiment, ...]:
    """Return the experiments with a share of the samples marked as held out.

    With at least three experiments whole experiments are held out, evenly spaced in their
    order and away from its ends (experiments often sweep a condition). Otherwise the last block
    of every experiment is, so that the held-out part is a forecast; at least three samples of
    each stay. Nothing is random. `fraction` 0 holds nothing out.
    """
    if fraction <= 0:
        return tuple(replace(e, held_out=np.zeros(len(e), bool)) for e in experiments)
    if len(experiments) >= FEWEST_EXPERIMENTS:
        chosen = _spaced(len(experiments), fraction)
        return tuple(
            replace(e, held_out=np.full(len(e), index in chosen))
            for index, e in enumerate(experiments)
        )
    return tuple(replace(e, held_out=_last_block(len(e), fraction)) for e in experiments)


def _spaced(count: int, fraction: float) -> set[int]:
    held = min(max(1, round(fraction * count)), count - 1)
    return {int((index + 0.5) * count / held) for index in range(held)}


def _last_block(samples: int, fraction: float) -> np.ndarray:
    held = min(max(1, round(fraction * samples)), max(0, samples - FEWEST_SAMPLES))
    return np.arange(samples) >= samples - held
