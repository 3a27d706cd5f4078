"""The library against its own count and closed forms."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from residuum.distillers.library import build_library, combine, evaluate_library
from residuum.expressions.calculus import terms as split_terms
from residuum.expressions.expression import Expression


@pytest.mark.parametrize(("arguments", "degree"), [("x", 0), ("xy", 3), ("xyz", 4), ("", 3)])
def test_number_of_monomials(arguments: str, degree: int) -> None:
    library = build_library(list(arguments), degree=degree)
    assert len(library) == len(set(library)) == comb(len(arguments) + degree, degree)
    assert library[0].infix() == "1"


def test_functions_of_each_argument_once() -> None:
    library = build_library(["theta", "omega"], degree=0, functions=["sin", "sin", "exp"])
    assert [term.infix() for term in library] == [
        "1",
        "sin(theta)",
        "sin(omega)",
        "exp(theta)",
        "exp(omega)",
    ]


def test_columns_are_the_terms() -> None:
    X = np.random.default_rng(0).uniform(0.5, 2.0, (7, 2))
    x, y = X.T
    library = build_library(["x", "y"], degree=3, functions=["log"])
    columns = evaluate_library(library, ["x", "y"], X)
    expected = [x**0, x, y, x**2, x * y, y**2, x**3, x**2 * y, x * y**2, y**3, np.log(x), np.log(y)]
    np.testing.assert_allclose(columns, np.stack(expected, axis=1), rtol=1e-14)


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False).filter(bool), min_size=0, max_size=6)
)
def test_a_sum_reads_back_as_its_coefficients(coefficients: list[float]) -> None:
    library = build_library(["x", "y"], degree=2)[: len(coefficients)]
    expression = combine(coefficients, library)
    assert expression.constants == tuple(coefficients)
    if coefficients:
        assert split_terms(expression) == list(zip(coefficients, library, strict=True))


def test_the_empty_sum_has_no_constant_to_refit() -> None:
    assert combine([], []) == Expression.integer(0)
