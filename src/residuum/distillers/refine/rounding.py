r"""Round numbers near a constant, and what it costs to name one instead of measuring it.

A constant :math:`c` known to a spread :math:`\sigma` costs about
:math:`\log(|c|/\sigma) + (1 - \log 12)/2` nats, a round number the logarithm of how
many are as simple. Only where naming is cheaper is a round number more than chance; see
Rissanen 1983, doi:10.1214/aos/1176346150, and Bartlett, Desmond and Ferreira 2023,
arXiv:2211.11461.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

# Half the width of the interval in spreads, and the smallest spread that double precision knows.
WITHIN = 3.0
SMALLEST = 1e-11
LARGEST_INTEGER = 100
LARGEST_RATIONAL = 12
POWERS = 12


def _numbers() -> Iterator[tuple[float, float]]:
    """Yield positive round numbers and their code lengths."""
    for p in range(1, LARGEST_INTEGER + 1):
        yield float(p), math.log(2.0 * p)
        yield 1.0 / p, math.log(4.0 * p)
    for p in range(1, 4 * LARGEST_RATIONAL):
        for q in range(2, LARGEST_RATIONAL + 1):
            if math.gcd(p, q) == 1:
                ratio = math.log(4.0 * p * q)
                yield p / q, ratio
                yield math.sqrt(p / q), ratio + math.log(4.0)
                yield math.sqrt(q / p), ratio + math.log(4.0)
        yield math.sqrt(p), math.log(16.0 * p)
    for p in range(1, LARGEST_RATIONAL + 1):
        for q in range(1, LARGEST_RATIONAL + 1):
            if math.gcd(p, q) == 1:
                cost = math.log(16.0 * p * q)
                yield math.pi * p / q, cost
                yield p / (math.pi * q), cost
                yield math.sqrt(math.pi * p / q), cost + math.log(4.0)
                yield math.sqrt(p / (math.pi * q)), cost + math.log(4.0)
    for k in range(2, POWERS + 1):
        yield 10.0**k, math.log(4.0 * k)
        yield 10.0**-k, math.log(4.0 * k)


def _sorted() -> tuple[np.ndarray, np.ndarray]:
    """Return the round numbers in order, each once, with its smallest code length."""
    cheapest: dict[str, tuple[float, float]] = {}
    for value, cost in _numbers():
        key = f"{value:.13g}"
        cheapest[key] = min(cheapest.get(key, (math.inf, value)), (cost, value))
    rows = sorted((value, cost) for cost, value in cheapest.values())
    return np.array([v for v, _ in rows]), np.array([c for _, c in rows])


VALUES, COSTS = _sorted()


def round_numbers(value: float, spread: float) -> list[tuple[float, float]]:
    """Return `(number, nats saved)` for the round numbers near `value` worth naming, best first.

    >>> round_numbers(3.1415, 0.002)[0][0], round_numbers(2.37, 0.02)
    (3.141592653589793, [])
    """
    size = abs(value)
    if not (math.isfinite(spread) and math.isfinite(size)) or size == 0:
        return []
    known = max(spread, SMALLEST * size)
    first, last = np.searchsorted(VALUES, [size - WITHIN * known, size + WITHIN * known])
    measured = math.log(size / known) + 0.5 * (1.0 - math.log(12.0))
    rows = [
        (math.copysign(float(VALUES[k]), value), measured - float(COSTS[k]))
        for k in range(first, last)
    ]
    return sorted((row for row in rows if row[1] > 0), key=lambda row: -row[1])


def round_nats(value: float) -> float:
    """Return the code length of a round number, infinite for any other number."""
    place = int(np.searchsorted(VALUES, abs(value) * (1 - 1e-12)))
    near = place < len(VALUES) and abs(VALUES[place] - abs(value)) <= 1e-12 * abs(value)
    return float(COSTS[place]) if near else math.inf
