"""What is told about a surrogate: which heads the evidence chose, the noise, what is alive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from residuum.hidden.samples import Extraction
from residuum.reports.content import DatasetReport
from residuum.reports.numbers import significant
from residuum.reports.tables import plain

HEADS = (
    "Heads tried (states/hidden terms). Disagreement: distance of the hidden terms from the chosen "
    "ones, relative to their size."
)
MESSAGES = (
    "Forms of the hidden terms. Mutual: along the line between two bodies, equal and opposite. "
    "Central: along the line. Free: in any direction. Latent: numbers that the update reads. "
    "Error: relative, on frames that were not fitted; the simplest form that is as good as the "
    "others is chosen."
)


@dataclass(frozen=True, slots=True)
class HeadsRow:
    """One combination of heads, or form of messages, that was tried.

    `figure` is what is told of it beside the evidence.
    """

    heads: str
    evidence: str
    figure: str
    kind: str


@dataclass(frozen=True, slots=True)
class ArgumentRow:
    """One argument of a hidden term as the surrogate sees it."""

    term: str
    argument: str
    alive: str
    sensitivity: str


@dataclass(frozen=True, slots=True)
class SurrogateTable:
    """What is told about one surrogate."""

    name: str
    rows: tuple[tuple[str, str], ...]
    comparisons: tuple[HeadsRow, ...]
    figure: str
    about: str
    arguments: tuple[ArgumentRow, ...]


def surrogate_tables(report: DatasetReport) -> list[SurrogateTable]:
    """Return what is known of each surrogate."""
    names = dict.fromkeys([*report.surrogates, *report.extractions])
    return [
        _table(report, name, report.surrogates.get(name) or {}, report.extractions.get(name))
        for name in names
    ]


def _table(
    report: DatasetReport, name: str, saved: Mapping[str, Any], extraction: Extraction | None
) -> SurrogateTable:
    of_messages = saved.get("kind") == "graph"
    return SurrogateTable(
        name,
        (*_heads(saved), *_estimates(report, extraction)),
        tuple(_forms(saved) if of_messages else _comparisons(saved)),
        "error" if of_messages else "disagreement",
        MESSAGES if of_messages else HEADS,
        tuple(_arguments(extraction)),
    )


def _heads(saved: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the chosen heads and where they were trained."""
    if "state_head" in saved:
        yield "head of the states", str(saved["state_head"]["kind"])
    if "terms" in saved:
        kinds = {name: term["kind"] for name, term in saved["terms"].items()}
        yield "heads of the hidden terms", plain(kinds)
    if "device" in saved:
        yield "device", str(saved["device"])


def _estimates(report: DatasetReport, extraction: Extraction | None) -> Iterator[tuple[str, str]]:
    if extraction is None:
        return
    kind = " of the logarithm" if report.observations.noise.kind == "lognormal" else ""
    yield f"estimated noise (sd{kind})", plain(extraction.noise)
    if extraction.structure.latents:
        yield "latents alive", plain(extraction.structure.latents)
    for update, told in extraction.structure.gauge.items():
        yield f"gauge of {update}, free", told["free"]
        yield f"gauge of {update}, fixed", told["fixed"]
        yield f"gauge of {update}, map", told["map"]
    for name, (value, sd) in extraction.parameters.items():
        yield f"{name} in the surrogate", f"{significant(value)} ± {significant(sd, 2)} (sd)"


def _comparisons(saved: Mapping[str, Any]) -> Iterator[HeadsRow]:
    """Yield the combinations tried, best evidence first."""
    tried = sorted(saved.get("comparisons") or [], key=lambda row: -float(row["evidence"]))
    for place, row in enumerate(tried):
        yield HeadsRow(
            str(row["heads"]),
            significant(row["evidence"], 4),
            significant(row["disagreement"], 2),
            "chosen" if place == 0 else "",
        )


def _forms(saved: Mapping[str, Any]) -> Iterator[HeadsRow]:
    """Yield the forms of messages that were compared, least error first."""
    chosen = "; ".join(_form(name, term) for name, term in saved["terms"].items())
    for row in sorted(saved.get("comparisons") or [], key=lambda row: float(row["error"])):
        heads = str(row["heads"])
        yield HeadsRow(
            heads,
            significant(row["evidence"], 4),
            significant(row["error"], 2),
            "chosen" if heads == chosen else "",
        )


def _form(name: str, term: Mapping[str, Any]) -> str:
    """Return what a term's form is called, such as `force mutual without mass_i, mass_j`."""
    dead = [a for k, a in enumerate(term["arguments"]) if k not in term["alive"]]
    several = f" of {term['latents']} latents" if term["kind"] == "latent" else ""
    return f"{name} {term['kind']}{several}" + (f" without {', '.join(dead)}" if dead else "")


def _arguments(extraction: Extraction | None) -> Iterator[ArgumentRow]:
    if extraction is None:
        return
    structure = extraction.structure
    for term, arguments in structure.alive.items():
        for argument, alive in arguments.items():
            size = structure.sensitivity.get(term, {}).get(argument)
            yield ArgumentRow(term, argument, "yes" if alive else "no", significant(size, 2))
