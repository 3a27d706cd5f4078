"""The shortest description is chosen; among ties the one that predicts what was left out."""

from __future__ import annotations

import math

import pytest

from residuum.distillers.refine.description import TIE, choose
from residuum.distillers.refine.formulas import Refined
from residuum.expressions.parser import parse

ROWS = 40


def rows(gain: float, errors: tuple[float, float]) -> list[Refined]:
    """A constant, and two formulas of which the second fits better by `gain` nats."""
    short, long = 0.01, 0.01 * math.exp(-2 * gain / ROWS)
    return [
        Refined(parse("1.5"), 1.0, ((1.4, 1.6),), left_out=1.1),
        Refined(parse("2.3*x"), short, ((2.2, 2.4),), left_out=errors[0]),
        Refined(parse("2.3*x + 0.7*y"), long, ((2.2, 2.4), (0.6, 0.8)), left_out=errors[1]),
    ]


def balanced() -> float:
    """The gain at which both descriptions are as long."""
    low, high = 0.0, 60.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        chosen = choose(rows(middle, (math.nan, math.nan)), ROWS).index
        low, high = (middle, high) if chosen == 1 else (low, middle)
    return high


@pytest.mark.parametrize(
    ("gain", "errors", "place"),
    [
        (-0.5 * TIE, (0.02, 0.012), 2),
        (-0.5 * TIE, (0.02, 0.019), 1),  # no better to speak of
        (-0.5 * TIE, (0.012, 0.02), 1),
        (-0.5 * TIE, (math.nan, 0.012), 1),
        (-0.5 * TIE, (0.02, math.nan), 1),
        (-0.5 * TIE, (0.02, math.inf), 1),
        (-1.5 * TIE, (0.02, 0.012), 1),  # evidence
        (0.5 * TIE, (0.012, 0.02), 1),
        (1.5 * TIE, (0.012, 0.02), 2),
    ],
)
def test_left_out_values_decide_among_ties(gain, errors, place):
    assert choose(rows(balanced() + gain, errors), ROWS).index == place


def test_the_reason_is_told():
    chosen = choose(rows(balanced() - 1.0, (0.02, 0.012)), ROWS)
    assert chosen.reasons == (
        "Its description is 1.0 nats longer than the shortest, which is no evidence; it predicts "
        "values left out of the fit better.",
    )


def test_of_exact_formulas_the_shortest_whatever_rounding_says():
    exact = [
        Refined(parse("1.5"), 1.0, ((1.4, 1.6),), left_out=1.1),
        Refined(parse("2.3*x"), 1e-30, ((2.3, 2.3),), left_out=1e-30),
        Refined(parse("2.3*x**1.0"), 1e-31, ((2.3, 2.3), (1.0, 1.0)), left_out=1e-32),
    ]
    assert choose(exact, ROWS).index == 1
