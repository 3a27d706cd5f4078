"""Units: nothing inconsistent is ever evaluated, and constants that carry units are counted."""

from __future__ import annotations

import numpy as np
import pytest
from genetic_scenes import consistent, draft_of, table_with_units, words

from residuum.distillers.genetic.dimensions import (
    TWELFTHS,
    Units,
    infer,
    new_unit_scratch,
    wildcards_needed,
)
from residuum.distillers.genetic.evolve import epoch
from residuum.distillers.genetic.population import (
    Evolution,
    _closed,
    _opened,
    _starts,
    form_of,
    new_bench,
    whole_of,
)
from residuum.distillers.genetic.random import new_state
from residuum.distillers.genetic.scene import build_setting
from residuum.distillers.genetic.search import found_islands, search
from residuum.distillers.genetic.trees import VARIABLE
from residuum.distillers.settings import GeneticSettings
from residuum.errors import UserError

METRE, SECOND, SPEED, AREA, NONE = (1, 0), (0, 1), (1, -1), (2, 0), (0, 0)


def units_of(given, value, wildcards=3) -> Units:
    return Units(
        True, TWELFTHS * np.array(given, np.int64), TWELFTHS * np.array(value, np.int64), wildcards
    )


def needed(steps, given, value, wrap=1) -> int:
    draft = draft_of(*steps)
    w = new_unit_scratch(len(value))
    size = int(draft.size[0])
    return int(wildcards_needed(draft.codes, draft.args, size, units_of(given, value), wrap, w))


@pytest.mark.parametrize(
    ("steps", "value", "wrap", "count"),
    [
        (("x",), METRE, 1, 0),
        (("x",), SECOND, 1, 1),  # the scale is in s/m
        (("x",), METRE, 2, 1),  # the offset is in m
        (("x", "y", "/"), SPEED, 1, 0),
        (("x", "y", "+"), METRE, 1, -1),
        (("x", "y", 2.0, "*", "+"), METRE, 1, 1),
        (("x", "x", "*"), AREA, 1, 0),
        (("x", ("^", 2)), AREA, 1, 0),
        (("x", "sin"), NONE, 1, -1),
        (("x", 2.0, "*", "sin"), NONE, 1, 1),
        (("x", 2.0, "*", "sin"), METRE, 1, 2),
        (("x", "y", "*", 2.0, "*", "exp"), NONE, 1, 1),
        (("x", 1.0, "+"), METRE, 1, 1),
        (("x", ("literal", 1), "+"), METRE, 1, -1),
        (("x", "y", "max"), METRE, 1, -1),
        (("x", "sqrt"), NONE, 1, 1),
        (("x", 2.0, "**"), AREA, 1, -1),
        (("x", "sign"), NONE, 1, 0),
        (("x",), METRE, 0, 0),
        (("x",), SECOND, 0, -1),  # no scale
        (("x", 2.0, "*"), SECOND, 0, 1),
    ],
)
def test_constants_that_carry_units_are_counted(steps, value, wrap, count):
    assert needed(steps, (METRE, SECOND), value, wrap) == count
    codes, args = words(draft_of(*steps))
    assert consistent(codes, args, (METRE, SECOND), value, wrap) == (count >= 0)


def test_a_root_of_a_twelfth_is_refused():
    given = np.array([[1]], np.int64)
    units, w = Units(True, given, given[0], 3), new_unit_scratch(1)
    draft = draft_of("x", "sqrt")
    assert not infer(draft.codes, draft.args, 2, units, w)


def test_a_constant_in_two_places_has_one_unit():
    draft = draft_of("x", 2.0, "*", "sin", "y", 3.0, "*", "sin", "+")
    w, size = new_unit_scratch(2), int(draft.size[0])
    for other, wanted in ((METRE, 1), (SECOND, -1)):
        draft.args[draft.codes == 1] = 0
        units = units_of((METRE, other), NONE)
        assert wildcards_needed(draft.codes, draft.args, size, units, 1, w) == wanted


