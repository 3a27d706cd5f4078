"""Hashes that tell structures apart, subtrees, and room that is never exceeded."""

from __future__ import annotations

import numpy as np
import pytest
from genetic_scenes import draft_of, expression_of, random_draft, words

from residuum.distillers.genetic.trees import (
    ARITY,
    DRAFT_CONSTANTS,
    DRAFT_NODES,
    MUL,
    complexity_of,
    copy_run,
    emit,
    emit_constant,
    new_draft,
    renumber,
    start_of,
    structural_hash,
)


def hash_of(draft) -> int:
    stack = np.zeros(DRAFT_NODES, np.uint64)
    return int(structural_hash(draft.codes, draft.args, int(draft.size[0]), stack))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("x", "y", "+"), ("y", "x", "+")),
        (("x", "y", "*", "sin", "x", "+"), ("x", "y", "x", "*", "sin", "+")),
        (("x", 2.0, "*"), ("x", 3.0, "*")),
        (("x", 2.0, "*"), (7.0, "x", "*")),
        (("x", "y", "min"), ("y", "x", "min")),
    ],
)
def test_order_and_values_are_forgotten(one, other):
    assert hash_of(draft_of(*one)) == hash_of(draft_of(*other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("x", "y", "-"), ("y", "x", "-")),
        (("x", "y", "/"), ("y", "x", "/")),
        (("x", "y", "+"), ("x", "y", "*")),
        (("x", ("^", 2)), ("x", ("^", -2))),
        (("x", "sin"), ("x", "cos")),
        (("x", "y", "+", "z", "*"), ("x", "y", "z", "*", "+")),
        (("x", 1.0, "+"), ("x", ("literal", 1), "+")),
    ],
)
def test_structures_differ(one, other):
    assert hash_of(draft_of(*one)) != hash_of(draft_of(*other))


def test_subtrees_are_runs():
    for seed in range(300):
        draft = random_draft(seed)
        codes, _ = words(draft)
        for last in range(len(codes)):
            first = start_of(draft.codes, last)
            assert sum(ARITY[c] - 1 for c in codes[first : last + 1]) == -1
        assert start_of(draft.codes, len(codes) - 1) == 0


def test_complexity_is_a_sum():
    draft = draft_of("x", 2.0, "*", "sin")
    cost = np.arange(64)
    assert complexity_of(draft.codes, 4, cost) == cost[words(draft)[0]].sum()


def test_constants_are_numbered_as_they_appear():
    draft = draft_of(1.0, 2.0, 3.0)
    draft.args[:3] = 2, 0, 1
    draft.local[2] = True
    renumber(draft)
    assert draft.args[:3].tolist() == [0, 1, 2]
    assert draft.constants[0, :3].tolist() == [3.0, 1.0, 2.0]
    assert draft.local[:3].tolist() == [True, False, False]


def test_a_copied_run_brings_its_constants():
    source, target = draft_of("x", 2.0, "*", "y", 3.0, "*", "+"), new_draft(1)
    copy_run(target, source.codes, source.args, source.constants, source.local, 3, 6)
    assert str(expression_of(target)) == "y*3.0"
    assert target.size.tolist() == [3, 1]


def test_a_full_draft_stays_full():
    draft = new_draft(1)
    for _ in range(DRAFT_NODES + 50):
        emit_constant(draft, 1.0)
        emit(draft, MUL, 0)
    assert draft.size.tolist() == [DRAFT_NODES, DRAFT_CONSTANTS]
