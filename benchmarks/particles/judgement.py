"""Is a law the true one, and how far off are its constants?

The skeleton of each hidden term, refitted to the noise-free truth at unseen pairs, must leave at
most 1e-12 of its variance unexplained, at most 1.2 times as large as the truth with a coefficient
of its own: no law knows that a coefficient is one. The simulations add 0.01 to every distance:
`exact` has that too, `form` is the law meant, without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from residuum.distillers.regression import Table
from residuum.expressions.expression import Expression
from residuum.metrics.numeric import values_of
from residuum.metrics.refitting import refit
from residuum.metrics.size import merged, size
from residuum.metrics.structural import LARGER, structural
from residuum.seeds import generator

LEFT = 1e-12  # share of the truth's variance
VANISHING = 1e-12
COEFFICIENT = Expression.number(1.5)
Tables = Mapping[str, Table]  # clean rows of each hidden term


def table_of(variables: tuple[str, ...], X: np.ndarray) -> Table:
    """Return rows of a hidden term, without values."""
    return Table.of(variables, X, np.zeros(len(X)))


def judge_law(
    found: Mapping[str, Expression],
    exact: Mapping[str, Expression],
    form: Mapping[str, Expression],
    tables: Tables,
) -> dict[str, Any]:
    """Return whether all hidden terms are the truth, with and without its softening.

    `left` is the largest share left of the true form by a refit, `constants` the largest relative
    error of a constant, of the better of the two where the law is right, else None.
    """
    verdicts = {
        name: [judge_term(found[t], truth[t], tables[t]) for t in truth]
        for name, truth in (("exact", exact), ("form", form))
    }
    right = {name: all(v["right"] for v in rows) for name, rows in verdicts.items()}
    counted = [name for name in ("exact", "form") if right[name]]
    errors = [v["constants"] for v in verdicts[counted[0]]] if counted else []
    return {
        **right,
        "left": max(v["left"] for v in verdicts["form"]),
        "constants": max(errors) if errors and None not in errors else None,
    }


def judge_term(found: Expression, truth: Expression, table: Table) -> dict[str, Any]:
    """Return whether a formula is the truth, what its refit leaves, how far its constants are."""
    rng = generator(0, "particles", "judge")
    structure = structural(found, truth, table, rng=rng)
    right = structure.unexplained <= LEFT and structure.size <= LARGER * size(COEFFICIENT * truth)
    return {
        "right": bool(right),
        "left": structure.unexplained,
        "constants": constants_error(found, truth, table) if right else None,
    }


def constants_error(found: Expression, truth: Expression, table: Table) -> float | None:
    """Return the largest relative distance of constants from those that give the truth.

    Of a constant that the truth has at zero, the distance itself.
    """
    y = values_of(truth, table)
    if y is None:
        return None
    own = merged(found)
    clean = Table.of(table.variables, table.X, y)
    ideal = refit(own, clean, rng=generator(0, "particles", "constants"))[0]
    rows = zip(own.constants, ideal.constants, strict=True)
    return max((abs(a - b) / (abs(b) if abs(b) > VANISHING else 1.0) for a, b in rows), default=0.0)
