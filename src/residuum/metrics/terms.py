"""Which terms of a sum were found, and how well their coefficients."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from residuum.expressions.calculus import terms
from residuum.expressions.expression import Expression
from residuum.metrics.sums import Unsuitable, sum_of
from residuum.metrics.writing import written_term


@dataclass(frozen=True, slots=True)
class TermScores:
    """Shares of right terms among those found (precision) and among those true (recall).

    `f1` is their harmonic mean; `coefficient_error` the largest relative error of a coefficient
    over the terms in both, infinite where there is none.
    """

    precision: float
    recall: float
    f1: float
    coefficient_error: float


def term_scores(found: Expression, truth: Expression) -> TermScores:
    r"""Compare two formulas as expanded sums :math:`\sum_j c_j t_j`.

    Terms are the same when they agree but for the numbers inside them, such as the scale inside
    `x/(2 + y)`; their coefficients stand before them. Zero has no terms.
    """
    mine, theirs = expanded(found), expanded(truth)
    common = mine.keys() & theirs.keys()
    precision = len(common) / len(mine) if mine else float(not theirs)
    recall = len(common) / len(theirs) if theirs else float(not mine)
    both = precision + recall
    errors = [abs(mine[key] - theirs[key]) / abs(theirs[key]) for key in common]
    return TermScores(
        precision,
        recall,
        2 * precision * recall / both if both else 0.0,
        max(errors, default=0.0 if not mine and not theirs else math.inf),
    )


def expanded(expression: Expression) -> dict[tuple[str, ...], float]:
    """Return the coefficient of each term after expansion, by the term's tokens.

    Terms that differ only in the numbers inside them are told apart by the rank of their
    coefficient, which stands after the tokens of all but the first.
    """
    try:
        parts = [(value, written_term(key, 1.0)) for key, value in _sum(expression).items()]
    except Unsuitable:
        parts = [(value, term) for value, term in terms(expression) if value]
    found: dict[tuple[str, ...], float] = {}
    ranks: Counter[tuple[str, ...]] = Counter()
    for value, term in sorted(parts, key=lambda part: part[0]):
        rank = ranks[term.tokens]
        ranks[term.tokens] += 1
        found[(*term.tokens, str(rank)) if rank else term.tokens] = value
    return found


def _sum(expression: Expression) -> dict[frozenset[tuple[Expression, float]], float]:
    return sum_of(expression, expand=True)
