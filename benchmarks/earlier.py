"""What the page held before, so that a run of one case loses nothing of the others.

Results are not kept in git, so in a fresh clone the page is the only record of what was measured.
What it holds of cases whose results are not at hand is read here and written again as it stood,
with a line that says so. What cannot be read, such as a torn row or a table with other columns,
is written again too, for a person to mend or to remove.

A section with results is replaced as a whole, a row of a suite of symbolic regression by itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import NamedTuple

from benchmarks.tables import MISSING, table

KEPT = "Kept from an earlier run: "
PUBLISHED = "Published: "
NOT_RECOVERED = "Not recovered by "
FAULT = "- "
MIXED = " in some run of an earlier page, of which these are left"
SEPARATORS = {
    "measured on": ", ",
    "processor": "; ",
    "versions": ", ",
    "sources of the library": ", ",
}
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]\d+)?")
ABOUT = re.compile(rf"noise (.+?), (no units|units), ({NUMBER.pattern}) s")
NOTE = re.compile(
    rf"(?P<start>{NOT_RECOVERED}|{FAULT})(?P<engine>\S+?)(?P<mixed>{MIXED})? "
    r"\((?P<about>noise .+? s)\): (?P<text>.+)"
)
# As pages were written at first: of all runs of an engine together.
OF_ALL = re.compile(
    rf"(?P<start>{NOT_RECOVERED}|{FAULT})(?P<engine>[^\s:]+)(?: in some run)?: (?P<text>.+)"
)


def sections(text: str, mark: str) -> dict[str, str]:
    """Return what stands below every heading that begins with `mark`; below "" what is before.

    >>> sections("a\\n## B\\nb\\n", "## ")
    {'': 'a\\n', '## B': 'b\\n'}
    """
    found = {"": ""}
    heading = ""
    for line in text.splitlines(keepends=True):
        if line.startswith(mark):
            heading = line.rstrip()
        else:
            found[heading] = found.get(heading, "") + line
    return found


def kept(section: str, before: Mapping[str, str]) -> str:
    """Return a section, or where it was not run what the page held of it."""
    heading, _, body = section.partition("\n")
    earlier = before.get(heading, "")
    return _whole(heading, earlier) if _is_empty(body) and not _is_empty(earlier) else section


def others(before: Mapping[str, str], now: Iterable[str]) -> list[str]:
    """Return the sections of the page that no longer have a like, such as those renamed since."""
    known = {section.partition("\n")[0] for section in now} | {""}
    return [
        _whole(heading, body)
        for heading, body in before.items()
        if heading not in known and not _is_empty(body)
    ]


def _is_empty(body: str) -> bool:
    return body.strip() in ("", MISSING.strip())


def _whole(heading: str, body: str) -> str:
    """Return a section as it stood, and say so once."""
    said, body = f"{KEPT}the whole section.", body.strip("\n")
    return f"{heading}\n\n{body}\n" + ("" if body.endswith(said) else f"\n{said}\n")


def entries(head: str, name: str) -> set[str]:
    """Return what a line of the page's head lists, such as the dates of `measured on`."""
    start = f"- {name}: "
    lines = [line.removeprefix(start) for line in head.splitlines() if line.startswith(start)]
    return {entry for line in lines for entry in line.split(SEPARATORS[name])}


class Configuration(NamedTuple):
    """How an engine was run on a suite, as the first cells of its row have it."""

    engine: str
    noise: str
    units: str
    seconds: str

    @property
    def order(self) -> str:
        """Where its row stands in the table."""
        noise = float(self.noise) if NUMBER.fullmatch(self.noise) else 0.0
        return str((noise, self.units == "yes", float(self.seconds), self.engine))

    @property
    def about(self) -> str:
        """What is said of it beside its engine."""
        units = "units" if self.units == "yes" else "no units"
        return f"noise {self.noise}, {units}, {self.seconds} s"


