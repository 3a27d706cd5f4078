"""Islands of the real engine: what they send, take and keep."""

from __future__ import annotations

import numpy as np
import pytest
from genetic_scenes import table_with_units

from residuum.distillers.genetic.evolve import Store
from residuum.distillers.genetic.migration import migrate
from residuum.distillers.genetic.population import Evolution, GeneticIsland, form_of, formula
from residuum.distillers.genetic.search import found_islands, in_user_units
from residuum.distillers.regression import Table
from residuum.distillers.settings import GeneticSettings
from residuum.expressions.evaluation import evaluate

X = np.random.default_rng(0).uniform(0.5, 2.0, (40, 2))
Y = np.sin(2 * X[:, 0]) / (1 + X[:, 1]) + 0.05 * np.random.default_rng(1).normal(size=40)
SMALL = GeneticSettings(population=40, islands=3, complexity=20)


@pytest.fixture(scope="module")
def evolved():
    places, islands = found_islands(Table.of(("a", "b"), X, Y), SMALL, seed=0)
    evolve = Evolution(places, 0.0)
    return places, [evolve(i, evaluations=600, seed=k) for k, i in enumerate(islands)]


def test_a_row_decodes_to_its_loss(evolved):
    _places, islands = evolved
    for island in islands:
        form, checked = form_of(island), 0
        for row in np.flatnonzero(np.isfinite(island.arrays["loss"])):
            f = evaluate(formula(island.arrays, row, form), {"a": X[:, 0], "b": X[:, 1]})
            loss = float(np.mean((f - Y) ** 2))
            assert loss == pytest.approx(island.arrays["loss"][row], rel=1e-6)
            checked += 1
        assert checked > 40


def test_a_row_decodes_in_the_users_numbers():
    big = X * [1e7, 1e-5]
    places, islands = found_islands(Table.of(("a", "b"), big, 1e4 * Y), SMALL, seed=0)
    island = Evolution(places, 0.0)(islands[0], evaluations=200, seed=0)
    assert not np.allclose(places[0].scales, 1.0)
    for row in np.flatnonzero(np.isfinite(island.arrays["loss"]))[:60]:
        found = in_user_units(island, row, places[0])
        f = evaluate(found, {"a": big[:, 0], "b": big[:, 1]})
        loss = float(np.mean((f - 1e4 * Y) ** 2)) / places[0].size ** 2
        assert loss == pytest.approx(island.arrays["loss"][row], rel=1e-5)


def test_arrays_hold_everything(evolved):
    places, islands = evolved
    arrays = islands[0].to_arrays()
    assert all(array.dtype != object for array in arrays.values())
    again = GeneticIsland.from_arrays(arrays)
    evolve = Evolution(places, 0.0)
    one = evolve(islands[0], evaluations=150, seed=9).to_arrays()
    other = evolve(again, evaluations=150, seed=9).to_arrays()
    assert one.keys() == other.keys() == arrays.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])
    assert islands[0].to_arrays()["counts"].tolist() == arrays["counts"].tolist()


def test_an_epoch_does_what_it_was_asked_and_changes_nothing_in_place(evolved):
    places, islands = evolved
    before = {name: array.copy() for name, array in islands[1].arrays.items()}
    after = Evolution(places, 0.0)(islands[1], evaluations=137, seed=4)
    assert after.evaluations == islands[1].evaluations + 137
    for name, array in before.items():
        np.testing.assert_array_equal(array, islands[1].arrays[name])
    assert after.arrays["loss"].min() <= islands[1].arrays["loss"].min()


def test_emigrants_are_of_the_first_front(evolved):
    island = evolved[1][0]
    for count in (1, 3, 500):
        sent = island.emigrants(count)
        assert 1 <= len(sent["loss"]) <= count
        assert (np.diff(sent["complexity"]) > 0).all()
        assert (np.diff(sent["loss"]) < 0).all()
        assert set(sent) == {*Store._fields, "form"}


def test_newcomers_take_the_place_of_the_worst(evolved):
    island, other = evolved[1][:2]
    sent = other.emigrants(5)
    assert island.accepts(sent).all()
    after = island.receive(sent)
    assert after.size == island.size
    population = island.arrays["wildcards"][1]
    assert set(sent["loss"]) <= set(after.arrays["loss"][:population])
    gone = ~np.isin(np.arange(island.size), np.flatnonzero(
        after.arrays["loss"][: island.size] == island.arrays["loss"][: island.size]
    ))  # fmt: skip
    ranks = island.arrays["rank"][: island.size]
    assert ranks[gone].min() >= np.sort(ranks)[-5:].min()
    assert after.arrays["loss"].min() <= island.arrays["loss"].min()


def test_a_small_population_fills_up_first(evolved):
    island = evolved[1][0]
    few = GeneticIsland(island.arrays, 3, island.evaluations, island.number)
    after = few.receive(evolved[1][1].emigrants(4))
    assert after.size > 3
    for name in Store._fields:
        np.testing.assert_array_equal(after.arrays[name][:3], few.arrays[name][:3])


def test_migration_keeps_sizes(evolved):
    after = migrate(evolved[1], seed=0, epoch=0, emigrants=5)
    assert [i.size for i in after] == [i.size for i in evolved[1]]
    best = min(i.arrays["loss"].min() for i in evolved[1])
    assert min(i.arrays["loss"].min() for i in after) == best


def test_strict_islands_refuse_constants_with_units():
    table = table_with_units(("a", "b"), X, Y, ((1, 0), (0, 1)), (1, 0))
    settings = GeneticSettings(population=40, islands=2, wildcards=3, complexity=20)
    places, islands = found_islands(table, settings, seed=0)
    loose, strict = (Evolution(places, 0.0)(island, evaluations=300, seed=0) for island in islands)
    sent = loose.emigrants(30)
    np.testing.assert_array_equal(strict.accepts(sent), sent["carrying"] <= 1)
    settled = migrate([loose, strict], seed=0, epoch=0, emigrants=30)[1]
    rows = settled.arrays["carrying"][np.isfinite(settled.arrays["loss"])]
    assert rows.max() <= 1


def test_an_island_without_formulas_sends_none(evolved):
    island = evolved[1][0]
    arrays = {**island.arrays, "loss": np.full_like(island.arrays["loss"], np.inf)}
    empty = GeneticIsland(arrays, 0, 0, 0)
    assert len(empty.emigrants(5)["loss"]) == 0
    assert list(empty.best()) == []
    settled = migrate([empty, evolved[1][1]], seed=0, epoch=0, emigrants=5)
    assert settled[0].size == len(evolved[1][1].emigrants(5)["loss"])
