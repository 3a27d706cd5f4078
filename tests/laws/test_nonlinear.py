"""Rational and exponential hidden terms: chosen against polynomials, told as they are."""

from __future__ import annotations

import json

import numpy as np
import pytest
from laws_truths import extraction, fronts, measured, solution

from residuum.data.observations import Noise
from residuum.distillers.front import Candidate, Front
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import CONSTANT, Expression
from residuum.expressions.parser import parse
from residuum.laws.combinations import Library, neighbours, pool
from residuum.laws.evidence import Forms
from residuum.laws.families import box_points, holds, same_function, without_redundancy
from residuum.laws.select import select
from residuum.laws.settings import SelectSettings
from residuum.laws.shape import coefficients, inside, is_linear, skeleton, tidy
from residuum.laws.verdict import free_of_poles
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter

POINTS = box_points(("x", "y"), np.array([[0.1, 3.0], [0.2, 2.0]]))


def front(term: str, *texts: str, nats: float = 20.0) -> dict[str, Front]:
    rows = [Candidate(term, parse(t), float(k), nats, "genetic") for k, t in enumerate(texts)]
    return {term: Front(term, tuple(rows))}


def chosen(problem, truth, values, start, t, table):
    clean = solution(problem, truth, values, start, t)
    size = 0.01 * np.abs(clean).mean(axis=0)
    noisy = clean + size * np.random.default_rng(0).standard_normal(clean.shape)
    observations = measured(
        problem, [(t, noisy)], noise=Noise("relative"), held_out=[t > t[0] + 0.75 * np.ptp(t)]
    )
    found = extraction(problem, truth, values, [(t, clean)], sd=0.05)
    return select(problem, observations, found, [fronts(found), table], SelectSettings())


@pytest.fixture(scope="module")
def holling():
    problem = read_problem(
        {"x_t": "x*(1 - x/4) - f(x, y)", "y_t": "e*f(x, y) - 0.4*y"},
        states=("x", "y"),
        parameters={"e": Parameter("e", bounds=(0.0, 1.0))},
    )
    table = front(
        "f",
        "1.5*(x*y)/(0.8 + 0.9*x)",
        "1.2*y*(1.0 - exp(-1.0*x))",
        "1.3*y*tanh(1.0*x)",
        "1.7*y*x/(1.0 + 0.8*x + 0.1*y)",
        "1.9*y/(1.0 + 1.0/x)",
    )
    truth = {"f": parse("2.0*x*y/(1.0 + 1.0*x)")}
    return chosen(problem, truth, {"e": 0.5}, (3.5, 0.3), np.linspace(0, 20, 40), table)


def test_a_rational_truth_is_chosen_against_polynomials(holling) -> None:
    law = holling.law
    formula = law.hidden["f"].expression
    assert holds(formula, parse("2.0*x*y/(1.0 + 1.0*x)"), POINTS)
    values = {"x": np.array(1.3), "y": np.array(0.7)}
    assert evaluate(formula, values) == pytest.approx(2 * 1.3 * 0.7 / 2.3, rel=0.02)
    assert law.verdict.identifiable == {"f": True}
    assert law.verdict.missing is False
    assert law.verdict.stable
    assert law.parameters["e"].ci95[0] < 0.5 < law.parameters["e"].ci95[1]


def test_one_family_in_three_words_is_one_law(holling) -> None:
    rows = holling.to_json()["rows"]
    assert rows[0]["kind"] == "law"
    others = [row for row in rows[1:] if row["kind"] == "law" and row["status"] == "ok"]
    assert min(row["delta_description_length"] for row in others) > 10
    assert len(holling.rows[0].fit.hidden["f"].constants) == 2
    assert all(np.isfinite(holling.rows[0].fit.standard_errors))


def test_constants_inside_a_term_have_intervals(holling) -> None:
    formula = holling.law.hidden["f"]
    assert len(formula.constants) == len(formula.expression.constants) == 2
    assert any(constant.inside == 0 for constant in formula.constants)
    for constant in formula.constants:
        low, high = constant.ci95
        assert low < constant.value < high
        assert high - low < 0.1 * abs(constant.value)
    row = json.loads(json.dumps(holling.law.to_json(), allow_nan=False))["hidden"]["f"]
    assert [c["value"] for c in row["constants"]] == list(formula.expression.constants)


def test_an_exponential_truth_is_chosen_against_polynomials() -> None:
    problem = read_problem({"V_t": "5*sin(6*t) - 10*V - f(V)"}, states=("V",), parameters={})
    truth = {"f": parse("1.0*exp(28.0*V) - 1.0")}
    table = front("f", "0.8*exp(30.0*V) - 0.9", "0.8*exp(30.0*V)", "20.0*V/(1.0 - 12.0*V)")
    law = chosen(problem, truth, {}, (0.0,), np.linspace(0, 1.3, 40), table).law
    (first, second), (a, b, c) = law.hidden["f"].terms, law.hidden["f"].constants
    assert second.term == parse("1.0").integer(1)
    assert first.ci95[0] < 1.0 < first.ci95[1]
    assert second.ci95[0] < -1.0 < second.ci95[1]
    assert (a.inside, b.inside, c.inside) == (None, 0, None)
    assert b.ci95[0] < 28.0 < b.ci95[1]
    assert first.probability > 0.9


