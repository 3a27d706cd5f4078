"""What a reader gets of one dataset: a self-contained page, its figures, and the law in LaTeX."""

from __future__ import annotations

from residuum.reports import tables
from residuum.reports.content import WITHOUT_HIDDEN_TERMS, DatasetReport, Page
from residuum.reports.figures import MOST_EXPERIMENTS, draw_all
from residuum.reports.formulas import law_mathml, law_tex
from residuum.reports.numbers import count
from residuum.reports.templating import fill
from residuum.reports.wording import headline, verdict

__all__ = ["DatasetReport", "Page", "render_page"]

SECTIONS = (
    ("law", "Law"),
    ("verdict", "Verdict"),
    ("constants", "Constants"),
    ("hidden", "Hidden terms"),
    ("data", "Data, fit and forecast"),
    ("candidates", "Candidates"),
    ("surrogate", "Surrogate"),
    ("provenance", "Provenance"),
)


def render_page(report: DatasetReport) -> Page:
    """Return the report of one dataset; equal content gives equal bytes.

    Raises UserError when a formula in the law or a candidate is not in the equation language.
    """
    drawings = {drawing.name: drawing for drawing in draw_all(report)}
    values = {
        "report": report,
        "sections": SECTIONS,
        "summary": _summary(report),
        "law": law_mathml(report.law),
        "verdict": verdict(report),
        "warnings": [str(w) for w in (report.law.get("verdict") or {}).get("warnings") or []],
        "scores": tables.scores(report),
        "constants": tables.constants(report),
        "hidden": tables.hidden_terms(report),
        "names": list(report.hidden),
        "candidates": tables.candidates(report),
        "surrogates": tables.surrogates(report),
        "provenance": tables.provenance(report),
        "drawings": drawings,
        "notes": _notes(report),
    }
    figures = {name: drawing.svg for name, drawing in drawings.items()}
    return Page(fill("page.html", values), figures, law_tex(report.law))


def _summary(report: DatasetReport) -> str:
    experiments = report.observations.experiments
    samples = sum(len(experiment) for experiment in experiments)
    parts = (count(len(experiments), "experiment"), count(samples, "sample"), headline(report))
    return ", ".join(parts[:2]) + f" · law {parts[2]}"


def _notes(report: DatasetReport) -> dict[str, str]:
    """Return the captions' sentences."""
    experiments = report.observations.experiments
    shown = min(len(experiments), MOST_EXPERIMENTS)
    part = f" {shown} of {len(experiments)} experiments are shown." if len(experiments) > shown else ""
    held_out = any(experiment.held_out.any() for experiment in experiments)
    shading = "; the shaded span was held out from every fit" if held_out else ""
    return {
        "trajectories": f"Circles: measurements. Line: the law, refitted to the raw data{shading}."
        + part,
        "hidden": "Orange: what the surrogate learned, with its 95 % band. Blue, dashed: the law's "
        "formula at the same arguments." + part,
        "front": "Each point is a formula for one hidden term by itself, before it is put back "
        "into the equations; loss is the mean squared distance from the surrogate in units of "
        "its posterior spread. The law is chosen among combinations, not on this front.",
        "candidates": _candidates_note(report),
    }


def _candidates_note(report: DatasetReport) -> str:
    rows = [row for row in report.rows if row.get("kind") != WITHOUT_HIDDEN_TERMS]
    listed = min(len(rows), max(tables.MOST_ROWS, len(report.rivals) + 1))
    which = f"The best {listed} of {len(rows)} laws" if len(rows) > listed else "The laws"
    return (
        f"{which} refitted to the raw data. Description length relative to the first: smaller is "
        "better. Errors are root mean squares over the spread of the data."
    )
