"""What a reader gets of one dataset: a self-contained page, its figures, and the law in LaTeX."""

from __future__ import annotations

from residuum.reports import tables
from residuum.reports.axes import MOST_EXPERIMENTS
from residuum.reports.content import DatasetReport, Page
from residuum.reports.energy import energy_words
from residuum.reports.figures import draw_all
from residuum.reports.formulas import law_mathml, law_tex
from residuum.reports.numbers import count
from residuum.reports.surrogates import surrogate_tables
from residuum.reports.templating import fill
from residuum.reports.wording import headline, other_warnings, rival_list, verdict

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
        "law": law_mathml(report.law, tuple(report.given)),
        "verdict": verdict(report),
        "rivals": rival_list(report),
        "warnings": other_warnings(report),
        "scores": tables.scores(report),
        "constants": tables.constants(report),
        "hidden": tables.hidden_terms(report),
        "names": list(report.hidden),
        "candidates": tables.candidates(report),
        "surrogates": surrogate_tables(report),
        "provenance": tables.provenance(report),
        "drawings": drawings,
        "notes": _notes(report),
    }
    figures = {name: drawing.svg for name, drawing in drawings.items()}
    return Page(fill("page.html", values), figures, law_tex(report.law, tuple(report.given)))


def _summary(report: DatasetReport) -> str:
    experiments = report.observations.experiments
    samples = sum(len(experiment) for experiment in experiments)
    parts = (count(len(experiments), "experiment"), count(samples, "sample"), headline(report))
    return ", ".join(parts[:2]) + f" · law {parts[2]}"


def _notes(report: DatasetReport) -> dict[str, str]:
    """Return the captions' sentences."""
    experiments = report.observations.experiments
    shown = min(len(experiments), MOST_EXPERIMENTS)
    part = (
        f" {shown} of {len(experiments)} experiments are shown." if len(experiments) > shown else ""
    )
    return {
        "trajectories": f"Circles: measurements. Line: the law.{_shading(report)}{part}",
        "paths": f"Circles: measured positions. Line: the law, where it was integrated.{part}",
        "accelerations": "What the law says where bodies were measured, against what "
        "was measured; each point is one axis of one body in one frame.",
        "energy": energy_words(report),
        "hidden": _hidden_note(report, part),
        "front": "Each point is a formula for one hidden term by itself, before it is put back "
        "into the equations; loss is the mean squared distance from the surrogate in units of "
        "its posterior spread. The law is chosen among combinations, not on this front.",
        "scores": _scores_note(report),
        "candidates": _candidates_note(report),
    }


def _hidden_note(report: DatasetReport, part: str) -> str:
    if "bodies" in report.law:
        return (
            "Orange: what the surrogate learned at measured pairs or bodies, with its 95 % "
            "intervals. Blue: the law's formula at the same arguments."
        )
    return (
        "Orange: what the surrogate learned, with its 95 % band. Blue, dashed: the law's formula "
        f"at the same arguments.{part}"
    )


def _scores_note(report: DatasetReport) -> str:
    errors = "Errors are root mean squares over the spread of the data."
    if (report.law.get("scores") or {}).get("valid_time") is None:
        return errors
    return (
        f"{errors} The forecast is valid until its error first exceeds 0.4 of the spread of the "
        "held-out data."
    )


def _shading(report: DatasetReport) -> str:
    if not any(experiment.held_out.any() for experiment in report.observations.experiments):
        return " No data were held out."
    if report.forecast_is_unseen:
        return " Shaded: held out; the dashed forecast was fitted without these data."
    return (
        " Shaded: held out from the surrogate and for the held-out error; the line drawn is the "
        "final fit to all data."
    )


def _candidates_note(report: DatasetReport) -> str:
    rows = len(report.rows)
    listed = len(tables.candidates(report))
    which = f"{listed} of {rows} laws" if rows > listed else "The laws"
    return (
        f"{which} refitted to the raw data, best first. Length: description length (twice the "
        "negative log evidence) beyond that of the first. Fit: error of the fit to all data. Held "
        "out: error on the held-out data after a fit to the others. Laws that only add terms to "
        "the first are no rivals: whether a term is missing is what the test in the verdict asks."
    )
