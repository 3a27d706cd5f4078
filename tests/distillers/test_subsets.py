"""The search against plain enumeration by least squares."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from residuum.distillers import subsets
from residuum.distillers.subsets import Regression, residuals, search, solve


def problem(n: int = 30, m: int = 7, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((n, m))
    matrix /= np.linalg.norm(matrix, axis=0)
    return matrix, matrix[:, [1, 4]] @ [20.0, -9.0] + rng.standard_normal(n)


@pytest.mark.parametrize("n", [30, 5])
def test_residuals_equal_least_squares(n: int) -> None:
    matrix, target = problem(n=n)
    regression = Regression.reduce(matrix, target)
    for k in (1, 2, 3):
        supports = np.array(list(combinations(range(7), k)))
        found = residuals(regression, supports)
        for support, value in zip(supports.tolist(), found, strict=True):
            coefficients, *_ = np.linalg.lstsq(matrix[:, support], target, rcond=None)
            misfit = target - matrix[:, support] @ coefficients
            assert value == pytest.approx(float(misfit @ misfit), rel=1e-9)
            np.testing.assert_allclose(solve(regression, tuple(support)), coefficients, rtol=1e-8)


def test_best_first_and_complete() -> None:
    found = search(Regression.reduce(*problem()), max_terms=3)
    assert {k: len(supports) for k, (supports, _) in found.items()} == {1: 7, 2: 21, 3: 35}
    assert tuple(found[2][0][0]) == (1, 4)
    assert all((np.diff(rss) >= 0).all() for _, rss in found.values())


def test_collinear_supports_are_left_out() -> None:
    matrix, target = problem()
    matrix = np.column_stack([matrix, (matrix[:, 0] + matrix[:, 1]) / np.sqrt(2)])
    found = search(Regression.reduce(matrix, target), max_terms=3)
    assert (0, 1, 7) not in {tuple(row) for row in found[3][0].tolist()}


def test_beam_finds_what_enumeration_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    regression = Regression.reduce(*problem(n=60, m=12))
    every = search(regression, max_terms=4)
    monkeypatch.setattr(subsets, "EXHAUSTIVE", 100)
    beam = search(regression, max_terms=4, seeds=[(3, 5, 11)])
    for k in (1, 2, 3, 4):
        assert tuple(beam[k][0][0]) == tuple(every[k][0][0])
    assert (3, 5, 11) in {tuple(row) for row in beam[3][0].tolist()}


def test_chunks_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    regression = Regression.reduce(*problem())
    whole = search(regression, max_terms=3)
    monkeypatch.setattr(subsets, "CHUNK", 4)
    chunked = search(regression, max_terms=3, map=lambda f, parts: [f(part) for part in parts])
    for k, (supports, rss) in whole.items():
        np.testing.assert_array_equal(chunked[k][0], supports)
        np.testing.assert_array_equal(chunked[k][1], rss)