def random_assignment(seed: int):
    rng = np.random.default_rng(seed)
    p, d = int(rng.integers(2, 5)), int(rng.integers(1, 4))
    units = rng.integers(-2, 3, (p, d))
    value = units[0] + units[1] if seed % 2 else rng.integers(-1, 2, d)
    X = rng.uniform(0.5, 3.0, (30, p)) * 10.0 ** rng.integers(-4, 5, p)
    y = X[:, 0] * X[:, 1] * (1 + 0.1 * rng.normal(size=30))
    return table_with_units(tuple(f"v{k}" for k in range(p)), X, y, units, value), units, value


def rows_of(store, island, setting, form):
    """Yield every formula of a store that was ever written to: as words and how it is wrapped."""
    arrays = store._asdict()
    for row in np.flatnonzero(store.length > 0):
        yield (*whole_of(arrays, row, form), int(store.wrap[row]), int(store.carrying[row]))


@pytest.mark.parametrize("seed", range(6))
def test_no_inconsistent_formula_is_ever_evaluated(seed):
    table, units, value = random_assignment(seed)
    every = ("+", "-", "*", "/", "**", "sqrt", "exp", "log", "sin", "abs", "sign", "max", "neg")
    settings = GeneticSettings(operators=every, population=20, islands=2, complexity=20)
    places, islands = found_islands(table, settings, seed=seed)
    seen: set[tuple] = set()
    for setting, island in zip(places, islands, strict=True):
        form = form_of(island)
        for step in range(25):  # of one generation each: every child is still in the store
            store, memory = _opened(island)
            bench = new_bench(setting)
            done, size = epoch(
                store, memory, setting.scene, bench.tools, setting.data, setting.sample,
                bench.work, _starts(()), island.size, 20, 0.0, new_state(1000 * seed + step),
            )  # fmt: skip
            for codes, args, wrap, carrying in rows_of(store, island, setting, form):
                assert carrying <= setting.scene.units.wildcards
                if (formula := (tuple(codes), tuple(args), wrap)) not in seen:
                    assert consistent(*formula[:2], units, value, wrap), formula
                    seen.add(formula)
            island = _closed(island, store, memory, int(size), island.evaluations + int(done))
    assert len(seen) > 300


@pytest.mark.parametrize("hypothesis", ["v0*g(v1)", "v0*g(v1) + v1*g(v0)", "v0**2*g(v1)"])
def test_hypotheses_are_consistent_too(hypothesis):
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 2, (30, 2))
    table = table_with_units(("v0", "v1"), X, X[:, 0] * X[:, 1], ((1,), (1,)), (2,))
    settings = GeneticSettings(hypotheses=(hypothesis,), population=20, islands=2, budget=1)
    setting = build_setting(table, settings, island=0, seed=0)
    _, islands = found_islands(table, settings, seed=0)
    given = setting.scene.units.given / TWELFTHS
    evolved = Evolution((setting,), 0.0)(islands[0], evaluations=400, seed=1)
    form, looked = form_of(evolved), 0
    for row in np.flatnonzero(np.isfinite(evolved.arrays["loss"])):
        codes, args = whole_of(evolved.arrays, row, form)
        assert consistent(codes, args, given, (2,), int(evolved.arrays["wrap"][row]))
        assert evolved.arrays["wrap"][row] == 0
        looked += VARIABLE in codes
    assert looked
    if "**" in hypothesis:
        assert 2.0 in given[2:].ravel()  # the column v0**2 is an area


def test_units_that_admit_no_formula():
    X = np.random.default_rng(0).uniform(1, 2, (20, 1))
    table = table_with_units(("x",), X, X[:, 0] ** 2 + 1, ((1, 0),), (0, 1))
    settings = GeneticSettings(wildcards=0, population=20, budget=200, epoch=100)
    with pytest.raises(UserError, match="units"):
        search(table, settings, seed=0)
