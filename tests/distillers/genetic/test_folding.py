"""Simplification keeps the function, up to the scale and offset that every formula has."""

from __future__ import annotations

import numpy as np
import pytest
from genetic_scenes import (
    copied,
    draft_of,
    expression_of,
    folded,
    language_of,
    no_units,
    parent_of,
    random_draft,
    values_at,
    values_of,
    words,
)

from residuum.distillers.genetic.dimensions import new_unit_scratch
from residuum.distillers.genetic.random import new_state
from residuum.distillers.genetic.trees import CONSTANT, DIV, new_draft
from residuum.distillers.genetic.variation import BACKSOLVE, MUTATIONS, Blocks, grow, vary
from residuum.expressions.parser import parse

POINTS = np.random.default_rng(5).uniform(0.3, 2.5, (3, 24))
MANY = 1500


def usable(draft, out) -> np.ndarray:
    """Return the points where both are finite and neither hangs on the last digits."""
    good = np.ones(POINTS.shape[1], bool)
    for formula in (draft, out):
        values = values_of(formula, POINTS)
        with np.errstate(all="ignore"):
            moved = [values_of(formula, POINTS * (1 + d)) for d in (1e-11, -1e-11)]
            steady = np.abs(np.array(moved) - values) <= 1e-7 * np.abs(values)
        good &= np.isfinite(values) & (np.abs(values) < 1e8) & steady.all(axis=0)
    return good


def misfit(a: np.ndarray, b: np.ndarray, *, offset: bool) -> float:
    """Return how far `a` is from `s*b + t` (or `s*b`), relative to its size."""
    columns = [b / max(np.abs(b).max(), 1e-300)] + [np.ones(len(b))] * offset
    design = np.column_stack(columns)
    residual = a - design @ np.linalg.lstsq(design, a, rcond=1e-13)[0]
    return float(np.abs(residual).max() / max(np.abs(a).max(), 1e-6))


def evolved(seed: int):
    """Return a formula that grew and was varied a few times."""
    state, language = new_state(seed), language_of()
    blocks = Blocks(
        np.zeros((0, 24), np.int16),
        np.zeros((0, 24), np.int16),
        np.zeros(0, np.int64),
        np.zeros((0, 4)),
        np.zeros(0, np.int64),
        np.zeros(0, np.int64),
        np.zeros(2, np.int64),
    )
    draft, father = new_draft(1), new_draft(1)
    grow(draft, language, 0, state)
    grow(father, language, 0, state)
    w, classes = new_unit_scratch(1), np.zeros((1, 1), np.int64)
    for step in range(5):
        kind = (seed + 3 * step) % BACKSOLVE
        child = new_draft(1)
        vary(
            child, kind, parent_of(draft), parent_of(father), language, blocks, classes,
            no_units(), w, state,
        )  # fmt: skip
        if child.size[0] > 60:
            break
        draft = child
    return draft


def test_every_variation_has_its_number():
    assert MUTATIONS[BACKSOLVE] == "backsolve"
    assert len(MUTATIONS) == BACKSOLVE + 1


@pytest.mark.parametrize("make", [random_draft, evolved])
def test_the_function_stays(make):
    looked = 0
    for seed in range(MANY):
        draft = make(seed)
        out, offset = folded(copied(draft))
        good = usable(draft, out)
        if good.sum() < 4:
            continue
        before, after = values_of(draft, POINTS)[good], values_of(out, POINTS)[good]
        told = (seed, str(expression_of(draft)), str(expression_of(out)))
        assert misfit(before, after, offset=offset) < 1e-5, told
        looked += 1
    assert looked > 0.5 * MANY


@pytest.mark.parametrize("make", [random_draft, evolved])
def test_nothing_grows(make):
    """A constant over a formula becomes a factor and a power: one instruction more."""
    for seed in range(MANY):
        draft = make(seed)
        out, _ = folded(copied(draft))
        divisions = words(draft)[0].count(DIV)
        told = (str(expression_of(draft)), str(expression_of(out)))
        assert out.size[0] <= draft.size[0] + divisions, told
        assert words(out)[0].count(CONSTANT) == out.size[1]


@pytest.mark.parametrize("make", [random_draft, evolved])
def test_a_normal_form_is_its_own(make):
    for seed in range(MANY):
        once, _ = folded(make(seed))
        twice, _ = folded(copied(once))
        if np.isfinite(once.constants).all():
            told = (seed, str(expression_of(once)), str(expression_of(twice)))
            assert words(once) == words(twice), told


@pytest.mark.parametrize(
    ("steps", "normal"),
    [
        (("x", 2.0, "*", 3.0, "*", "sin"), "sin(x*6.0)"),
        (("x", "sqrt", "x", "sqrt", "*"), "x"),
        (("x", "sqrt", "neg", ("^", 2)), "x"),
        (("x", "x", "/", "y", "+"), "y"),
        (("x", "x", "*", "x", "/", "exp"), "exp(x)"),
        (("x", "y", "+", 1.0, "+", "x", "y", "+", "-"), "1.0"),
        (("y", "x", "neg", 2.0, "+", "+", "exp"), "exp(y - x + 2.0)"),
        ((1.0, 2.0, "x", "/", "-", "exp"), "exp(1.0 - 1.0/x*2.0)"),
        ((2.0, "x", 3.0, "*", "/", "sin"), None),
        (("x", "log", "exp", 3.0, "*"), "x"),
    ],
)
def test_rules(steps, normal):
    draft = draft_of(*steps)
    out, _ = folded(copied(draft))
    if normal is not None and normal != "1.0":
        assert str(expression_of(out)) == normal or values_of(out, POINTS) == pytest.approx(
            values_at(parse(normal), POINTS)
        )
    else:
        assert misfit(values_of(draft, POINTS), values_of(out, POINTS), offset=True) < 1e-9


def test_constants_of_an_experiment_stay_with_it():
    draft = draft_of("x", 2.0, "*", 3.0, "+", "exp", experiments=2)
    draft.constants[1, :2] = 5.0, 7.0
    draft.local[:2] = True
    out, _ = folded(copied(draft))
    for e in (0, 1):
        before = values_at(expression_of(draft, e), POINTS)
        assert values_at(expression_of(out, e), POINTS) == pytest.approx(before)
    assert out.local[: out.size[1]].all()


def test_a_local_factor_is_no_scale():
    draft = draft_of("x", 2.0, "*", experiments=2)
    draft.local[0] = True
    assert folded(draft)[0].size[1] == 1
