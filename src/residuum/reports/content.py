"""What a report is made of: the results of every stage of one dataset, gathered in one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from residuum.distillers.front import Front
from residuum.hidden.samples import Extraction
from residuum.problem.names import split_suffix
from residuum.reports.numbers import is_number

if TYPE_CHECKING:
    from residuum.data.observations import Observations

WITHOUT_HIDDEN_TERMS = "without_hidden_terms"
WIDER = "wider"
MARGIN = 10.0


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """Everything that is told about one dataset.

    `law` is what `law.json` holds, `candidates` what `candidates.json` holds (schema
    `residuum/candidates/1`), `given` the equations as the user wrote them, `fronts` those of
    every surrogate and distiller, `extractions` and `surrogates` (`surrogate.json`) are keyed by
    the surrogate's name.
    """

    law: Mapping[str, Any]
    candidates: Mapping[str, Any]
    observations: Observations
    extractions: Mapping[str, Extraction] = field(default_factory=dict)
    fronts: Sequence[Front] = ()
    surrogates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def dataset(self) -> str:
        """The dataset's name in the configuration."""
        return str(self.law["dataset"])

    @property
    def title(self) -> str:
        """The dataset's title, or its name where it has none."""
        return str(self.observations.title or self.dataset)

    @property
    def hidden(self) -> Mapping[str, Mapping[str, Any]]:
        """The law's hidden terms by name, in the order in which the equations call them."""
        # JSON objects have no order: files are written with sorted keys.
        found = self.law.get("hidden") or {}
        text = " ".join(self.given.values())
        calls = {name: text.find(f"{name}(") for name in found}
        return {name: found[name] for name in sorted(found, key=lambda n: (calls[n], n))}

    @property
    def states(self) -> tuple[str, ...]:
        """The states, in the order of their equations."""
        return tuple((split_suffix(left) or (left, ""))[0] for left in self.given)

    @property
    def margin(self) -> float:
        """Difference in description length up to which two laws count as rivals."""
        value = self.candidates.get("margin", MARGIN)
        return float(value) if is_number(value) else MARGIN

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """The refitted laws, best first."""
        return sorted(self.candidates.get("rows") or [], key=_order)

    @property
    def rivals(self) -> list[Mapping[str, Any]]:
        """The laws within the margin of the first that lack one of its terms."""
        return [row for row in self.rows[1:] if is_rival(row, self.margin)]

    @property
    def forecast_is_unseen(self) -> bool:
        """Whether the curve over the held-out span comes from a fit without those data."""
        return self.candidates.get("forecast_from") == "training"

    @property
    def known_alone(self) -> bool:
        """Whether the first law is the one without any hidden term."""
        return bool(self.rows) and self.rows[0].get("kind") == WITHOUT_HIDDEN_TERMS


@dataclass(frozen=True, slots=True)
class Page:
    """A rendered report: one self-contained page, its figures by name, and the law in LaTeX."""

    html: str
    figures: Mapping[str, str]
    tex: str


def usable(row: Mapping[str, Any]) -> bool:
    """Tell whether the refit of a candidate law ended well."""
    return str(row.get("status", "ok")) == "ok" and is_number(row.get("delta_description_length"))


def is_rival(row: Mapping[str, Any], margin: float) -> bool:
    """Tell whether a law that lacks a term of the first is within the margin of it."""
    return usable(row) and behind(row) <= margin and row.get("kind") != WIDER


def behind(row: Mapping[str, Any]) -> float:
    """Return how much longer a law's description is than the first law's."""
    value = row.get("delta_description_length")
    return float(value) if isinstance(value, int | float) and is_number(value) else float("inf")


def unit_of(name: str, units: Mapping[str, str]) -> str:
    """Return the unit of a state or component; empty when it has none.

    The unit of a time derivative follows from its state's when it is not declared.
    """
    if name in units:
        return "" if units[name] in ("", "1", "dimensionless") else str(units[name])
    parts = split_suffix(name)
    if parts is None or parts[0] not in units:
        return ""
    time = unit_of("t", units)
    per = f"{time}-{len(parts[1])}" if time else ""
    return " ".join(part for part in (unit_of(parts[0], units), per) if part)


def _order(row: Mapping[str, Any]) -> tuple[float, float]:
    rank = row.get("rank")
    return (float(rank) if isinstance(rank, int | float) else float("inf"), behind(row))
