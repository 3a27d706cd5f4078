"""What stands in the tables of a page: rows of text and MathML, numbers already written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from residuum.reports.content import (
    WIDER,
    WITHOUT_HIDDEN_TERMS,
    DatasetReport,
    behind,
    is_rival,
    usable,
)
from residuum.reports.formulas import formula_mathml, hidden_mathml, with_letters
from residuum.reports.numbers import (
    MISSING,
    duration,
    is_number,
    significant,
    tenths,
    with_interval,
)

MOST_ROWS = 12
LABELS = {"config": "configuration", "source": "source code", "wall_s": "wall time"}


@dataclass(frozen=True, slots=True)
class Constant:
    """A row of the constants or of the terms of a hidden term."""

    symbol: Markup
    value: str
    interval: str
    unit: str = ""
    origin: str = ""
    probability: str = MISSING


@dataclass(frozen=True, slots=True)
class HiddenTermTable:
    """One hidden term with its terms."""

    name: str
    formula: Markup
    origin: str
    complexity: str
    rows: tuple[Constant, ...]
    direction: str = ""


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """One refitted law; `kind` is the class of its row in the page."""

    rank: str
    behind: str
    fit: str
    held_out: str
    remark: str
    formulas: tuple[Markup, ...]
    kind: str


def scores(report: DatasetReport) -> list[tuple[str, str]]:
    """Return the law's scores with their names; those that do not exist are left out."""
    found = report.law.get("scores") or {}
    time = report.observations.units.get("t", "")
    labels = (
        ("fit_nrmse", "fit error", ""),
        ("holdout_nrmse", "held-out error", ""),
        ("valid_time", "valid forecast time", time),
        ("evidence", "log evidence", "nats"),
    )
    return [
        (label, f"{significant(found[key])} {unit}".strip())
        for key, label, unit in labels
        if is_number(found.get(key))
    ]


def constants(report: DatasetReport) -> list[Constant]:
    """Return the parameters of the equations with their intervals."""
    return [
        Constant(
            formula_mathml(name),
            *with_interval(entry.get("value"), entry.get("ci95")),
            unit=str(entry.get("unit") or ""),
            origin="estimated" if entry.get("estimated") else "given",
        )
        for name, entry in (report.law.get("parameters") or {}).items()
    ]


def hidden_terms(report: DatasetReport) -> list[HiddenTermTable]:
    """Return each hidden term with its formula and the terms of it."""
    return [
        HiddenTermTable(
            name,
            hidden_mathml(name, entry),
            str(entry.get("origin") or ""),
            tenths(entry.get("complexity")),
            tuple(_rows(entry)),
            str(entry.get("direction") or ""),
        )
        for name, entry in report.hidden.items()
    ]


def _rows(entry: Mapping[str, Any]) -> Iterator[Constant]:
    """Yield each term, constants inside it as letters `c_1`, ..., and then these constants."""
    inner = [row for row in entry.get("constants") or [] if row.get("inside") is not None]
    letters = {id(row): f"c_{k}" for k, row in enumerate(inner, start=1)}
    for place, row in enumerate(entry.get("terms") or []):
        own = [one for one in inner if one["inside"] == place]
        yield _term(row, [(letters[id(one)], one["value"]) for one in own])
        for one in own:
            symbol = formula_mathml(letters[id(one)])
            yield Constant(symbol, *with_interval(one.get("value"), one.get("ci95")))


def _term(row: Mapping[str, Any], letters: Sequence[tuple[str, float]] = ()) -> Constant:
    return Constant(
        formula_mathml(with_letters(str(row["term"]), letters)),
        *with_interval(row.get("coefficient"), row.get("ci95")),
        probability=significant(row.get("probability"), 2),
    )


def candidates(report: DatasetReport) -> list[CandidateRow]:
    """Return the best refitted laws, the known part alone always among them."""
    shown = report.rows[: max(MOST_ROWS, len(report.rivals) + 1)]
    shown += [r for r in report.rows[len(shown) :] if r.get("kind") == WITHOUT_HIDDEN_TERMS]
    return [_candidate(report, row, place == 0) for place, row in enumerate(shown)]


def _candidate(report: DatasetReport, row: Mapping[str, Any], chosen: bool) -> CandidateRow:
    formulas = row.get("hidden") or {}
    aside = row.get("kind") in (WIDER, WITHOUT_HIDDEN_TERMS)
    return CandidateRow(
        rank=tenths(row.get("rank")),
        behind=_difference(row),
        fit=significant(row.get("fit_nrmse")),
        held_out=significant(row.get("holdout_nrmse")),
        remark=_remark(report, row, chosen),
        formulas=tuple(_formula(formulas.get(name)) for name in report.hidden),
        kind="chosen" if chosen else "aside" if aside else "",
    )


def _remark(report: DatasetReport, row: Mapping[str, Any], chosen: bool) -> str:
    """Say what a row is beside the first law, or why its fit or forecast failed."""
    if str(row.get("status", "ok")) != "ok":
        return str(row["status"])
    if chosen:
        return "chosen"
    kinds = {WIDER: "adds terms", WITHOUT_HIDDEN_TERMS: "known part alone"}
    return kinds.get(str(row.get("kind")), "rival" if is_rival(row, report.margin) else "")


def _formula(text: object) -> Markup:
    return escape(MISSING) if text is None else formula_mathml(str(text), digits=3)


def _difference(row: Mapping[str, Any]) -> str:
    if not usable(row):
        return MISSING
    value = behind(row)
    return f"+{tenths(value)}" if value > 0 else tenths(value)


def provenance(report: DatasetReport) -> list[tuple[str, str]]:
    """Return what made the law: versions, seeds, hashes, device and wall times."""
    return [
        (LABELS.get(str(key), str(key)), _times(value) if "wall" in str(key) else plain(value))
        for key, value in (report.law.get("provenance") or {}).items()
    ]


def _times(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {duration(seconds)}" for name, seconds in value.items())
    return duration(value)


def plain(value: object) -> str:
    """Return a JSON value as text: `hare 0.21, lynx 0.18`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {plain(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(plain(inner) for inner in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return significant(value, 3) if isinstance(value, float) else str(value)
