"""Whether a formula's units agree: what was consistent stays so when it is pruned and rounded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from residuum.distillers.genetic.codes import program_arrays
from residuum.distillers.genetic.dimensions import (
    TWELFTHS,
    Units,
    new_unit_scratch,
    wildcards_needed,
)
from residuum.distillers.genetic.trees import MAX_NODES
from residuum.distillers.regression import Table
from residuum.expressions.expression import Expression


def admitted(table: Table) -> Callable[[Expression], bool]:
    """Return a test of formulas: whether some units of their constants make them consistent.

    A factor of the whole that is one may be left out. Without units every formula passes.
    """
    if table.units is None or table.unit is None:
        return lambda _: True
    width = max(1, len(table.unit))
    rows = [*table.units, table.unit]
    twelfths = np.zeros((len(rows), width), np.int64)
    for k, row in enumerate(rows):
        twelfths[k, : len(row)] = [round(TWELFTHS * power) for power in row]
    units, scratch = Units(True, twelfths[:-1], twelfths[-1], 0), new_unit_scratch(width)

    def test(expression: Expression) -> bool:
        codes, args, _ = program_arrays(expression, table.variables)
        if len(codes) > MAX_NODES:
            return False
        return bool(wildcards_needed(codes, args, len(codes), units, 1, scratch) >= 0)

    return test


def kept_consistent(table: Table, start: Expression) -> Callable[[Expression], bool]:
    """Return the test of what may be made of a formula: anything, where it fails itself."""
    test = admitted(table)
    return test if test(start) else lambda _: True
