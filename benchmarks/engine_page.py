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
        f"Random trees of pyoperon's own creator ({nodes['least']} to {nodes['most']} "
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
    names = ("one", "two", "ratio", "whole", "processes")
    head = ["draw", "one worker / s", "two / s", "ratio", "whole run", "two plain processes"]
    rows = [[str(row["draw"]), *(number(row[k]) for k in names)] for row in result["rows"]]
    same = sum(bool(row["same"]) for row in result["rows"])
    return (
        f"The same {result['evaluations']:,} evaluations by one process without Dask and by two "
        "workers, client and scheduler on the same two cores: evaluations a second of the search, "
        "their ratio, the ratio of the whole runs (starting formulas, made in one process, and "
        "refinement included), and what two plain processes reach together on this machine "
        "against one.\n\n"
        f"Median ratio {number(result['ratio'])}, aim: at least {GOAL_WORKERS:g}; of whole runs "
        f"{number(result['whole'])}; two plain processes {number(result['processes'])}. Fronts "
        f"equal to the last bit for 1, 2 and 4 workers in {same} of {len(rows)} draws.\n\n"
        + table(head, rows)
    )
