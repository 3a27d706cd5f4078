"""From the shortlist to the law: intervals, forecast, verdict, everything that is told of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from residuum.data.observations import Observations
from residuum.distillers.front import Front
from residuum.expressions.calculus import terms
from residuum.expressions.expression import Expression
from residuum.hidden.samples import Extraction
from residuum.laws.bodies import affordable, body_trial, law_of_bodies, units_of_law
from residuum.laws.body_starts import with_unknown
from residuum.laws.choice import (
    Choice,
    Map,
    Row,
    Selection,
    prepare_choice,
    row_json,
    screen,
    shortlist,
)
from residuum.laws.combinations import libraries
from residuum.laws.dynamics import Dynamics
from residuum.laws.gauge import Pins, told
from residuum.laws.law import (
    HiddenFormula,
    Interval,
    Law,
    LawConstant,
    LawParameter,
    LawTerm,
    law_equations,
)
from residuum.laws.refit import Refit
from residuum.laws.settings import SelectSettings
from residuum.laws.shape import coefficients, inside, skeleton
from residuum.laws.system import constant_names
from residuum.laws.verdict import (
    extensions,
    free_of_poles,
    identifiable,
    make_verdict,
    missing_test,
    term_probabilities,
    warnings_of,
)
from residuum.problem.body_problem import BodyProblem
from residuum.problem.dimensions import inferred_units
from residuum.problem.problem import Problem

RUNNERS_UP = 10


def select(
    problem: Problem | BodyProblem,
    observations: Observations,
    extraction: Extraction,
    fronts: Sequence[Mapping[str, Front]],
    settings: SelectSettings,
    *,
    dataset: str = "",
    map: Map = map,
) -> Selection:
    """Refit candidates on the raw data, choose one law, and say how sure it is.

    They are refitted through the dynamics, or to the rates of bodies where those were measured.
    `fronts` holds, for each surrogate and distiller, the front of every hidden term; `map` may
    spread refits over workers. The result does not depend on how many there are.
    """
    if isinstance(problem, BodyProblem):
        extraction = with_unknown(problem, observations, extraction)
        written, trial = body_trial(problem, observations, extraction)
        settings = affordable(settings, trial)
        pins = Pins.of(problem, extraction)
        choice = prepare_choice(written, trial, extraction, settings, map=map, pins=pins)
        units = units_of_law(problem, observations)
        found = _select(choice, extraction, pins.fronts(fronts), units=units, dataset=dataset)
        law = law_of_bodies(problem, found.law)
        notes = (*law.verdict.warnings, *told(extraction))
        return replace(found, law=replace(law, verdict=replace(law.verdict, warnings=notes)))
    moving = Dynamics.of(problem, observations, extraction.trajectories)
    choice = prepare_choice(problem, moving, extraction, settings, map=map)
    units = inferred_units(problem, observations.units)
    return _select(choice, extraction, fronts, units=units, dataset=dataset)


def _select(
    choice: Choice,
    extraction: Extraction,
    fronts: Sequence[Mapping[str, Front]],
    *,
    units: Mapping[str, str | None],
    dataset: str,
) -> Selection:
    screened = screen(choice, fronts)
    best = next((row for row in screened if row.fit.ok), None)
    if best is not None:
        choice = replace(choice, trial=choice.trial.followed(best.fit))
    problem, trial = choice.problem, choice.trial
    rows = shortlist(choice, screened)
    best = rows[0]
    wider = extensions(best, libraries(fronts, list(best.law)))
    test = missing_test(best, choice.refit(wider, trial.full, trial.exact), extraction.samples)
    identified = identifiable(choice, rows)
    predicted = trial.predict(best.fit, best.trained)
    whole = all(free_of_poles(e, extraction.samples[n]) for n, e in best.fit.hidden.items())
    is_stable = None if predicted.stable is None and whole else bool(predicted.stable and whole)
    notes = warnings_of(rows, identified, test, is_stable, predicted.disagreement)
    ends = trial.intervals(best.fit, choice.settings.confidence)
    law = Law(
        dataset=dataset,
        equations=law_equations(problem, best.fit.hidden),
        hidden=hidden_formulas(choice, rows, ends),
        parameters=law_parameters(problem, best.fit, ends, units),
        scores=scores(choice, best),
        verdict=make_verdict(identified, test, is_stable, notes),
        runners_up=[row_json(r, k + 2, best.length) for k, r in enumerate(rows[1:][:RUNNERS_UP])],
    )
    return Selection(law, tuple(rows), predicted.curves)


def hidden_formulas(
    choice: Choice, rows: Sequence[Row], ends: Mapping[str, Interval]
) -> dict[str, HiddenFormula]:
    """Return each hidden term's formula with the interval and probability of every term."""
    best, chances = rows[0], term_probabilities(choice, rows)
    found = {}
    for name, expression in best.fit.hidden.items():
        spans = _term_intervals(name, expression, ends)
        parts = [
            LawTerm(part, coefficient, span, min(1.0, chances[name].get(skeleton(part), 0.0)))
            for (coefficient, part), span in zip(terms(expression), spans, strict=True)
        ]
        arguments = choice.problem.hidden_term(name).arguments
        found[name] = HiddenFormula(
            expression,
            arguments,
            best.law[name].origin,
            tuple(parts),
            _constants(name, expression, ends),
        )
    return found


def _term_intervals(
    name: str, expression: Expression, ends: Mapping[str, Interval]
) -> list[Interval]:
    """Return the interval of each term's coefficient, (value, value) where it is no constant."""
    names, spans = constant_names(name, expression), []
    for place, (coefficient, _) in zip(coefficients(expression), terms(expression), strict=True):
        if place is None:
            spans.append((coefficient, coefficient))
            continue
        low, high = sorted(place[1] * end for end in ends[names[place[0]]])
        spans.append((low, high))
    return spans


def _constants(
    name: str, expression: Expression, ends: Mapping[str, Interval]
) -> tuple[LawConstant, ...]:
    names, places = constant_names(name, expression), inside(expression)
    return tuple(
        LawConstant(value, ends[key], place)
        for key, value, place in zip(names, expression.constants, places, strict=True)
    )


def law_parameters(
    problem: Problem, fit: Refit, ends: Mapping[str, Interval], units: Mapping[str, str | None]
) -> dict[str, LawParameter]:
    """Return the parameters of the known physics, given and estimated, with their units.

    `units` are those that follow for parameters that declare none.
    """
    values = fit.values
    return {
        p.name: LawParameter(
            value=values[p.name] if p.value is None else p.value,
            ci95=ends[p.name] if p.estimated else None,
            unit=p.unit or units.get(p.name),
            estimated=p.estimated,
        )
        for p in problem.parameters
    }


def scores(choice: Choice, best: Row) -> dict[str, float | None]:
    """Return the law's scores; `evidence` is minus half its description length, in nats.

    Held-out scores are those of the same law fitted without the held-out data.
    """
    return {
        "fit_nrmse": best.fit_error,
        "holdout_nrmse": best.holdout_error if math.isfinite(best.holdout_error) else None,
        "evidence": -0.5 * best.length,
        "valid_time": choice.trial.valid_time(best.trained),
    }
