"""What is known of a law holds for every formula of the front, or the user is told why not."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from residuum import regress
from residuum.distillers.choices import chosen_settings
from residuum.distillers.genetic.demands import Demands, cost_of, named_locals
from residuum.distillers.genetic.search import search
from residuum.distillers.regression import Table
from residuum.distillers.settings import GeneticSettings
from residuum.errors import UserError
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.regression import Regression

QUICK = {"budget": 3000, "islands": 2, "population": 60, "epoch": 1500}


def settings_of(**given) -> GeneticSettings:
    return GeneticSettings(**{**QUICK, **given})


def table_of(law, *, low=0.5, high=3.0, rows=60, noise=0.0, names=("x", "y")) -> Table:
    rng = np.random.default_rng(1)
    X = rng.uniform(low, high, (rows, len(names)))
    y = law(*X.T)
    return Table.of(names, X, y + noise * np.std(y) * rng.standard_normal(rows))


def formulas(table, **given):
    return [row.expression for row in search(table, settings_of(**given), seed=3).formulas]


def meets(text: str, **given) -> bool:
    table = table_of(lambda x, y: x * y, low=-2, high=2)
    return Demands.of(table, settings_of(**given)).met(parse(text))


@pytest.mark.parametrize(
    ("part", "inside", "outside"),
    [
        ("x*y", ["2*x*y", "x/3*y", "1/(x*y)", "sin(y*x) + 1"], ["x + y", "x*(y + 1)", "x/y"]),
        ("x - y", ["3*(y - x)", "x - y + 1", "exp(x - 2*x*y - y)"], ["x + y", "2*x - y"]),
        ("exp(2*x)", ["exp(-0.3*x)", "1 + exp(7*x)/y"], ["exp(x*y)", "x"]),
        ("x/(1 + y)", ["5*x/(2 + y)", "x*y/(y + 0.5)"], ["x/y", "x*(1 + y)"]),
        ("sin(x + y)", ["sin(y + x)*x"], ["sin(x)", "sin(x - y)", "sin(x + y + 1)"]),
        ("x + 1", ["2*x + 3", "exp(x + 5)", "x + y + 1"], ["x", "2*x*y"]),
    ],
)
def test_parts_are_found_in_any_order(part, inside, outside):
    for text in inside:
        assert meets(text, required=(part,)), text
        assert not meets(text, forbidden=(part,)), text
    for text in outside:
        assert not meets(text, required=(part,)), text
        assert meets(text, forbidden=(part,)), text


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("sin(x)*y", {"symmetry": {"x": "odd"}}, True),
        ("sin(x + 1e-3)*y", {"symmetry": {"x": "odd"}}, False),
        ("cos(x) + y", {"symmetry": {"x": "even"}}, True),
        ("x*y + x + y", {"symmetry": {"x, y": "exchange"}}, True),
        ("x*y + x", {"symmetry": {"x, y": "exchange"}}, False),
        ("x**2 + 0.1", {"sign": "positive"}, True),
        ("x**2 - 0.1", {"sign": "positive"}, False),
        ("-exp(x)", {"sign": "negative"}, True),
        ("exp(x) + y", {"trend": {"x": "increasing"}}, True),
        ("x**2", {"trend": {"x": "increasing"}}, False),
        ("-x**3", {"trend": {"x": "decreasing"}}, True),
    ],
)
def test_shapes_are_recognised(text, given, expected):
    assert meets(text, **given) is expected


@pytest.mark.parametrize(
    ("law", "low", "given"),
    [
        (lambda x, y: np.sin(x) * y + 0.2 * y, -2.0, {"symmetry": {"x": "odd"}}),
        (lambda x, y: x * y + x, 0.5, {"symmetry": {"x, y": "exchange"}}),
        (lambda x, y: x - y, 0.5, {"sign": "positive"}),
        (lambda x, y: x**2 - y, -2.0, {"trend": {"x": "increasing"}}),
        (lambda x, y: x * y + x, 0.5, {"forbidden": ("x*y", "sqrt(x)")}),
        (lambda x, y: x * y + x, 0.5, {"required": ("sin(y)",)}),
        (lambda x, y: np.exp(x) * y, 0.5, {"arguments": {"exp": 1, "log": 1, "sin": 3}}),
        (lambda x, y: np.sin(np.exp(x)), 0.5, {"nesting": {"sin": {"exp": 0, "sin": 0}}}),
    ],
)
def test_no_formula_of_the_front_breaks_a_constraint(law, low, given):
    table = table_of(law, low=low, noise=0.02)
    demands = Demands.of(table, settings_of(**given))
    found = formulas(table, **given)
    assert found
    for formula in found:
        assert demands.met(formula), formula.infix()


def test_costs_and_frequencies_decide_what_is_tried():
    table = table_of(lambda x, y: np.exp(-x) * y)
    for formula in formulas(table, costs={"exp": 40}, complexity=20):
        assert "exp" not in formula.tokens
    never = dict.fromkeys(("sin", "cos", "log"), 0.0)
    for formula in formulas(table, frequencies=never, operators=("+", "*", "sin", "cos", "log")):
        assert not {"sin", "cos", "log"} & set(formula.tokens)


def test_costs_count_a_whole_exponent_as_part_of_its_power():
    assert cost_of(parse("x**2"), GeneticSettings(costs={"**": 5})) == 6


def test_a_seed_is_where_the_search_begins():
    law = "3.5*x*exp(-0.7*y)/(1.3 + cos(2.1*x*y))"
    table = table_of(lambda x, y: 3.5 * x * np.exp(-0.7 * y) / (1.3 + np.cos(2.1 * x * y)))
    big = replace(table, X=table.X * [1e4, 1.0], y=table.y * 1e-5)
    seed = "2e-9*x*exp(-0.75*y)/(1.3 + cos(2.1e-4*x*y))"
    found = search(big, settings_of(budget=200, seeds=(seed,)), seed=0)
    assert min(row.loss for row in found.formulas) < 1e-20 * np.var(big.y), law


def test_a_seed_that_breaks_a_constraint_is_named():
    table = table_of(lambda x, y: x + y)
    given = settings_of(budget=200, seeds=("sin(x)", "x*y"), forbidden=("sin(x)",))
    notes = search(table, given, seed=0).notes
    assert [note for note in notes if "seed" in note] == [
        "sin(x) was not used as a seed: it breaks a constraint"
    ]


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"forbidden": ("x",), "required": ("x*y",)}, "forbidden, required"),
        ({"required": ("exp(x)",), "operators": ("+", "*")}, "required"),
        ({"required": ("sin(x)*exp(y)*cos(x)",), "complexity": 4}, "required"),
    ],
)
def test_what_forbids_everything_is_named_soon(given, where):
    table = table_of(lambda x, y: x * y)
    began = time.perf_counter()
    with pytest.raises(UserError, match=f"^{where}: .*forbid every formula"):
        search(table, settings_of(**{**given, "budget": 10_000_000}), seed=0)
    assert time.perf_counter() - began < 60


def local_table() -> tuple[Table, np.ndarray]:
    rng = np.random.default_rng(0)
    experiment, a = np.repeat(np.arange(4), 20), np.array([1.0, 2.5, 0.3, 4.0])
    x = rng.uniform(0.3, 4.0, 80)
    y = a[experiment] * x / (1 + 0.7 * x)
    return Table(("x",), x[:, None], y, experiment), a


def test_constants_of_each_experiment_are_found():
    table, a = local_table()
    # With all operators one seed in four finds it, and which one depends on the processor.
    rational = settings_of(budget=6000, local_constants=1, operators=("+", "*", "/"))
    found = search(table, rational, seed=0)
    best = found.formulas[found.chosen]
    assert best.loss < 1e-20
    (values,) = best.local.values()
    assert np.allclose(np.array(values) / values[0], a / a[0])
    columns = {"x": table.X[:, 0]} | {
        n: np.array(v)[table.experiment] for n, v in best.local.items()
    }
    assert np.allclose(evaluate(best.expression, columns), table.y)


def test_a_prediction_needs_the_experiment():
    table, _ = local_table()
    order = np.random.default_rng(1).permutation(80)
    labels = np.array(["north", "south", "east", "west"])[table.experiment]
    X, y, labels = table.X[order], table.y[order], labels[order]
    found = regress(
        X, y, variables=["x"], experiment=labels,
        settings=settings_of(budget=6000, local_constants=1, operators=("+", "*", "/")),
    )  # fmt: skip
    again = Regression.from_json(found.to_json())
    assert np.allclose(again.predict(X, experiment=labels), y)
    with pytest.raises(UserError, match="constants of each experiment"):
        found.predict(X)
    with pytest.raises(UserError, match="did you mean 'north'"):
        found.predict(X[:1], experiment=["nort"])


def test_numbers_before_a_local_constant_go_into_its_values():
    formula, values = named_locals(parse("3.0*x*k/(x + 2.0) + 1.5"), {"k": (1.0, 2.0)}, ("x",))
    assert formula == parse("x*c_1/(x + 2.0) + 1.5")
    assert values == {"c_1": (3.0, 6.0)}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"operators": ("+", "sine")}, "operators: .*did you mean 'sin'"),
        ({"costs": {"expp": 2}}, "costs: .*did you mean 'exp'"),
        ({"nesting": {"sin": {"coss": 0}}}, "nesting: .*did you mean 'cos'"),
        ({"costs": {"exp": 0}}, "costs: expected a number from 1 .* for exp"),
        ({"frequencies": {"exp": -1.0}}, "frequencies: expected a number from 0"),
        ({"frequencies": {"+": 0.0}, "operators": ("+",)}, "frequencies: expected some operator"),
        ({"arguments": {"exp": 0}}, "arguments: expected a number from 1"),
        ({"nesting": {"sin": {"cos": -1}}}, "nesting: expected a number from 0 .* cos in sin"),
        ({"symmetry": {"x": "odt"}}, "symmetry of x: .*did you mean 'odd'"),
        ({"symmetry": {"x, y": "odd"}}, "symmetry of x, y: expected exchange"),
        ({"symmetry": {"x, x": "exchange"}}, "symmetry: expected one argument or two"),
        ({"trend": {"x": "rising"}}, "trend of x: expected increasing or decreasing"),
        ({"sign": "plus"}, "sign: expected positive or negative"),
    ],
)
def test_wrong_settings_are_one_message(given, message):
    with pytest.raises(ValueError, match=message):
        GeneticSettings(**given)
    with pytest.raises(UserError, match=message):
        chosen_settings(None, given)