@pytest.mark.parametrize(
    ("text", "places", "within", "linear"),
    [
        ("2.0*x*y/(1.5 + 3.0*x)", [(0, 1.0)], [None, 0, 0], False),
        ("2.0*exp(3.0*x) - 4.0", [(0, 1.0), (2, -1.0)], [None, 0, None], False),
        ("x*exp(-2.0*y)", [None], [0], False),
        ("2.0 + 3.0*x - 4.0*(x*y)", [(0, 1.0), (1, 1.0), (2, -1.0)], [None] * 3, True),
    ],
)
def test_what_constants_do(text, places, within, linear) -> None:
    formula = parse(text)
    assert coefficients(formula) == places
    assert inside(formula) == within
    assert is_linear(formula) is linear
    assert tidy(formula) == formula


def test_a_coefficient_becomes_one_constant() -> None:
    assert tidy(parse("2.0*3.0*x")).infix() == "6.0*x"
    assert tidy(parse("x/(2.0*y)")).infix() == "0.5*(x/y)"


def test_skeletons_ignore_order_and_keep_inner_constants() -> None:
    assert skeleton(parse("x*(y/(1.0 + 2.0*x))")) == skeleton(parse("y*x/(3.0*x + 4.0)"))
    assert skeleton(parse("exp(x*y)")) != skeleton(parse("exp(2.0*x*y)"))
    assert skeleton(parse("exp(2.0*x) - 1.0")) == skeleton(parse("3.0 + exp(4.0*x)"))


def test_two_exponentials_are_not_one() -> None:
    problem = read_problem({"x_t": "f(x)"}, states=("x",), parameters={})
    forms = Forms(problem)
    one = forms.of("f", parse("2.0*exp(3.0*x)"))
    two = forms.of("f", parse("2.0*exp(3.0*x) + 4.0*exp(5.0*x)"))
    assert one < two


def test_families() -> None:
    a, b = parse("2.0*x*y/(1.0 + 3.0*x)"), parse("x*y/(0.5 + 1.5*x)")
    assert same_function(a, b, POINTS)
    assert holds(parse("1.0*x*y/(1.0 + 1.0*x + 0.1*y)"), a, POINTS)
    assert not holds(parse("1.0*y*(1.0 - exp(-1.0*x))"), a, POINTS)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0.97*(x*y)/(0.49 + 0.48*x)", 2),
        ("1.5*x*y/(0.7 + 0.6*x + 0.3*y)", 3),
        ("2.0*exp(3.0*x) - 4.0", 3),
        ("2.0*exp(3.0*x + 1.0)", 2),
    ],
)
def test_redundant_constants_go(text: str, count: int) -> None:
    formula = parse(text)
    fewer = without_redundancy(formula, POINTS)
    assert fewer.tokens.count(CONSTANT) == count
    assert same_function(fewer, formula, POINTS)


def test_the_pool_takes_the_shortest_code_of_a_form() -> None:
    problem = read_problem({"x_t": "f(x)"}, states=("x",), parameters={})
    tables = [front("f", "2.0*x", nats=9.0), front("f", "3.0*x", nats=2.0)]
    (_, row) = pool(problem, tables, Forms(problem))["f"]
    assert row.structure_nats == 2.0


def test_a_term_beside_a_rational_one_costs_what_it_adds() -> None:
    rational = Candidate("f", parse("2.0*x/(1.0 + 3.0*x)"), 1.0, 20.0, "genetic")
    single = Candidate("f", parse("2.0*x"), 1.0, 2.0, "sindy")
    fitted = {"f": rational.expression}
    (wider, *_) = neighbours({"f": rational}, fitted, {"f": Library(4, (parse("x"),))})
    assert is_linear(single.expression)
    assert wider["f"].structure_nats == pytest.approx(20.0 + np.log(5))
    assert len(wider["f"].expression.constants) == 4


def test_poles_between_the_points_of_a_grid_are_found() -> None:
    problem = read_problem({"x_t": "f(x)"}, states=("x",), parameters={})
    t = np.linspace(0, 1, 20)
    found = extraction(problem, {"f": parse("-1.0*x")}, {}, [(t, np.exp(-t)[:, None])], sd=0.1)
    samples = found.samples["f"]
    assert free_of_poles(parse("1.0/(1.0 + x)"), samples)
    assert not free_of_poles(parse("1.0/(0.7312345 - x)"), samples)
    power = (parse("0.7312345 - x")) ** Expression.integer(-2)
    assert not free_of_poles(power, samples)
