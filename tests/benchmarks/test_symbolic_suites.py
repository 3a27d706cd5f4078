"""The suites hold the problems they are known by, and their values are those of the truth."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from benchmarks.symbolic.problem import BASES, Absent, rms, values
from benchmarks.symbolic.suites import SUITES, problem_of

from residuum.expressions.expression import is_variable
from residuum.metrics.judgement import judge

COUNTS = {"strogatz": 14, "odebench": 117, "fastsrb": 120, "empirical": 9}


@lru_cache
def suite(name):
    try:
        return tuple(SUITES[name](0))
    except Absent as problem:
        pytest.skip(str(problem))


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_counts(name, count):
    assert len(suite(name)) == count
    assert len({problem.name for problem in suite(name)}) == count


@pytest.mark.parametrize("name", ["strogatz", "odebench", "fastsrb"])
def test_the_truth_gives_the_values(name):
    for problem in suite(name):
        assert np.isfinite(problem.X).all(), problem.name
        np.testing.assert_array_equal(
            values(problem.truth, problem.variables, problem.X), problem.y, err_msg=problem.name
        )


@pytest.mark.parametrize("name", COUNTS)
def test_enough_clean_rows_to_judge(name):
    for problem in suite(name):
        table = problem.test
        assert len(table.y) >= 100, problem.name
        assert np.isfinite(table.y).all()
        assert np.ptp(table.y) > 0, problem.name
        used = values(problem.truth, problem.variables, table.X)
        np.testing.assert_array_equal(used, table.y)


@pytest.mark.parametrize("name", COUNTS)
def test_the_truth_is_recovered_by_itself(name):
    for problem in suite(name):
        found = judge(problem.truth, problem.truth, problem.test, rng=np.random.default_rng(0))
        assert found.structural, problem.name
        assert found.numeric
        assert found.distance == 0.0


@pytest.mark.parametrize("name", COUNTS)
def test_operators_suffice(name):
    for problem in suite(name):
        needed = {token for token in problem.truth.tokens if token in ALL}
        assert needed <= {*problem.operators}, problem.name


ALL = {"+", "-", "*", "/", "**", "neg", "sqrt", "exp", "log", "sin", "cos", "tan", "tanh", "abs"}


def number_units(value):
    """Pure numbers are dimensionless; constants of nature, None, carry what is needed."""
    return np.zeros(len(BASES)) if 0.1 < abs(value) < 7 else None


def units_of(problem):
    """Return the units of the truth; None where a constant of nature leaves them open."""
    known = dict(zip(problem.variables, np.array(problem.units, float), strict=True))

    def leaf(token, constant):
        if is_variable(token):
            return known[token], None
        value = float(token) if constant is None else constant
        return number_units(value), value

    def node(symbol, *operands):
        units = [unit for unit, _ in operands]
        if symbol in ("+", "-"):
            given = [unit for unit in units if unit is not None]
            if len(given) == 2:
                np.testing.assert_allclose(*given, err_msg=problem.name)
            return (given[0] if given else None), None
        if symbol in ("*", "/", "**", "sqrt", "neg"):
            return (
                None
                if None in [u if u is None else 0 for u in units]
                else product(symbol, units, operands[-1][1])
            ), operands[0][1] if symbol == "neg" else None
        if units[0] is not None:
            np.testing.assert_allclose(units[0], 0.0, err_msg=problem.name)
        return np.zeros(len(BASES)), None

    return problem.truth.fold(leaf, node)[0]


def product(symbol, units, exponent):
    if symbol in ("*", "/"):
        return units[0] + (1 if symbol == "*" else -1) * units[1]
    if symbol == "**":
        return units[0] * (1.0 if exponent is None else exponent)
    return units[0] / 2 if symbol == "sqrt" else units[0]


@pytest.mark.parametrize("name", ["fastsrb", "empirical"])
def test_units_are_consistent(name):
    for problem in suite(name):
        if problem.units is not None:
            found = units_of(problem)
            if found is not None:
                np.testing.assert_allclose(found, problem.unit, err_msg=problem.name)


def test_noise_is_a_share_of_the_rms_and_seeded():
    clean = problem_of("strogatz", "lv-x", seed=0, noise=0.0, units=True)
    noisy = problem_of("strogatz", "lv-x", seed=0, noise=0.1, units=True)
    again = problem_of("strogatz", "lv-x", seed=0, noise=0.1, units=True)
    other = problem_of("strogatz", "lv-x", seed=1, noise=0.1, units=True)
    np.testing.assert_array_equal(noisy.y, again.y)
    assert not np.array_equal(noisy.y, other.y)
    assert rms(noisy.y - clean.y) == pytest.approx(0.1 * rms(clean.y), rel=0.15)
    np.testing.assert_array_equal(noisy.test.y, clean.test.y)


def test_without_units_none_are_told():
    suite("fastsrb")
    problem = problem_of("fastsrb", "I.12.1", seed=0, noise=0.0, units=False)
    assert problem.units is None
    assert problem.unit is None


def test_data_that_are_not_there_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("RESIDUUM_BENCHMARK_DATA", str(tmp_path))
    with pytest.raises(Absent, match=r"odebench\.json is not there"):
        SUITES["odebench"](0)
