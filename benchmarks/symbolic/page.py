"""The section of the page on symbolic regression: our rates, the peers' and those published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.published import SYMBOLIC
from benchmarks.records import read_lines
from benchmarks.symbolic.suites import SUITES
from benchmarks.tables import middle, number, rate, table

MISSING = "Not run.\n"
TITLES = {
    "strogatz": "Strogatz-14",
    "odebench": "ODEBench, 117 right-hand sides",
    "fastsrb": "FastSRB, 120 formulas",
    "empirical": "EmpiricalBench, 9 laws",
}
ABOUT = """\
Every engine gets the same table in a process of its own on one core, two problems at a time, and
the same seconds; what it returns is judged outside them. *Recovered*: the skeleton of the formula
that the engine chose, refitted to the noise-free truth, leaves at most 1e-18 of its variance on
clean held-out rows, with at most 1.2 times the truth's tokens (both after numbers are merged).
*On the front*: any of the formulas offered is. *Numeric*: at most 1.19e-7 of the variance is left
without a refit. Distance: SRSD's normalised edit distance. Noise: share of the rms of y. Brackets:
95 % interval of the share. pyoperon computes in float32 and is given scaled numbers; its polish
refits its whole front in float64 within the same seconds and chooses the shortest description.
gplearn has no exponential, power or tanh, and protected roots and logarithms.
"""
HEAD = (
    *("engine", "noise", "units", "s", "seeds", "problems", "recovered", "on the front"),
    *("numeric", "distance", "median s"),
)
Row = Mapping[str, Any]


def render_symbolic(folder: Path) -> str:
    """Return the section from the JSON lines of every suite; what was not run is said."""
    rows = {suite: read_lines(folder / f"{suite}.jsonl") for suite in SUITES}
    parts = ["## Symbolic regression\n", ABOUT]
    parts += [_suite(suite, found) for suite, found in rows.items()]
    return "\n".join(parts)


def machines(folder: Path) -> list[Mapping[str, Any]]:
    """Return the descriptions of the machines on which rows were measured, each once."""
    rows = [row for suite in SUITES for row in read_lines(folder / f"{suite}.jsonl")]
    found = {str(row["machine"]): row["machine"] for row in rows if "machine" in row}
    return list(found.values())


def _suite(suite: str, rows: Sequence[Row]) -> str:
    groups: dict[tuple[Any, ...], dict[tuple[str, int], Row]] = defaultdict(dict)
    for row in rows:
        key = (row["noise"], row["units"], row["seconds"], row["engine"])
        groups[key][row["name"], row["seed"]] = row
    lines = [_line(key, list(groups[key].values())) for key in sorted(groups, key=str)]
    text = f"### {TITLES[suite]}\n\n" + (table(HEAD, lines) if lines else MISSING)
    published = SYMBOLIC[suite]
    return text + (f"\nPublished: {published}.\n" if published else "") + _lost(rows)


def _line(key: tuple[Any, ...], rows: Sequence[Row]) -> list[str]:
    noise, units, seconds, engine = key
    count = len(rows)
    hits = {name: sum(bool(row[name]) for row in rows) for name in ("recovered", "front")}
    return [
        engine,
        "its own" if rows[0]["suite"] == "empirical" else f"{noise:g}",
        "yes" if units else "no",
        f"{seconds:g}",
        str(len({row["seed"] for row in rows})),
        str(count),
        f"{hits['recovered']}: {rate(hits['recovered'], count)}",
        str(hits["front"]),
        str(sum(bool(row["numeric"]) for row in rows)),
        number(middle(row.get("distance") for row in rows), 2),
        number(middle(row["wall"] for row in rows)),
    ]


def _lost(rows: Sequence[Row]) -> str:
    """Say which problems our engine did not recover, and where engines failed."""
    missed = sorted({row["name"] for row in rows if _ours(row) and not row["recovered"]})
    faults = sorted({f"{r['engine']}: `{r['status']}`" for r in rows if r["status"] != "ok"})
    text = f"\nNot recovered by residuum in some run: {', '.join(missed)}.\n" if missed else ""
    return text + "".join(f"- {fault}\n" for fault in faults)


def _ours(row: Row) -> bool:
    return bool(row["engine"] == "residuum")
