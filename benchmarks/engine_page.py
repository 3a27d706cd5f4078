"""The sections of the page on the genetic engine itself: its rate, and what two workers add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.tables import middle, number, table

Result = Mapping[str, Any]
GOAL_INDIVIDUALS = 0.8
GOAL_WORKERS = 1.8


def individuals(result: Result) -> str:
    """Return individuals fitted a second, ours and pyoperon's on the same trees."""
    rows = result["rows"]
    names = ("pyoperon", "residuum", "residuum_compiled", "ratio", "ratio_of_rates")
    cells = [number(middle(row[name] for row in rows)) for name in names]
    nodes = result["nodes"]
    return (
        f"The trees of a population that pyoperon evolved ({nodes['least']} to {nodes['most']} "
        f"nodes, {nodes['mean']:.0f} on average), {result['table_rows']} rows, {result['steps']} "
        "Levenberg-Marquardt steps each, one core, both in one process in turn; pyoperon in "
        "float32, residuum in float64. The third column calls the compiled fit from compiled "
        f"code, as the engine does.\n\nMedian ratio by tree {number(result['ratio'])}, aim: at "
        f"least {GOAL_INDIVIDUALS:g}.\n\n"
        + table(
            ["pyoperon / s", "residuum / s", "compiled / s", "ratio by tree", "of the rates"],
            [cells],
        )
    )


def islands(result: Result) -> str:
    """Return evaluations a second of one worker and two, and whether fronts are the same."""
    head = ["draw", "one worker / s", "two / s", "ratio", "two plain processes"]
    rows = [
        [str(row["draw"]), *(number(row[k]) for k in ("one", "two", "ratio", "processes"))]
        for row in result["pairs"]
    ]
    same = sum(bool(row["same"]) for row in result["fronts"])
    return (
        f"Evaluations a second over {result['seconds']:g} s, scheduler and workers on the same two "
        "cores; beside it what two plain processes reach together on this machine against one.\n\n"
        f"Median ratio {number(result['ratio'])}, aim: at least {GOAL_WORKERS:g}; two plain "
        f"processes {number(result['processes'])}. Fronts equal to the last bit for 1, 2 and 4 "
        f"workers in {same} of {len(result['fronts'])} draws of {result['evaluations']:,} "
        "evaluations.\n\n" + table(head, rows)
    )
