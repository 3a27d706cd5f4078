"""The description length, the forms it counts, and which combinations are tried."""

from __future__ import annotations

import itertools
import math

import pytest
from laws_truths import lotka_volterra

from residuum.distillers.front import Candidate, Front
from residuum.expressions.parser import parse
from residuum.laws.combinations import Library, neighbours, pool, ranked, shared, zero
from residuum.laws.evidence import Criterion, Forms, weights
from residuum.problem.equations import read_problem

PROBLEM = lotka_volterra()


def candidate(term: str, text: str, loss: float = 1.0, nats: float = 2.0) -> Candidate:
    return Candidate(term, parse(text), loss, nats, "test")


def form(text: str, term: str = "predation") -> frozenset:
    return Forms(PROBLEM).of(term, parse(text))


def test_a_form_ignores_constants_order_and_the_hidden_term() -> None:
    assert form("0.9*(prey*predator)") == form("-0.8*(predator*prey)", "growth")
    assert form("2.0*prey + 1.0*predator**2") == form("3.0*predator**2 - prey")
    assert form("0.0*prey") == form("5.0*prey")
    assert form("1.0*prey") != form("1.0*prey**2")
    assert form("1.0*prey") != form("1.0*prey + 1.0")


def test_a_form_is_read_in_the_variables_of_the_law() -> None:
    problem = read_problem(
        {"x_t": "f(s=x - y)", "y_t": "g(s=y) - y"}, states=("x", "y"), parameters={}
    )
    forms = Forms(problem)
    assert forms.of("f", parse("2.0*s")) != forms.of("g", parse("2.0*s"))


def test_description_length_is_its_formula() -> None:
    criterion = Criterion(gamma=2.0, shared_forms=True)
    a, b = form("1.0*prey"), form("1.0*predator")
    length = criterion.description_length(-100.0, 4, 62, [a, b], [2.0, 3.0])
    assert length == pytest.approx(-100 + 4 * math.log(62) + 4 * (2.0 + 3.0 + math.log(2)))
    assert criterion.structure([a, a], [2.0, 2.0]) == pytest.approx(4 * 2.0)
    apart = Criterion(gamma=2.0, shared_forms=False)
    assert apart.structure([a, a], [2.0, 2.0]) == pytest.approx(4 * 4.0)


def test_weights_are_posterior_odds() -> None:
    w = weights([10.0, 12.0, math.inf])
    assert w[0] / w[1] == pytest.approx(math.e)
    assert sum(w) == pytest.approx(1.0)
    assert weights([math.inf]) == [0.0]


def test_the_pool_keeps_one_of_each_form_and_zero() -> None:
    rows = (candidate("predation", "2.0*prey", 3.0), candidate("predation", "1.0*prey", 1.0))
    worse = (candidate("predation", "5.0*prey", 2.0), candidate("predation", "1.0", math.nan))
    fronts = [{"predation": Front("predation", rows, 10)}, {"predation": Front("predation", worse)}]
    pooled = pool(PROBLEM, fronts, Forms(PROBLEM))
    assert {c.expression.infix() for c in pooled["predation"]} == {"0", "1.0*prey", "1.0"}
    assert [c.expression.infix() for c in pooled["growth"]] == ["0"]


def test_combinations_come_in_order_of_their_summed_score() -> None:
    def row(name: str, k: int) -> Candidate:
        return candidate(name, f"{k}.5*{'prey' if k else '1'}", loss=k**2 + 0.1, nats=k)

    columns = {name: [row(name, k) for k in range(5)] for name in ("predation", "growth")}
    criterion = Criterion(1.0, True)

    def score(law: dict) -> float:
        return sum(
            c.loss * 10 + len(c.expression.constants) * math.log(10) + 2 * c.structure_nats
            for c in law.values()
        )

    found = [score(law) for law in ranked(columns, limit=25, criterion=criterion, count=20)]
    every = [
        score(dict(zip(columns, pair, strict=True)))
        for pair in itertools.product(*columns.values())
    ]
    assert found == pytest.approx(sorted(every))
    assert len(ranked(columns, limit=7, criterion=criterion, count=20)) == 7


def test_shared_forms_are_always_tried() -> None:
    columns = {
        "predation": [candidate("predation", "1.0*prey", 1e9), candidate("predation", "1.0")],
        "growth": [candidate("growth", "3.0*prey", 1e9), candidate("growth", "1.0*predator")],
    }
    found = shared(columns, Forms(PROBLEM))
    assert [{t: c.expression.infix() for t, c in law.items()} for law in found] == [
        {"predation": "1.0*prey", "growth": "3.0*prey"}
    ]


def test_neighbours_add_and_remove_one_term_and_keep_fitted_constants() -> None:
    law = {"predation": candidate("predation", "1.0*prey"), "growth": zero("growth")}
    library = {
        "predation": Library(10, (parse("prey"), parse("predator"))),
        "growth": Library(10, (parse("prey"),)),
    }
    fitted = {"predation": parse("0.7*prey"), "growth": parse("0*prey").operands[0]}
    found = {
        tuple(c.expression.infix() for c in near.values())
        for near in neighbours(law, fitted, library)
    }
    assert ("0.7*prey + 0.0*predator", "0") in found
    assert ("0", "0") in found
    assert ("1.0*prey", "0.0*prey") in found
    wider = next(neighbours(law, fitted, library))
    assert wider["predation"].structure_nats == pytest.approx(math.log(1 + 10 + 45))
