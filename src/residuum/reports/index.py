"""What a campaign found, at a glance: one row a dataset, for readers and for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from residuum.reports.content import MARGIN, is_rival
from residuum.reports.formulas import law_mathml
from residuum.reports.numbers import count, is_number, significant
from residuum.reports.templating import fill
from residuum.reports.wording import short_verdict

SCHEMA = "residuum/summary/1"


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One dataset in the index."""

    title: str
    link: str
    law: Markup
    verdict: str
    fit: str
    held_out: str


def render_index(laws: Sequence[Mapping[str, Any]], *, title: str = "Campaign") -> str:
    """Return the page that lists every dataset's law and links to its report.

    A law may carry the dataset's `title` and the `order` of its equations' left sides.
    """
    values = {
        "title": title,
        "summary": f"{count(len(laws), 'dataset')}",
        "rows": [_row(law) for law in laws],
    }
    return fill("index.html", values)


def summary(laws: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the campaign as plain values, schema `residuum/summary/1`."""
    return {
        "schema": SCHEMA,
        "datasets": {str(law["dataset"]): _summary(law) for law in laws},
    }


def _row(law: Mapping[str, Any]) -> IndexRow:
    scores = law.get("scores") or {}
    return IndexRow(
        title=str(law.get("title") or law["dataset"]),
        link=link(law),
        law=law_mathml(law, law.get("order") or ()),
        verdict=_verdict(law),
        fit=significant(scores.get("fit_nrmse")),
        held_out=significant(scores.get("holdout_nrmse")),
    )


def link(law: Mapping[str, Any]) -> str:
    """Return the address of a dataset's report relative to the index."""
    return f"{quote(str(law['dataset']), safe='')}/report.html"


def _verdict(law: Mapping[str, Any]) -> str:
    verdict = law.get("verdict") or {}
    margin = (verdict.get("details") or {}).get("margin", MARGIN)
    near = [row for row in law.get("runners_up") or [] if is_rival(row, margin)]
    return short_verdict(verdict, len(near))


def _summary(law: Mapping[str, Any]) -> dict[str, Any]:
    scores, verdict = law.get("scores") or {}, law.get("verdict") or {}
    return {
        "equations": dict(law["equations"]),
        "parameters": {
            name: entry.get("value") for name, entry in (law.get("parameters") or {}).items()
        },
        "scores": {key: value if is_number(value) else None for key, value in scores.items()},
        "verdict": {key: verdict.get(key) for key in ("identifiable", "missing", "stable")},
        "warnings": [str(warning) for warning in verdict.get("warnings") or []],
        "report": link(law),
    }
