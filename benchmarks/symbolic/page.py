"""The section of the page on symbolic regression: our rates, the peers' and those published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.earlier import (
    FAULT,
    NOT_RECOVERED,
    PUBLISHED,
    Configuration,
    Note,
    Suite,
    others,
    read_suite,
    sections,
)
from benchmarks.published import SYMBOLIC
from benchmarks.records import read_lines
from benchmarks.symbolic.suites import OWN_NOISE, SUITES
from benchmarks.tables import MISSING, line, middle, number, rate, table

HEADING = "## Symbolic regression"
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


def render_symbolic(folder: Path, before: str = "") -> str:
    """Return the section from the JSON lines of every suite; what was not run is said.

    `before` is the section of an earlier page: its rows stand until they are measured again.
    """
    earlier = sections(before, "### ")
    parts = [_suite(s, read_lines(folder / f"{s}.jsonl"), earlier) for s in SUITES]
    return "\n".join([f"{HEADING}\n", ABOUT, *parts, *others(earlier, parts)])


def machines(folder: Path) -> list[Mapping[str, Any]]:
    """Return the descriptions of the machines on which rows were measured, each once."""
    rows = [row for suite in SUITES for row in read_lines(folder / f"{suite}.jsonl")]
    found = {str(row["machine"]): row["machine"] for row in rows if "machine" in row}
    return list(found.values())


def _suite(suite: str, measured: Sequence[Row], earlier: Mapping[str, str]) -> str:
    heading, new = f"### {TITLES[suite]}", _measured(measured)
    old = read_suite(earlier.get(heading, ""), HEAD).without(new.rows)
    rows = {**old.rows, **new.rows}
    notes = sorted([*old.notes, *new.notes], key=lambda note: note.order)
    lines = [rows[which] for which in sorted(rows, key=lambda which: which.order)]
    nothing = "" if old.unread else MISSING.strip()
    paragraphs = [
        heading,
        "\n".join([table(HEAD, []).rstrip(), *lines]) if lines else nothing,
        f"{PUBLISHED}{SYMBOLIC[suite]}." if SYMBOLIC[suite] else "",
        *(str(note) for note in notes if note.start == NOT_RECOVERED),
        "\n".join(str(note) for note in notes if note.start == FAULT),
        "\n".join(old.unread),
        old.said,
    ]
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def _measured(rows: Sequence[Row]) -> Suite:
    """Return rows and notes of the results at hand; of a problem run twice the last counts."""
    groups: dict[Configuration, dict[tuple[str, int], Row]] = defaultdict(dict)
    for row in rows:
        groups[_configuration(row)][row["name"], row["seed"]] = row
    found = {which: list(group.values()) for which, group in groups.items()}
    return Suite(
        rows={which: line(_cells(which, group)) for which, group in found.items()},
        notes=[note for which, group in found.items() for note in _notes(which, group)],
    )


def _configuration(row: Row) -> Configuration:
    noise = "its own" if row["suite"] in OWN_NOISE else f"{row['noise']:g}"
    units = "yes" if row["units"] else "no"
    return Configuration(row["engine"], noise, units, f"{row['seconds']:g}")


def _cells(which: Configuration, rows: Sequence[Row]) -> list[str]:
    count = len(rows)
    hits = {name: sum(bool(row[name]) for row in rows) for name in ("recovered", "front")}
    return [
        *which,
        str(len({row["seed"] for row in rows})),
        str(count),
        f"{hits['recovered']}: {rate(hits['recovered'], count)}",
        str(hits["front"]),
        str(sum(bool(row["numeric"]) for row in rows)),
        number(middle(row.get("distance") for row in rows), 2),
        number(middle(row["wall"] for row in rows)),
    ]


def _notes(which: Configuration, rows: Sequence[Row]) -> list[Note]:
    """Say which problems our engine did not recover, and where engines failed."""
    ours = which.engine == "residuum"
    missed = sorted({row["name"] for row in rows if ours and not row["recovered"]})
    # on one line, or it could not be read back
    faults = sorted({" ".join(row["status"].split()) for row in rows if row["status"] != "ok"})
    notes = [Note(FAULT, (which,), f"`{fault}`") for fault in faults]
    return [Note(NOT_RECOVERED, (which,), f"{', '.join(missed)}."), *notes] if missed else notes
