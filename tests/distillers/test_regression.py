"""What a formula is fitted to: weights with and without a prior, and units as dimensions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from residuum.distillers.regression import table_of
from residuum.hidden.samples import HiddenSamples


@pytest.fixture
def samples() -> HiddenSamples:
    rng = np.random.default_rng(0)
    X = rng.uniform(0.1, 3.0, size=(40, 2))
    covariance = np.diag(np.linspace(0.01, 0.3, 40) ** 2)
    y = X[:, 0] * X[:, 1] / (1 + X[:, 0]) + rng.multivariate_normal(np.zeros(40), covariance)
    experiment = np.arange(40) % 2
    return HiddenSamples(
        "f", ("x", "y"), X, y, covariance, np.arange(40.0), experiment, (True, True),
        units=("1000", "mg/L"), unit="mg/L/day",
    )  # fmt: skip


@pytest.fixture
def correlated(samples: HiddenSamples) -> HiddenSamples:
    near = np.exp(-0.5 * np.subtract.outer(samples.t, samples.t) ** 2)
    sd = samples.sd
    return replace(samples, covariance=sd[:, None] * near * sd)


def test_correlated_errors_are_whitened(correlated: HiddenSamples) -> None:
    table = table_of(correlated)
    assert table.precision is None
    assert (np.diff(table.experiment) >= 0).all()
    np.testing.assert_allclose(table.whitening @ table.y, table.target, rtol=1e-9, atol=1e-9)
    order = np.argsort(correlated.experiment, kind="stable")
    covariance = np.linalg.inv(table.whitening.T @ table.whitening)
    floor = covariance - correlated.covariance[np.ix_(order, order)]
    np.testing.assert_allclose(floor, np.eye(40) * floor[0, 0], atol=1e-3 * floor[0, 0])


def test_independent_errors_are_weights(samples: HiddenSamples) -> None:
    table = table_of(samples)
    assert table.whitening is None
    assert table.target is None
    order = np.argsort(samples.experiment, kind="stable")
    np.testing.assert_array_equal(table.y, samples.values[order])
    truth = table.X[:, 0] * table.X[:, 1] / (1 + table.X[:, 0])
    assert np.mean(table.precision * (truth - table.y) ** 2) == pytest.approx(1.0, abs=0.5)
    variance = 1 / table.precision
    floor = variance - np.diag(samples.covariance)[order]
    np.testing.assert_allclose(floor, floor[0], rtol=1e-6)


def test_units_are_exponents_of_base_dimensions(samples: HiddenSamples) -> None:
    table = table_of(samples)
    assert table.units is not None
    (first, second), value = table.units, table.unit
    assert set(first) == {Fraction(0)}
    assert sorted(second) == [Fraction(-3), Fraction(0), Fraction(1)]
    difference = {a - b for a, b in zip(value, second, strict=True)}
    assert difference == {Fraction(-1), Fraction(0)}


def test_dead_arguments_take_their_units_away(samples: HiddenSamples) -> None:
    table = table_of(replace(samples, alive=(False, True), units=(None, "mg/L")))
    assert table.variables == ("y",)
    assert table.units is not None
    assert len(table.units) == 1


def test_no_units_where_one_is_open(samples: HiddenSamples) -> None:
    for open_ in (
        replace(samples, unit=None),
        replace(samples, units=None),
        replace(samples, units=("1", None)),
    ):
        table = table_of(open_)
        assert table.units is None
        assert table.unit is None
