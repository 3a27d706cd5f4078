"""All five measures of "recovered" at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from residuum.distillers.regression import Table
from residuum.expressions.expression import Expression
from residuum.metrics.edit_distance import edit_distance
from residuum.metrics.exact import exact
from residuum.metrics.numeric import NUMERIC, unexplained_variance
from residuum.metrics.refitting import refit
from residuum.metrics.structural import SLACK, structural
from residuum.metrics.terms import TermScores, term_scores


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a found formula is worth.

    `structural` is the headline. `unexplained` is the share of the truth's variance that the
    formula leaves at clean rows (`numeric`: at most 1.19e-7), `refitted` the formula with the
    constants that come closest to the truth and `left` what it then leaves; `size` and `true_size`
    are tokens after merging; `distance` is SRSD's normalised edit distance.
    """

    numeric: bool
    exact: bool
    structural: bool
    terms: TermScores
    distance: float
    unexplained: float
    left: float
    size: int
    true_size: int
    refitted: Expression


def judge(
    found: Expression,
    truth: Expression,
    table: Table,
    *,
    rng: np.random.Generator,
    intervals: Sequence[tuple[float, float]] | None = None,
    slack: float = SLACK,
) -> Judgement:
    """Return all measures of `found` against `truth` at the rows of a clean held-out table.

    The table's values `y` are the noise-free truth. `intervals` are those of the found constants,
    `slack` the relative rms change that the data cannot tell (see `structural`).
    """
    structure = structural(found, truth, table, rng=rng, slack=slack)
    unexplained = unexplained_variance(found, table)
    moved = structure.refitted if intervals is None else refit(found, table, rng=rng)[0]
    same = exact(found, truth, moved, table, rng=rng, intervals=intervals)
    return Judgement(
        numeric=unexplained <= NUMERIC,
        exact=same,
        structural=structure.recovered,
        terms=term_scores(found, truth),
        distance=edit_distance(found, truth),
        unexplained=unexplained,
        left=structure.unexplained,
        size=structure.size,
        true_size=structure.true_size,
        refitted=structure.refitted,
    )
