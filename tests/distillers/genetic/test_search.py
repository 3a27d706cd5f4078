"""The whole search: laws that it must find, and the same answer however it is run."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
from checkpoint_memory import Memory
from genetic_scenes import consistent, table_with_units
from genetic_searches import SETTINGS, evolved, evolved_state, noisy_table, state

from residuum.distillers.genetic.codes import program_arrays
from residuum.distillers.genetic.search import search
from residuum.distillers.regression import Table
from residuum.distillers.settings import LOSSES
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.parallel import open_map

RNG = np.random.default_rng(7)
X = RNG.uniform(0.5, 2.5, (60, 2))


def of(law: str, X=X) -> np.ndarray:
    return np.broadcast_to(evaluate(parse(law), {"a": X[:, 0], "b": X[:, 1]}), len(X)).copy()


def found_for(table: Table, **changed):
    settings = replace(SETTINGS, **changed)
    return search(table, settings, seed=1)


def texts(found) -> list[tuple]:
    return [(str(row.expression), row.expression.constants, row.loss) for row in found.formulas]


@pytest.mark.slow
def test_the_same_formulas_for_any_number_of_workers(tmp_path):
    table = noisy_table()
    # In a process of its own: this one may have compiled parts of the engine for other tests.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        serial = alone.submit(search, table, SETTINGS, seed=5).result()
        islands = alone.submit(evolved_state).result()
    for workers in (2, 4):  # one worker is the serial map, run above
        with open_map(workers) as mapped:
            found = search(table, SETTINGS, seed=5, map=mapped)
            assert texts(found) == texts(serial)
            assert found.chosen == serial.chosen
            if workers == 2:
                marker = tmp_path / "killed"
                assert state(evolved(mapped, marker=str(marker))) == islands
                assert marker.exists()


def test_resumed_it_ends_the_same():
    whole = Memory()
    first = search(noisy_table(), SETTINGS, seed=5, checkpoint=whole)
    assert len(whole.states) > 1
    resumed = Memory()
    resumed.save(whole.states[0])
    assert texts(search(noisy_table(), SETTINGS, seed=5, checkpoint=resumed)) == texts(first)


@pytest.mark.parametrize(
    "law",
    [
        "a/(b + 1.7)",
        "2.5*a*b/(1 + 0.4*a)",
        "sin(1.9*a)*b",
        "3.0*exp(-0.8*a) + b",
        "sqrt(a**2 + b**2)",
        "a**2*b - 0.5*b",
        "log(a + 2.0*b)",
    ],
)
def test_exact_laws_are_found(law):
    found = found_for(Table.of(("a", "b"), X, of(law)), budget=12_000)
    best = found.formulas[found.chosen].expression
    other = RNG.uniform(0.6, 3.0, (50, 2))
    np.testing.assert_allclose(of(best.infix(), other), of(law, other), rtol=1e-7)
    assert best.complexity <= parse(law).complexity + 2


def test_noise_is_not_fitted():
    y = of("2.0*a**2 + 3.0*b")
    noisy = y + 0.1 * y.std() * RNG.normal(size=len(y))
    found = found_for(Table.of(("a", "b"), X, noisy))
    chosen = found.formulas[found.chosen].expression
    assert chosen.complexity <= 12
    assert np.std(of(chosen.infix()) - y) < 0.1 * y.std()


def test_weights_decide_which_rows_count():
    y = of("1.5*a*b")
    wrong = np.arange(60) % 3 == 0
    table = replace(
        Table.of(("a", "b"), X, np.where(wrong, y + 40 * X[:, 0], y)),
        precision=np.where(wrong, 1e-12, 1.0),
    )
    found = found_for(table, budget=3000)
    np.testing.assert_allclose(of(found.formulas[found.chosen].expression.infix()), y, rtol=1e-3)


def test_correlated_errors_do_not_mislead():
    """An error along one direction, however large, is none where the whitening says so."""
    y, direction = of("1.5*a*b"), np.exp(X[:, 0])
    direction = direction / np.linalg.norm(direction)
    # standard deviations as the errors have them: 500 along the direction, 0.01 across it
    errors = 0.01 * np.random.default_rng(3).normal(size=60)
    errors += (500.0 - direction @ errors) * direction
    whitening = 100.0 * np.eye(60) + (1 / 500.0 - 100.0) * np.outer(direction, direction)
    plain = Table.of(("a", "b"), X, y + errors)
    known = replace(plain, whitening=whitening, target=whitening @ plain.y)
    off = {}
    for name, table in (("known", known), ("plain", plain)):
        found = found_for(table, operators=("+", "-", "*", "/"))
        off[name] = of(found.formulas[found.chosen].expression.infix()) - y
    assert np.linalg.norm(off["known"]) < 1e-3 * np.linalg.norm(y)
    assert np.linalg.norm(off["plain"]) > np.linalg.norm(y)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(loss):
    found = found_for(Table.of(("a", "b"), X, of("2.0*a/b")), loss=loss, budget=2000)
    best = found.formulas[found.chosen].expression
    np.testing.assert_allclose(of(best.infix()), of("2.0*a/b"), rtol=1e-5)


@pytest.mark.parametrize("rows", [2, 3])
def test_hardly_any_row(rows):
    found = found_for(Table.of(("a", "b"), X[:rows], of("a*b")[:rows]), budget=500)
    assert found.formulas


def test_a_constant_value():
    found = found_for(Table.of(("a", "b"), X, np.full(60, 4.0)), budget=500)
    for row in found.formulas:
        assert np.isfinite(row.loss)
    np.testing.assert_allclose(of(found.formulas[found.chosen].expression.infix()), 4.0, rtol=1e-6)


def test_one_variable():
    y = of("cos(3.0*a)")
    found = found_for(Table.of(("a",), X[:, :1], y))
    np.testing.assert_allclose(of(found.formulas[found.chosen].expression.infix()), y, atol=1e-7)


def test_with_units_every_formula_of_the_answer_is_consistent():
    units, unit = ((1, -1), (0, 1)), (1, 0)
    table = table_with_units(("a", "b"), X, of("a*b*(1 + 0.3*sin(2.0*b))"), units, unit)
    found = found_for(table)
    for row in found.formulas:
        codes, args, _ = program_arrays(row.expression, ("a", "b"))
        assert consistent(codes.tolist(), args.tolist(), units, unit, 1), str(row.expression)


def test_a_hypothesis_is_kept_to():
    settings = {"hypotheses": ("a*g(b)",), "budget": 12_000}
    found = found_for(Table.of(("a", "b"), X, of("a/(1 + 0.5*b)")), **settings)
    best = found.formulas[found.chosen].expression
    np.testing.assert_allclose(of(best.infix()), of("a/(1 + 0.5*b)"), rtol=1e-5)
