"""Which law: refit every promising combination of candidates, then choose one and say how surely.

1. Combinations of the best candidates of every hidden term are refitted to all data, by
   increasing score against the hidden samples; the best laws are extended and reduced by one term
   as long as that changes which are best.
2. The shortlist is refitted exactly, to rank by description length, and once more without the
   held-out data, to forecast them.
3. Laws whose forecast does not exist come last. Among those within `TIE` of the shortest
   description the first is taken whose forecast error is within a share `CLOSE` of the least.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from residuum.distillers.front import Candidate, Front
from residuum.errors import UserError
from residuum.expressions.expression import Expression
from residuum.hidden.samples import Extraction
from residuum.laws.combinations import (
    ZERO,
    Combination,
    libraries,
    neighbours,
    pool,
    ranked,
    reductions,
    shared,
    zero,
)
from residuum.laws.evidence import Criterion, Forms
from residuum.laws.families import Points, box_points, holds, same_function
from residuum.laws.gauge import Pins
from residuum.laws.law import Law
from residuum.laws.refit import SCREEN, Precision, Refit
from residuum.laws.settings import SelectSettings
from residuum.laws.shape import is_linear
from residuum.laws.system import FitData
from residuum.laws.trial import Trial
from residuum.problem.problem import Problem

Map = Callable[..., Iterable[Any]]

CHUNK = 20
MOST_ROUNDS = 4
TIE = 2.0
CLOSE = 0.1
# Laws closer than this in description length are not told apart (Kass and Raftery 1995,
# doi:10.1080/01621459.1995.10476572: above 10 evidence is called very strong).
MARGIN = 10.0
# Fits of one function in different words end within this of each other in deviance.
ALIKE = 0.5
# What a row is beside the first: another law, the same with terms added, the known part alone.
LAW, WIDER, WITHOUT_HIDDEN_TERMS = "law", "wider", "without_hidden_terms"


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A law that was refitted: its candidates, the fit to all data, and what it costs.

    `trained` is the fit that has not seen the held-out data (None when nothing is held out).
    """

    law: Mapping[str, Candidate]
    fit: Refit
    length: float
    fit_error: float = math.nan
    holdout_error: float = math.nan
    kind: str = LAW
    trained: Refit | None = None

    @property
    def without_hidden_terms(self) -> bool:
        """Whether every hidden term is zero: the known equations alone."""
        return all(c.expression == ZERO for c in self.law.values())


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What a choice among laws rests on: the problem, how laws are tried, and the criterion.

    `points[term]` fill the box of a hidden term's arguments, where formulas are compared. `pins`
    are the constants that are a matter of choice.
    """

    problem: Problem
    trial: Trial
    parameters: Mapping[str, float]
    settings: SelectSettings
    forms: Forms
    points: Mapping[str, Points]
    map: Map
    pins: Pins = field(default_factory=lambda: Pins({}, {}))

    @property
    def criterion(self) -> Criterion:
        """The description length of a law."""
        return Criterion(self.settings.gamma, self.settings.shared_forms)

    def refit(
        self, laws: Sequence[Mapping[str, Candidate]], data: FitData, precision: Precision
    ) -> list[Row]:
        """Refit laws on data, in chunks over `map`; rows come in the order of the laws."""
        laws = [self.pins.law(law) for law in laws]
        formulas = [{t: c.expression for t, c in law.items()} for law in laws]
        chunks = [formulas[k : k + CHUNK] for k in range(0, len(formulas), CHUNK)]
        tasks = [(self.problem, data, chunk, self.parameters, precision) for chunk in chunks]
        fits = [fit for found in self.map(self.trial.refit_many, tasks) for fit in found]
        return [self.row(law, fit, data) for law, fit in zip(laws, fits, strict=True)]

    def row(self, law: Mapping[str, Candidate], fit: Refit, data: FitData) -> Row:
        """Return the row of a refitted law."""
        constants = len(fit.theta) + data.initial_values
        nats = [c.structure_nats for c in law.values()]
        forms = self.forms.of_law(law)
        length = self.criterion.description_length(fit.deviance, constants, data.count, forms, nats)
        return Row(law, fit, length)


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The chosen law and every law of the shortlist, best first."""

    law: Law
    rows: tuple[Row, ...]
    curves: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the content of `candidates.json` (schema residuum/candidates/1)."""
        best = self.rows[0].length
        return {
            "schema": "residuum/candidates/1",
            "margin": MARGIN,
            "forecast_from": "training",
            "rows": [row_json(row, rank, best) for rank, row in enumerate(self.rows, start=1)],
            "curves": self.curves,
        }


def prepare_choice(
    problem: Problem,
    trial: Trial,
    extraction: Extraction,
    settings: SelectSettings,
    *,
    map: Map = map,
    pins: Pins | None = None,
) -> Choice:
    """Gather what laws are chosen by."""
    parameters = {name: value for name, (value, _) in extraction.parameters.items()}
    points = {n: box_points(s.arguments, s.support) for n, s in extraction.samples.items()}
    pins = pins or Pins({}, {})
    return Choice(problem, trial, parameters, settings, Forms(problem), points, map, pins)


def screen(choice: Choice, fronts: Sequence[Mapping[str, Front]]) -> list[Row]:
    """Refit combinations of candidates on all data, then neighbours of the best; best first.

    Last, what stands inside the terms of the best is taken away on trial.
    """
    pooled = pool(choice.problem, fronts, choice.forms, choice.points)
    laws: list[Combination] = [{name: zero(name) for name in pooled}]
    laws += shared(pooled, choice.forms)
    laws += ranked(
        pooled,
        limit=choice.settings.laws,
        criterion=choice.criterion,
        count=choice.trial.full.count,
    )
    seen: set[Any] = set()
    rows = _sorted(choice.refit(_distinct(choice.forms, laws, seen), choice.trial.full, SCREEN))
    library = libraries(fronts, list(pooled))
    explored: set[Any] = set()
    for _ in range(MOST_ROUNDS):
        best = _distinct_rows(choice.forms, rows[: choice.settings.extend], explored)
        near = [law for row in best for law in neighbours(row.law, row.fit.hidden, library)]
        new = _distinct(choice.forms, near, seen)
        if not new:
            break
        rows = _sorted(rows + choice.refit(new, choice.trial.full, SCREEN))
    for _ in range(MOST_ROUNDS):
        best = rows[: max(1, choice.settings.extend)]
        shorter = [law for row in best for law in reductions(row.law, row.fit.hidden)]
        new = _distinct(choice.forms, shorter, seen)
        if not new:
            break
        rows = _sorted(rows + choice.refit(new, choice.trial.full, SCREEN))
    return rows


def _distinct_rows(forms: Forms, rows: Sequence[Row], explored: set[Any]) -> list[Row]:
    """Return the rows whose neighbours were not tried yet; `explored` grows by them."""
    new = [row for row in rows if forms.of_law(row.law) not in explored]
    explored.update(forms.of_law(row.law) for row in new)
    return new


def _distinct(forms: Forms, laws: Sequence[Combination], seen: set[Any]) -> list[Combination]:
    """Return the laws whose forms are new; `seen` grows by them."""
    kept = []
    for law in laws:
        key = forms.of_law(law)
        if key not in seen:
            seen.add(key)
            kept.append(law)
    return kept


def _sorted(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row.length, _text(row.law)))


def _text(law: Mapping[str, Candidate]) -> tuple[Any, ...]:
    return tuple(c.expression.tokens for c in law.values())


def shortlist(choice: Choice, rows: Sequence[Row]) -> list[Row]:
    """Refit the best rows exactly, on the training data and on all; return them best first.

    The known equations alone are always among them where they have a trajectory. Raises UserError
    when no law has one.
    """
    usable = [row for row in rows if row.fit.ok]
    chosen = distinct(choice, usable, choice.settings.shortlist)
    chosen += [row for row in usable if row.without_hidden_terms and row not in chosen]
    laws = [fitted(row) for row in chosen]
    final = choice.refit(laws, choice.trial.full, choice.trial.exact)
    held = choice.trial.held_out
    trained = choice.refit(laws, choice.trial.training, choice.trial.exact) if held else final
    rows = [_scored(choice, a, b, held) for a, b in zip(final, trained, strict=True)]
    if not any(row.fit.ok for row in rows):
        raise no_law(len(rows))
    return marked(choice, distinct(choice, order(rows), len(rows)))


def distinct(choice: Choice, rows: Sequence[Row], most: int) -> list[Row]:
    """Return the first `most` rows that are no earlier one in other words."""
    kept: list[Row] = []
    for row in rows:
        if len(kept) == most:
            break
        if not any(_same(choice, row, other) for other in kept):
            kept.append(row)
    return kept


def _same(choice: Choice, row: Row, other: Row) -> bool:
    """Tell whether two laws are the same functions; those linear in all constants never are."""
    if not (row.fit.ok and other.fit.ok) or abs(row.fit.deviance - other.fit.deviance) > ALIKE:
        return False
    pairs = [(e, other.fit.hidden[name], choice.points[name]) for name, e in row.fit.hidden.items()]
    if all(is_linear(a) and is_linear(b) for a, b, _ in pairs):
        return False
    return all(a == b or same_function(a, b, points) for a, b, points in pairs)


def includes(choice: Choice, name: str, wide: Expression, narrow: Expression) -> bool:
    """Tell whether a formula of a hidden term is another with something added, or the same."""
    if choice.forms.of(name, narrow) <= choice.forms.of(name, wide):
        return True
    if (is_linear(wide) and is_linear(narrow)) or len(wide.constants) < len(narrow.constants):
        return False
    return holds(wide, narrow, choice.points[name])


def no_law(tried: int) -> UserError:
    """Return what is said when every candidate law blows up or cannot be started."""
    return UserError(
        "no candidate law has a trajectory through these data",
        found=f"{tried} laws refitted, all diverged",
        hint="check the known part of the equations and its constants, and the library's functions",
    )


def fitted(row: Row) -> dict[str, Candidate]:
    """Return the row's candidates with their fitted constants, to start another fit from."""
    return {
        term: Candidate(
            term, row.fit.hidden[term], c.loss, c.structure_nats, c.origin, c.status, c.frequency
        )
        for term, c in row.law.items()
    }


