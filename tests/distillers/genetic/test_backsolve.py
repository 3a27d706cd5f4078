"""What a subtree would have to be, for its formula to be right."""

from __future__ import annotations

import numpy as np
import pytest
from genetic_scenes import draft_of, random_draft, values_of, words

from residuum.distillers.genetic.backsolve import wanted_values
from residuum.distillers.genetic.trees import MAX_NODES, start_of

POINTS = np.random.default_rng(5).uniform(0.5, 1.5, (3, 40))
OPERATORS = ("+", "-", "*", "/", "neg", "sqrt", "exp", "log", "sin", "cos", "tanh")


def wanted(draft, node, target):
    table, slope = np.zeros((MAX_NODES, POINTS.shape[1])), np.ones(POINTS.shape[1])
    inner = target.copy()
    good = wanted_values(
        draft.codes, draft.args, draft.constants, int(draft.size[0]), node, POINTS, table, inner,
        slope,
    )  # fmt: skip
    return bool(good), inner, slope


def with_column(draft, node):
    """Return the formula with `z` in the place of a subtree."""
    first = start_of(draft.codes, node)
    steps = list(zip(*words(draft), strict=True))
    changed = draft_of("z")
    steps[first : node + 1] = [(0, 2)]
    for i, (code, arg) in enumerate(steps):
        changed.codes[i], changed.args[i] = code, arg
    changed.size[:] = len(steps), draft.size[1]
    changed.constants[:] = draft.constants
    return changed


def test_wanted_values_give_the_target():
    checked = 0
    for seed in range(2500):
        draft = random_draft(seed, operators=OPERATORS)
        n = int(draft.size[0])
        if n < 2:
            continue
        node = seed % (n - 1)
        value = values_of(draft, POINTS)
        if not np.isfinite(value).all():
            continue
        target = value * (1 + 0.01 * np.sin(np.arange(len(value))))
        good, inner, slope = wanted(draft, node, target)
        if not good:
            continue
        changed = with_column(draft, node)
        points = np.vstack([POINTS[:2], inner])
        use = slope > 1e-6
        with np.errstate(all="ignore"):
            back = values_of(changed, points)
            step = np.vstack([POINTS[:2], inner * (1 + 1e-9)])
            steady = np.abs(values_of(changed, step) - back) < 1e-5 * np.abs(back)
        use &= np.isfinite(back) & steady & (np.abs(inner) < 1e8)
        # a target beyond the range of a sine or a root has no wanted value, and no weight
        np.testing.assert_allclose(back[use], target[use], rtol=1e-4, atol=1e-9)
        checked += use.sum() > 10
    assert checked > 300


@pytest.mark.parametrize(
    ("steps", "node", "inverse"),
    [
        (("x", "exp"), 0, np.log),
        (("x", "y", "/"), 0, lambda t: t * POINTS[1]),
        (("y", "x", "/"), 1, lambda t: POINTS[1] / t),
        (("x", "y", "-"), 1, lambda t: POINTS[0] - t),
        (("x", ("^", -1)), 0, lambda t: 1 / t),
        (("x", ("^", 3), "sqrt"), 0, lambda t: t ** (2 / 3)),
    ],
)
def test_by_hand(steps, node, inverse):
    target = np.linspace(0.5, 2.0, POINTS.shape[1])
    good, inner, _ = wanted(draft_of(*steps), node, target)
    assert good
    np.testing.assert_allclose(inner, inverse(target))


def test_slopes_are_derivatives():
    draft = draft_of("x", "sin", "y", "*", "exp", "x", "/", ("^", 2))
    value = values_of(draft, POINTS)
    _, inner, slope = wanted(draft, 0, value)
    np.testing.assert_allclose(inner, POINTS[0])
    changed = with_column(draft, 0)
    high, low = (values_of(changed, np.vstack([POINTS[:2], POINTS[0] + h])) for h in (1e-6, -1e-6))
    np.testing.assert_allclose(slope, np.abs(high - low) / 2e-6, rtol=1e-5)


def test_a_target_out_of_range_has_no_weight():
    good, inner, slope = wanted(draft_of("x", "exp"), 0, -np.ones(POINTS.shape[1]))
    assert not good
    assert not slope.any()
    assert not inner.any()
