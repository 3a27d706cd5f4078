"""From the shortlist to the law: intervals, forecast, verdict, everything that is told of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from residuum.data.observations import Experiment, Observations
from residuum.distillers.front import Front
from residuum.expressions.calculus import terms
from residuum.expressions.expression import Expression
from residuum.hidden.samples import Extraction
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
from residuum.laws.forecast import agreement, completed, roll_out, roll_out_torch, valid_time
from residuum.laws.intervals import profile_interval
from residuum.laws.law import (
    HiddenFormula,
    Interval,
    Law,
    LawConstant,
    LawParameter,
    LawTerm,
    law_equations,
)
from residuum.laws.refit import EXACT, Refit
from residuum.laws.scores import held_out_path, measured_spread
from residuum.laws.settings import SelectSettings
from residuum.laws.shape import coefficients, inside, skeleton
from residuum.laws.system import build_system, constant_names
from residuum.laws.verdict import (
    HORIZON,
    extensions,
    free_of_poles,
    identifiable,
    make_verdict,
    missing_test,
    stable,
    term_probabilities,
    warnings_of,
)
from residuum.problem.dimensions import inferred_units
from residuum.problem.problem import Problem

CURVE_POINTS = 400
RUNNERS_UP = 10


def select(
    problem: Problem,
    observations: Observations,
    extraction: Extraction,
    fronts: Sequence[Mapping[str, Front]],
    settings: SelectSettings,
    *,
    dataset: str = "",
    map: Map = map,
) -> Selection:
    """Refit candidates through the dynamics, choose one law, and say how sure it is.

    `fronts` holds, for each surrogate and distiller, the front of every hidden term; `map` may
    spread refits over workers. The result does not depend on how many there are.
    """
    choice = prepare_choice(problem, observations, extraction, settings, map=map)
    rows = shortlist(choice, screen(choice, fronts))
    best = rows[0]
    wider = extensions(best, libraries(fronts, list(best.law)))
    test = missing_test(best, choice.refit(wider, choice.full, EXACT), extraction.samples)
    identified = identifiable(choice, rows)
    curves, disagreement, is_stable = predict(choice, best)
    is_stable = is_stable and all(
        free_of_poles(e, extraction.samples[name]) for name, e in best.fit.hidden.items()
    )
    notes = warnings_of(rows, identified, test, is_stable, disagreement)
    ends = intervals(choice, best)
    law = Law(
        dataset=dataset,
        equations=law_equations(problem, best.fit.hidden),
        hidden=hidden_formulas(choice, rows, ends),
        parameters=law_parameters(problem, best.fit, ends, observations.units),
        scores=scores(choice, best),
        verdict=make_verdict(identified, test, is_stable, notes),
        runners_up=[row_json(r, k + 2, best.length) for k, r in enumerate(rows[1:][:RUNNERS_UP])],
    )
    return Selection(law, tuple(rows), curves)


def intervals(choice: Choice, best: Row) -> dict[str, Interval]:
    """Return the profile-likelihood interval of every unknown of the chosen law."""
    data = choice.full
    logarithmic = frozenset(np.array(choice.problem.components)[data.logarithmic].tolist())
    system = build_system(
        choice.problem, best.fit.hidden, parameters=best.fit.values, logarithmic=logarithmic
    )
    confidence = choice.settings.confidence
    return {
        name: profile_interval(system, data, best.fit, name, confidence=confidence)
        for name in system.unknowns
    }


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
    problem: Problem, fit: Refit, ends: Mapping[str, Interval], units: Mapping[str, str]
) -> dict[str, LawParameter]:
    """Return the parameters of the known physics, given and estimated, units as they follow."""
    values, inferred = fit.values, inferred_units(problem, units)
    return {
        p.name: LawParameter(
            value=values[p.name] if p.value is None else p.value,
            ci95=ends[p.name] if p.estimated else None,
            unit=p.unit or inferred[p.name],
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
        "valid_time": _valid_time(choice, best),
    }


def _valid_time(choice: Choice, best: Row) -> float | None:
    """Return the shortest time for which a held-out forecast stays valid, None if all do."""
    names, times = choice.problem.components, []
    spread = measured_spread(choice.observations, names)
    for e in choice.observations.experiments:
        if best.trained is None or not e.held_out.any():
            continue
        data = choice.full.experiment(e.name)
        path = held_out_path(choice.problem, data, choice.training, best.trained)[e.held_out]
        part = e.held_out_part()
        blank = np.full(len(part), np.nan)
        measured = np.stack([part.states.get(n, blank) for n in names], axis=1)
        times.append(valid_time(part.t, path, measured, spread))
    return min((t for t in times if t is not None), default=None)


def predict(choice: Choice, best: Row) -> tuple[dict[str, Any], float, bool]:
    """Return the law's curves by experiment, how far two integrators differ, and its stability.

    A `fit` curve is the law over the samples it may see, a `forecast` curve the same law, fitted
    without the held-out samples, over those.
    """
    problem, fit = choice.problem, best.fit
    sides = completed(problem, fit.hidden, {p: fit.values[p] for p in problem.estimated})
    curves: dict[str, Any] = {}
    worst, is_stable = 0.0, True
    for k, experiment in enumerate(choice.observations.experiments):
        first, stop = choice.full.starts[k], choice.full.starts[k + 1]
        t = _dense(experiment.t)
        path = roll_out(problem, sides, experiment, fit.path[first], t)
        if k == 0 and np.isfinite(path).all():
            other = roll_out_torch(problem, sides, experiment, fit.path[first], t)
            worst = agreement(path, other)
        seen = experiment.t[~experiment.held_out]
        curves[experiment.name] = forecast_curve(choice, best, experiment)
        if len(seen):
            curves[experiment.name]["fit"] = _curve(problem, t[t <= seen[-1]], path)
        span = np.linspace(t[0], t[0] + HORIZON * (t[-1] - t[0]), CURVE_POINTS)
        far = path
        if not problem.inputs:
            far = roll_out(problem, sides, experiment, fit.path[first], span)
        is_stable = is_stable and stable(far, fit.path[first:stop])
    return curves, worst, is_stable


def forecast_curve(choice: Choice, best: Row, experiment: Experiment) -> dict[str, Any]:
    """Return `{"forecast": curve}` of the held-out samples, empty when there is none.

    A forecast in time starts on the last fitted sample; a held-out experiment is shown at its
    sample times.
    """
    problem, trained = choice.problem, best.trained
    if trained is None or not experiment.held_out.any():
        return {}
    names = choice.training.names
    if experiment.name not in names:
        data = choice.full.experiment(experiment.name)
        path = held_out_path(problem, data, choice.training, trained)
        return {"forecast": _curve(problem, experiment.t, path)}
    last = choice.training.starts[names.index(experiment.name) + 1] - 1
    t = _dense(experiment.t[experiment.t >= choice.training.t[last]])
    sides = completed(problem, trained.hidden, {p: trained.values[p] for p in problem.estimated})
    path = roll_out(problem, sides, experiment, trained.path[last], t)
    return {"forecast": _curve(problem, t, path)}


def _dense(t: np.ndarray) -> np.ndarray:
    return np.unique(np.concatenate([np.linspace(t[0], t[-1], CURVE_POINTS), t]))


def _curve(problem: Problem, t: np.ndarray, path: np.ndarray) -> dict[str, Any]:
    path = path[: len(t)]
    finite = np.isfinite(path).all(axis=1)
    return {
        "t": t[finite].tolist(),
        "components": {c: path[finite, i].tolist() for i, c in enumerate(problem.components)},
    }