@dataclass(frozen=True)
class Note:
    """A line on what an engine did not recover, or on how it failed.

    `mixed`: it was written of several configurations together, and those of them that have been
    run again since are no longer named, though what is said may be of them.
    """

    start: str
    configurations: tuple[Configuration, ...]
    text: str
    mixed: bool = False

    def __str__(self) -> str:
        engine = self.configurations[0].engine + (MIXED if self.mixed else "")
        about = "; ".join(configuration.about for configuration in self.configurations)
        return f"{self.start}{engine} ({about}): {self.text}"

    @property
    def order(self) -> tuple[str, str]:
        """Where it stands among those of its kind."""
        return self.configurations[0].order, self.text


@dataclass(frozen=True)
class Suite:
    """What the page holds of a suite: rows and notes, and lines that could not be read."""

    rows: Mapping[Configuration, str]
    notes: Sequence[Note]
    unread: Sequence[str] = ()

    def without(self, again: Collection[Configuration]) -> Suite:
        """Return what is left when some configurations were run again."""
        rows = {which: row for which, row in self.rows.items() if which not in again}
        left = [
            replace(note, configurations=tuple(c for c in note.configurations if c not in again))
            for note in self.notes
        ]
        return replace(self, rows=rows, notes=[note for note in left if note.configurations])

    @property
    def said(self) -> str:
        """The line that says what was kept, or nothing."""
        names = [f"{which.engine} ({which.about})" for which in sorted(self.rows, key=_order)]
        if self.unread:
            names.append(f"lines that could not be read: {len(self.unread)}")
        return f"{KEPT}{'; '.join(names)}." if names else ""


def _order(configuration: Configuration) -> str:
    return configuration.order


def read_suite(text: str, head: Sequence[str]) -> Suite:
    """Return what the page holds of a suite whose table has this head."""
    rows, lines = _rows(text.splitlines(), table(head, []).splitlines())
    notes, unread = [], []
    for line in lines:
        note = _note(line) or _note_of_all(line, rows)
        if note:
            notes.append(note)
        elif not _is_empty(line) and not line.startswith((PUBLISHED, KEPT)):
            unread.append(line)
    return Suite(rows, notes, unread)


def _rows(lines: list[str], top: list[str]) -> tuple[dict[Configuration, str], list[str]]:
    """Return the rows below the head of the table, and all other lines."""
    start = next((i for i in range(len(lines)) if lines[i : i + 2] == top), len(lines))
    below = lines[start + len(top) :]
    within = list(takewhile(lambda line: line.startswith("|"), below))
    rows: dict[Configuration, str] = {}
    left = lines[:start]
    for line in within:
        which = _of_row(line, top[0].count("|"))
        if which is None or which in rows:
            left.append(line)
        else:
            rows[which] = line
    return rows, left + below[len(within) :]


def _of_row(line: str, bars: int) -> Configuration | None:
    """Return whose row a line is; None when it is no whole row."""
    if line.count("|") != bars or not line.endswith("|"):
        return None
    engine, noise, units, seconds = (cell.strip() for cell in line.split("|")[1:5])
    fits = engine and noise and units in ("yes", "no") and NUMBER.fullmatch(seconds)
    return Configuration(engine, noise, units, seconds) if fits else None


def _note(line: str) -> Note | None:
    found = NOTE.fullmatch(line)
    if found is None:
        return None
    abouts = [ABOUT.fullmatch(about) for about in found["about"].split("; ")]
    which = [
        Configuration(found["engine"], about[1], "yes" if about[2] == "units" else "no", about[3])
        for about in abouts
        if about
    ]
    if len(which) < len(abouts):
        return None
    return Note(found["start"], tuple(which), found["text"], mixed=bool(found["mixed"]))


def _note_of_all(line: str, rows: Iterable[Configuration]) -> Note | None:
    found = OF_ALL.fullmatch(line)
    which = tuple(row for row in rows if found and row.engine == found["engine"])
    if found is None or not which:
        return None
    return Note(found["start"], which, found["text"], mixed=len(which) > 1)
