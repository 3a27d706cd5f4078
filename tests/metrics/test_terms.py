"""Terms of expanded sums: how many are right, and how well their coefficients."""

from __future__ import annotations

import math

import pytest

from residuum.expressions.parser import parse
from residuum.metrics.terms import expanded, term_scores


@pytest.mark.parametrize(
    ("found", "truth", "precision", "recall", "error"),
    [
        ("2*x - 3*y", "2*x - 3*y", 1.0, 1.0, 0.0),
        ("2.2*x - 3*y", "2*x - 3*y", 1.0, 1.0, 0.1),
        ("2*x", "2*x - 3*y", 1.0, 0.5, 0.0),
        ("2*x - 3*y + x*y + 1", "2*x - 3*y", 0.5, 1.0, 0.0),
        ("x*(3 - x - 2*y)", "3*x - 2*x*y - x**2", 1.0, 1.0, 0.0),
        ("(x + y)**2", "x**2 + 2*x*y + y**2", 1.0, 1.0, 0.0),
        ("x - 1.9997*x*y/(2.0005 + x**2)", "x - x*y/(1 + 0.5*x**2)", 1.0, 1.0, 1.5e-4),
        ("0", "x", 0.0, 0.0, math.inf),
        ("sin(x)", "x", 0.0, 0.0, math.inf),
        ("0", "x - x", 1.0, 1.0, 0.0),
    ],
)
def test_scores(found, truth, precision, recall, error):
    scores = term_scores(parse(found), parse(truth))
    assert scores.precision == precision
    assert scores.recall == recall
    assert scores.coefficient_error == pytest.approx(error, abs=1e-12)
    both = precision + recall
    assert scores.f1 == pytest.approx(2 * precision * recall / both if both else 0.0)


def test_equal_terms_meet():
    assert expanded(parse("x*y + 2*y*x - 1")) == {("*", "x", "y"): 3.0, ("#",): -1.0}
