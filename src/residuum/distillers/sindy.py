r"""Which sparse sums of library terms a hidden term's samples support.

The samples :math:`y` are regressed on library columns :math:`\Phi_{ij} = \phi_j(x_i)` by
generalised least squares,

.. math:: \min_\xi (y - \Phi\xi)^T \Lambda\,(y - \Phi\xi), \quad \|\xi\|_0 = k,

for every small `k`; `whitening` gives the precision :math:`\Lambda` from the posterior
covariance, `subsets` and `sparse_path` the supports. Columns are evaluated in the user's units
and scaled to unit whitened norm, so neither the choice nor the constants depend on units.
Sparse regression of dynamics: Brunton, Proctor and Kutz 2016,
doi:10.1073/pnas.1517384113.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from residuum.distillers.design import Design, build_design
from residuum.distillers.front import Candidate, Front, subset_nats
from residuum.distillers.journal import Checkpoint, Report
from residuum.distillers.library import combine
from residuum.distillers.resampling import frequencies
from residuum.distillers.settings import SindySettings
from residuum.distillers.sparse_path import sparse_path
from residuum.distillers.subsets import Regression, Support, search, solve
from residuum.hidden.samples import HiddenSamples
from residuum.seeds import generator


def distill_sindy(
    samples: HiddenSamples,
    settings: SindySettings,
    *,
    seed: int,
    map: Callable[..., Iterable[Any]] = map,
    checkpoint: Checkpoint | None = None,
    progress: Report | None = None,
) -> Front:
    """Return the best sparse sums of each size, every single term, and zero.

    `map` spreads the search of large libraries over workers; the front does not depend on it.
    `checkpoint` and `progress` are ignored: the search is over in seconds.
    Raises ValueError for fewer than three samples or samples that are not finite.
    """
    design = build_design(samples, settings)
    regression = Regression.reduce(design.matrix, design.target)
    path = sparse_path(regression.matrix, regression.target)
    largest = min(settings.max_terms, max(1, len(design.target) - 1))
    found = search(regression, max_terms=largest, seeds=path, map=map)
    supports = _kept(found, path, settings.candidates)
    shares = _shares(design, list(supports), settings, seed=seed, term=samples.term)
    rows = [
        _candidate(samples.term, design, regression, support, origin, share)
        for (support, origin), share in zip(supports.items(), shares, strict=True)
    ]
    rows.sort(key=lambda row: (row.complexity, row.loss, row.expression.tokens))
    return Front(samples.term, tuple(rows), len(design.terms), design.notes)


def _kept(
    found: Mapping[int, tuple[np.ndarray, np.ndarray]],
    path: Mapping[Support, str],
    count: int,
) -> dict[Support, str]:
    """Return `{support: origin}`: zero, all single terms, the best of each size, the path's."""
    kept: dict[Support, str] = {(): "sindy/zero"}
    for k, (ranked, _) in found.items():
        supports = [tuple(row) for row in ranked.tolist()]
        best = set(supports if k == 1 else supports[:count])
        for support in supports:
            if support in best or support in path:
                kept[support] = f"sindy/{path.get(support, 'subset')}"
    return kept


def _shares(
    design: Design, supports: list[Support], settings: SindySettings, *, seed: int, term: str
) -> list[float | None]:
    if settings.resamples == 0:
        return [None] * len(supports)
    return frequencies(
        design.matrix,
        design.target,
        supports,
        count=settings.resamples,
        directions=design.informative,
        generator=generator(seed, "distill", "sindy", term),
    ).tolist()


def _candidate(
    term: str,
    design: Design,
    regression: Regression,
    support: Support,
    origin: str,
    share: float | None,
) -> Candidate:
    unit = solve(regression, support)
    residual = design.target - design.matrix[:, support] @ unit
    coefficients = unit / design.norms[list(support)]
    return Candidate(
        term=term,
        expression=combine(coefficients.tolist(), [design.terms[j] for j in support]),
        loss=float(np.mean(residual**2)),
        structure_nats=subset_nats(len(design.terms), len(support)),
        origin=origin,
        frequency=share,
    )