def marked(choice: Choice, rows: Sequence[Row]) -> list[Row]:
    """Return the rows with their kind beside the first row."""
    best = rows[0].fit.hidden

    def kind(row: Row) -> str:
        if row.without_hidden_terms:
            return WITHOUT_HIDDEN_TERMS
        wider = row is not rows[0] and all(
            includes(choice, name, e, best[name]) for name, e in row.fit.hidden.items()
        )
        return WIDER if wider else LAW

    return [replace(row, kind=kind(row)) for row in rows]


def _scored(choice: Choice, final: Row, trained: Row, held: bool) -> Row:
    error, ahead = choice.trial.fit_error(final.fit), math.nan
    if held:
        ahead = choice.trial.holdout_error(trained.fit) if trained.fit.ok else math.inf
    seen = trained.fit if held and trained.fit.ok else None
    return Row(final.law, final.fit, final.length, error, ahead, trained=seen)


def order(rows: Sequence[Row]) -> list[Row]:
    """Return rows by description length, but among ties one that forecasts well; see the module."""
    usable = [row for row in rows if row.fit.ok and not math.isinf(row.holdout_error)]
    others = [row for row in rows if row not in usable]
    usable, others = _sorted(usable), _sorted(others)
    ties = [row for row in usable if row.length <= usable[0].length + TIE] if usable else []
    best = min((row.holdout_error for row in ties), default=math.nan)
    # Without held-out data errors are NaN, no comparison holds, and the order stays.
    ahead = [row for row in ties if row.holdout_error <= (1.0 + CLOSE) * best]
    first = ahead[:1] or ties[:1]
    return first + [row for row in usable if row not in first] + others


def row_json(row: Row, rank: int, best: float) -> dict[str, Any]:
    """Return one row of `candidates.json`."""
    return {
        "rank": rank,
        "kind": row.kind,
        "hidden": {term: e.infix() for term, e in row.fit.hidden.items()},
        "constants": row.fit.values,
        "description_length": _finite(row.length),
        "delta_description_length": _finite(row.length - best),
        "deviance": _finite(row.fit.deviance),
        "structure_nats": [c.structure_nats for c in row.law.values()],
        "fit_nrmse": _finite(row.fit_error),
        "holdout_nrmse": _finite(row.holdout_error),
        "status": row.fit.status if not math.isinf(row.holdout_error) else "forecast diverged",
        "origin": sorted({c.origin for c in row.law.values()}),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
