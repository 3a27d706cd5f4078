r"""How well are messages a linear map of the true pair forces, and accelerations the true ones?

.. math:: R^2 = 1 - \frac{\sum |e - (A f + b)|^2}{\sum |e - \bar e|^2}

for each component of the messages :math:`e`, with the best map of the forces :math:`f`; the mean
over components. *Full*: over all pairs. *Robust*: over nine pairs in ten, those with the smallest
squares left by the map that is best for them (least trimmed squares: Rousseeuw 1984,
doi:10.1080/01621459.1984.10477105), found by iteration from the nine tenths with the smallest
forces; a few close encounters decide the full one. Numerator and denominator are of the same pairs.

A surrogate that is told how messages enter the equations has no such freedom: its messages are to
be the forces themselves (`direct`), :math:`A = 1, b = 0`.
"""

from __future__ import annotations

import numpy as np

KEPT = 0.9
STEPS = 30


def agreement(messages: np.ndarray, forces: np.ndarray) -> tuple[float, float]:
    """Return robust and full R2 of messages `[n, k]` as linear maps of forces `[n, d]`."""
    everything = np.arange(len(forces))
    full = _share(messages, forces, everything)[0]
    kept = _smallest(np.sum(forces**2, axis=1))
    for _ in range(STEPS):
        robust, left = _share(messages, forces, kept)
        again = _smallest(left)
        if np.array_equal(again, kept):
            break
        kept = again
    return robust, full


def direct(messages: np.ndarray, forces: np.ndarray) -> tuple[float, float]:
    """Return robust and full R2 of messages `[n, d]` as forces `[n, d]`, without any map.

    Here robust is over the nine pairs in ten with the smallest true forces, whatever is left.
    """
    kept = _smallest(np.sum(forces**2, axis=1))
    return _unmapped(messages[kept], forces[kept]), _unmapped(messages, forces)


def _unmapped(messages: np.ndarray, forces: np.ndarray) -> float:
    spread = np.sum((forces - forces.mean(axis=0)) ** 2)
    return float(1.0 - np.sum((messages - forces) ** 2) / spread)


def _smallest(values: np.ndarray) -> np.ndarray:
    """Return where nine in ten stand, the smallest, in order."""
    return np.sort(np.argsort(values, kind="stable")[: round(KEPT * len(values))])


def _share(messages: np.ndarray, forces: np.ndarray, kept: np.ndarray) -> tuple[float, np.ndarray]:
    """Return R2 on some pairs and the squares left at all, by the map that is best for the some."""
    spread = np.mean((messages[kept] - messages[kept].mean(axis=0)) ** 2, axis=0)
    if not (spread > 0).all():
        return 0.0, np.sum((messages - messages[kept].mean(axis=0)) ** 2, axis=1)
    design = np.column_stack([forces, np.ones(len(forces))])
    scale = np.abs(design[kept]).max(axis=0)
    scale[scale == 0.0] = 1.0
    A = np.linalg.lstsq(design[kept] / scale, messages[kept], rcond=None)[0]
    squares = (messages - (design / scale) @ A) ** 2 / spread
    return float(1.0 - squares[kept].mean()), squares.sum(axis=1)


def largest(messages: np.ndarray, count: int) -> np.ndarray:
    """Return the components of messages `[n, k]` with the largest standard deviations, `count`."""
    return messages[:, np.argsort(-messages.std(axis=0), kind="stable")[:count]]


def acceleration_errors(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return errors of accelerations `[F, n, d]`: rms, mean absolute one, and median relative one.

    The last is of the lengths of vectors; it alone is not decided by close encounters.
    """
    e = found - truth
    relative = np.linalg.norm(e, axis=-1) / np.maximum(np.linalg.norm(truth, axis=-1), 1e-300)
    return {
        "rms": float(np.sqrt(np.mean(e**2))),
        "absolute": float(np.mean(np.abs(e))),
        "relative": float(np.median(relative)),
    }
