"""The fingerprint of a problem changes with everything that the problem holds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from distiller_truths import draw_samples

from residuum.distillers.settings import GeneticSettings, SindySettings
from residuum.io.checkpoints import fingerprint


def test_equal_problems_have_one_fingerprint():
    one, other = (draw_samples(lambda X: X[:, 0]) for _ in range(2))
    assert fingerprint(one, GeneticSettings(), 3) == fingerprint(other, GeneticSettings(), 3)
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


def test_every_change_shows():
    samples = draw_samples(lambda X: X[:, 0])
    values = samples.values.copy()
    values[-1] = np.nextafter(values[-1], np.inf)
    problems = [
        (samples, SindySettings(), 3),
        (replace(samples, values=values), SindySettings(), 3),
        (replace(samples, alive=(True, False)), SindySettings(), 3),
        (replace(samples, term="g"), SindySettings(), 3),
        (samples, SindySettings(degree=2), 3),
        (samples, GeneticSettings(), 3),
        (samples, GeneticSettings(costs={"exp": 2}), 3),
        (samples, SindySettings(), 4),
        (samples, SindySettings(), "4"),
    ]
    assert len({fingerprint(*problem) for problem in problems}) == len(problems)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (([1], 2), ([1, 2],)),
        ((np.zeros(2),), (np.zeros(2, dtype=np.float32),)),
        ((np.zeros((2, 3)),), (np.zeros((3, 2)),)),
        ((True,), (1,)),
        ((None,), ("null",)),
        ((Fraction(1, 2),), (0.5,)),
        (({},), ([],)),
    ],
)
def test_what_looks_alike_differs(one, other):
    assert fingerprint(*one) != fingerprint(*other)


def test_a_value_that_cannot_be_read_whole_is_refused():
    with pytest.raises(TypeError, match="found object"):
        fingerprint({"a": object()})
