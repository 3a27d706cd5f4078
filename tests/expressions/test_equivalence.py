"""Traps that published recovery tests fell into (SRBench's criterion accepts the first nine)."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.expressions.equivalence import equivalent
from residuum.expressions.parser import parse

TRAPS = {
    ("x", "x + 5"): False,
    ("2*x", "3.7*x"): False,
    ("x", "0"): False,
    ("0.00005*x", "0"): False,
    ("6.67e-11*x*y/z**2", "9.9e-5*sin(x)"): False,
    ("x/(1 + y)", "x/(1.0004 + y)"): False,
    ("1/(x - 1.0001)", "1/(x - 1)"): False,
    ("sin(x)", "cos(x - 1.5707963)"): False,
    ("20 - x - x*y/(1 + 0.5*x**2)", "20 - 0.9996*x - 1.9997*x*y/(2.0005 + x**2)"): False,
    ("sqrt(x**2)", "x"): False,
    ("x*y", "x*z"): False,
    ("log(-1 - x**2)", "x"): False,
    ("log(x*y)", "log(x) + log(y)"): True,
    ("sin(x)**2", "(1 - cos(2*x))/2"): True,
    ("exp(x)*exp(y)", "exp(x + y)"): True,
    ("tanh(x)", "(exp(2*x) - 1)/(exp(2*x) + 1)"): True,
    ("x**2/(1 + x**2)", "1 - 1/(1 + x**2)"): True,
    ("x**0.5", "sqrt(x)"): True,
    ("x/3", "0.3333333333333333*x"): True,
    ("2.5", "5/2"): True,
}


@pytest.mark.parametrize("pair", TRAPS, ids=" ~ ".join)
def test_traps_are_decided_by_probing_alone(
    pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if pair != ("log(-1 - x**2)", "x"):
        monkeypatch.setattr("subprocess.run", None)
    a, b = map(parse, pair)
    rng = np.random.default_rng(0)
    assert equivalent(a, b, rng=rng) is TRAPS[pair]
    assert equivalent(b, a, rng=rng) is TRAPS[pair]


def test_the_domain_decides() -> None:
    a, b, rng = parse("sqrt(x**2)"), parse("x"), np.random.default_rng(0)
    assert equivalent(a, b, rng=rng, domain={"x": (0.5, 2.0)})
    assert not equivalent(a, b, rng=rng, domain={"x": (-2.0, 2.0)})


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [("(x + 1e16) - 1e16", "x", True), ("1e-15*x + 1 - 1", "2e-15*x + 1 - 1", False)],
)
def test_what_rounding_hides_is_decided_in_fifty_digits(a: str, b: str, same: bool) -> None:
    assert equivalent(parse(a), parse(b), rng=np.random.default_rng(0)) is same
