"""Constants become round numbers where the data allow and the number is worth naming."""

from __future__ import annotations

import math

from residuum.distillers.refine.description import Noise
from residuum.distillers.refine.fitting import Fit, Task, fit
from residuum.distillers.refine.rounding import round_numbers
from residuum.expressions.simplification import simplify_rules

TRIES = 3
# Nats that all residuals together may become longer: three standard deviations of one constant.
MOST = 4.5


def snapped(start: Fit, task: Task, noise: Noise) -> Fit:
    """Return the fit with constants held at round numbers, the others refitted each time.

    A number is taken where it saves more nats than the residuals become longer. Numbers that the
    rules simplify away (factors of one, powers) become structure.
    """
    current, held = start, dict[int, float]()
    refused: set[tuple[int, float]] = set()
    while True:
        proposals = [p for p in _proposals(current, held, noise) if p[1:] not in refused]
        for saved, place, value in proposals[:TRIES]:
            trial = fit(current.expression, task, {**held, place: value})
            rise = noise.rise(start.loss, trial.loss)
            if noise.rise(current.loss, trial.loss) < saved and rise < MOST + 0.5 * len(held):
                held[place], current = value, trial
                break
            refused.add((place, value))
        else:
            if len(proposals) <= TRIES:
                return simplified(current, task, noise)


def _proposals(
    current: Fit, held: dict[int, float], noise: Noise
) -> list[tuple[float, int, float]]:
    """Return `(nats saved, place, number)`, most saved first."""
    sd = math.sqrt(noise.variance)
    rows = [
        (saved, place, number)
        for place, (value, spread) in enumerate(
            zip(current.expression.constants, current.spreads, strict=True)
        )
        if place not in held
        for number, saved in round_numbers(value, spread * sd)
    ]
    return sorted(rows, reverse=True)


def simplified(current: Fit, task: Task, noise: Noise) -> Fit:
    """Return the fit of the simplified formula, held numbers held."""
    simple = simplify_rules(current.expression)
    if simple == current.expression:
        return current
    pairs = zip(current.expression.constants, current.spreads, strict=True)
    numbers = {value for value, spread in pairs if spread == 0}
    held = {k: value for k, value in enumerate(simple.constants) if value in numbers}
    found = fit(simple, task, held)
    return found if noise.insignificant(current.loss, found.loss, 1) else current
