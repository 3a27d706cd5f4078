"""What the verdict says in words: each sentence states one finding and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from residuum.reports.content import WIDER, WITHOUT_HIDDEN_TERMS, DatasetReport, behind, usable
from residuum.reports.formulas import formula_mathml, name_mathml
from residuum.reports.numbers import count, is_number, listing, significant, tenths

MOST_RIVALS = 5
# How the warnings begin that the paragraph tells with typeset formulas (laws/verdict.py).
TOLD = (
    "These data cannot tell this law from",
    "Something may be missing",
    "The law does not stay finite",
    "The known equations alone",
)


@dataclass(frozen=True, slots=True)
class RivalList:
    """A sentence that counts the rivals of a law, and each of them with its formulas."""

    lead: Markup
    each: tuple[Markup, ...]


def verdict(report: DatasetReport) -> Markup:
    """Return the verdict as one paragraph; it follows the list of rivals where there is one."""
    sentences = [
        _identifiable(report),
        _uncertain_terms(report),
        _missing(report.law.get("verdict") or {}),
        _stable(report.law.get("verdict") or {}),
        _forecast(report),
        _known_part(report),
    ]
    return Markup(" ").join(sentence for sentence in sentences if sentence)


def other_warnings(report: DatasetReport) -> list[str]:
    """Return the law's warnings that the paragraph does not already tell."""
    warnings = (report.law.get("verdict") or {}).get("warnings") or []
    return [str(warning) for warning in warnings if not str(warning).startswith(TOLD)]


def headline(report: DatasetReport) -> str:
    """Return the verdict in a few words, for tables."""
    return short_verdict(report.law.get("verdict") or {}, len(report.rivals))


def short_verdict(verdict: Mapping[str, Any], rivals: int | None) -> str:
    """Return `determined`, `not determined: 2 rivals` and what else a reader must know."""
    found = []
    if rivals:
        found.append(f"not determined: {count(rivals, 'rival')}")
    elif verdict.get("identifiable") is None:
        found.append("not assessed")
    elif not _all(verdict["identifiable"]):
        found.append("not determined")
    else:
        found.append("determined")
    if verdict.get("missing"):
        found.append("something is missing")
    if verdict.get("stable") is False:
        found.append("not stable")
    return "; ".join(found)


def rival_list(report: DatasetReport) -> RivalList | None:
    """Return the laws that the data cannot tell from this one; None where there are none."""
    rivals = report.rivals
    if not rivals or report.known_alone:
        return None
    each = [
        Markup("{} ({})").format(law_formulas(row), _behind(row)) for row in rivals[:MOST_RIVALS]
    ]
    if len(rivals) > MOST_RIVALS:
        each.append(Markup("and {} more").format(count(len(rivals) - MOST_RIVALS)))
    lead = Markup(
        "<strong>These data cannot tell this law from {}</strong> within {} of description "
        "length{}:"
    ).format(count(len(rivals), "other"), _units(report.margin), _where_they_differ(report))
    return RivalList(lead, tuple(each))


def _where_they_differ(report: DatasetReport) -> Markup:
    found = (report.law.get("verdict") or {}).get("identifiable")
    unsure = [k for k, sure in found.items() if not sure] if isinstance(found, Mapping) else []
    if not unsure or len(unsure) == len(report.hidden):
        return Markup("")
    return Markup(", which differ in {} alone").format(
        Markup(" and ").join(name_mathml(name) for name in unsure)
    )


def law_formulas(row: Mapping[str, Any]) -> Markup:
    """Return the hidden terms of a candidate law, each with its formula."""
    parts = [
        Markup("{} = {}").format(name_mathml(name), formula_mathml(text, digits=3))
        for name, text in (row.get("hidden") or {}).items()
    ]
    return Markup(", ").join(parts) if parts else Markup("no hidden term")


def _identifiable(report: DatasetReport) -> Markup:
    if not report.hidden:
        return Markup("The equations hold no hidden term; only constants were estimated.")
    if report.known_alone:
        return Markup(
            "The known equations alone describe these data best: no hidden term is needed."
        )
    if report.rivals:
        return Markup(
            "The choice between them rests on parsimony; take it as open until there are more data."
        )
    found = (report.law.get("verdict") or {}).get("identifiable")
    if found is None:
        return Markup("Whether these data determine the law was not assessed.")
    if not _all(found):
        names = [k for k, v in found.items() if not v] if isinstance(found, Mapping) else []
        what = escape(listing(names)) if names else "every part of the law"
        return Markup("<strong>These data do not determine {}.</strong>").format(what)
    return Markup("These data determine the form of {}: {}.").format(
        _terms(len(report.hidden)), _next_best(report)
    )


