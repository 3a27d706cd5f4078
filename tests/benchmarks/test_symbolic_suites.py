"""The suites hold the problems they are known by, and their values are those of the truth."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from benchmarks.symbolic.problem import BASES, Absent, rms, values
from benchmarks.symbolic.suites import SUITES, problem_of

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


def test_units_are_consistent_where_no_number_hides_one():
    from residuum.expressions.expression import is_variable

    checked = 0
    for problem in suite("fastsrb"):
        if (
            problem.truth.constants
            and max(max(abs(c), 1 / abs(c)) for c in problem.truth.constants) > 9
        ):
            continue
        known = dict(zip(problem.variables, np.array(problem.units), strict=True))

        def leaf(token, constant, known=known):
            if is_variable(token):
                return known[token], None
            return np.zeros(len(BASES)), constant if constant is not None else float(token)

        def node(symbol, *operands):
            parts = [unit for unit, _ in operands]
            if symbol in ("*", "/"):
                sign = 1 if symbol == "*" else -1
                return parts[0] + sign * parts[1], None
            if symbol == "**":
                exponent = operands[1][1]
                return parts[0] * (1.0 if exponent is None else exponent), None
            if symbol == "sqrt":
                return parts[0] / 2, None
            if symbol in ("+", "-"):
                np.testing.assert_allclose(parts[0], parts[1])
            elif symbol not in ("neg", "abs"):
                np.testing.assert_allclose(parts[0], 0.0)
                return np.zeros(len(BASES)), None
            return parts[0], None

        unit, _ = problem.truth.fold(leaf, node)
        np.testing.assert_allclose(unit, problem.unit, err_msg=problem.name)
        checked += 1
    assert checked > 30


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
