"""Refined formulas as the front of a hidden term."""

from __future__ import annotations

from collections.abc import Sequence

from residuum.distillers.front import Candidate, Front, formula_nats
from residuum.distillers.refine.formulas import Refined


def front_of(
    term: str, refined: Sequence[Refined], *, origin: str, notes: tuple[str, ...] = ()
) -> Front:
    """Return the front of one hidden term, by complexity, then loss."""
    rows = tuple(
        Candidate(
            term=term,
            expression=row.expression,
            loss=row.loss,
            structure_nats=formula_nats(row.expression),
            origin=origin,
            status=row.status,
            local=row.local,
        )
        for row in sorted(refined, key=lambda row: (row.complexity, row.loss))
    )
    return Front(term, rows, notes=notes)