def _next_best(report: DatasetReport) -> str:
    rows = [r for r in report.rows[1:] if r.get("kind") not in (WITHOUT_HIDDEN_TERMS, WIDER)]
    if not any(usable(row) for row in rows):
        return "every other candidate that could be refitted is this law with terms added"
    return (
        f"no other law comes within {_units(report.margin)} of description length, and the next "
        f"is {_behind(min(rows, key=behind))}"
    )


def _terms(number: int) -> str:
    return "the hidden term" if number == 1 else f"{_both_or_all(number)} hidden terms"


def _both_or_all(number: int) -> str:
    return "both" if number == 2 else f"all {number}"


def _uncertain_terms(report: DatasetReport) -> Markup:
    """Name terms whose interval includes zero."""
    weak = [
        Markup("{} in {}").format(formula_mathml(str(term["term"])), name_mathml(name))
        for name, entry in report.hidden.items()
        for term in entry.get("terms") or []
        if _spans_zero(term.get("ci95"))
    ]
    if not weak:
        return Markup("")
    plural = "s" if len(weak) > 1 else ""
    return Markup("The 95 % interval{} of the coefficient{} of {} include{} zero.").format(
        plural, plural, Markup(", ").join(weak), "" if plural else "s"
    )


def _missing(verdict: Mapping[str, Any]) -> Markup:
    """Say what the test for one more term found, with its size and its power."""
    test = (verdict.get("details") or {}).get("missing_test") or {}
    if verdict.get("missing") is None:
        return Markup("Whether anything is still missing from the equations was not tested.")
    if verdict["missing"]:
        what = Markup(": {} would improve the fit more than chance (p = {})").format(
            _added_term(test.get("term")), significant(test.get("p_value"), 2)
        )
        return Markup("<strong>Something may still be missing</strong>{}.").format(
            what if test.get("term") else ""
        )
    return Markup("A test for one more term {}finds nothing missing{}.").format(
        f"({count(test['tried'], 'trial')}) " if isinstance(test.get("tried"), int) else "",
        _detectable(test),
    )


def _added_term(text: object) -> Markup:
    formula, _, name = str(text).rpartition(" in ")
    return Markup("{} in {}").format(formula_mathml(formula), name_mathml(name))


def _detectable(test: Mapping[str, Any]) -> str:
    share, power = test.get("detectable_share"), test.get("power")
    if not (isinstance(share, int | float) and isinstance(power, int | float)):
        return ""
    return (
        f"; one that contributes {significant(100 * share, 2)} % of its hidden term would have "
        f"been found with {significant(100 * power, 2)} % probability"
    )


def _stable(verdict: Mapping[str, Any]) -> Markup:
    found = verdict.get("stable")
    if found is None:
        return Markup("")
    if found:
        return Markup("Followed past the data, the law stays finite, in range and free of poles.")
    return Markup(
        "<strong>The law is not stable</strong>: it leaves the finite numbers or the measured "
        "range, or has a pole there, when it is followed past the data."
    )


def _forecast(report: DatasetReport) -> Markup:
    scores = report.law.get("scores") or {}
    held_out, fit = scores.get("holdout_nrmse"), scores.get("fit_nrmse")
    if not is_number(held_out):
        if any(e.held_out.any() for e in report.observations.experiments):
            return Markup("<strong>The forecast of the held-out data failed.</strong>")
        return Markup("No data were held out, so the law has not been tested by a forecast.")
    return Markup(
        "Refitted without the held-out data, the law forecasts them with a normalised error of {} "
        "(its fit to all data: {}); its form was chosen with all data in view."
    ).format(significant(held_out, 2), significant(fit, 2))


def _known_part(report: DatasetReport) -> Markup:
    row = next((r for r in report.rows if r.get("kind") == WITHOUT_HIDDEN_TERMS), None)
    if row is None or report.known_alone:
        return Markup("")
    if not usable(row):
        return Markup("The known part of the equations alone could not be fitted.")
    return Markup("The known part of the equations alone is {}, with a fit error of {}.").format(
        _behind(row), significant(row.get("fit_nrmse"), 2)
    )


def _behind(row: Mapping[str, Any]) -> str:
    # Rank need not follow description length alone: the forecast has a say.
    value = behind(row)
    return f"{_units(value)} behind" if value >= 0 else f"{_units(-value)} ahead"


def _units(value: float) -> str:
    return f"{tenths(value)} unit" if tenths(value) == "1" else f"{tenths(value)} units"


def _all(found: object) -> bool:
    return all(found.values()) if isinstance(found, Mapping) else bool(found)


def _spans_zero(bounds: Sequence[Any] | None) -> bool:
    return (
        bounds is not None
        and len(bounds) == 2
        and all(is_number(x) for x in bounds)
        and bounds[0] <= 0 <= bounds[1]
    )
