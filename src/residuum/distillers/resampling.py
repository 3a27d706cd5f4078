r"""How often each support would be chosen if the samples were drawn again.

A draw is :math:`z^* = z + \epsilon` in the whitened directions, one function that the posterior
finds plausible; each draw goes to the support with the least extended BIC (Chen and
Chen 2008, doi:10.1093/biomet/asn034)

.. math:: \tfrac{1}{2} \|z^* - F_S c\|^2 + |S| \log n + 2 \log \binom{m}{|S|},

halved since a draw carries the noise of the samples and its own. The share is a measure of
ambiguity, not a probability that a term is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np

from residuum.distillers.front import subset_nats
from residuum.distillers.subsets import Support


def frequencies(
    matrix: np.ndarray,
    target: np.ndarray,
    supports: Sequence[Support],
    *,
    count: int,
    directions: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return the share of `count` draws that each support wins; they sum to one.

    `matrix[n, m]` and `target[n]` are whitened, `directions` of the rows are informative.
    """
    draws = target[:, None] + generator.standard_normal((len(target), count))
    power = (draws**2).sum(axis=0)
    scores = np.empty((len(supports), count))
    for row, support in enumerate(supports):
        basis = np.linalg.qr(matrix[:, support])[0]
        explained = ((basis.T @ draws) ** 2).sum(axis=0)
        penalty = len(support) * log(directions) + 2 * subset_nats(matrix.shape[1], len(support))
        scores[row] = (power - explained) / 2 + penalty
    winners = scores.argmin(axis=0)
    return np.bincount(winners, minlength=len(supports)) / count
