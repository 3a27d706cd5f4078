"""Formulas put into a problem of bodies: text that reads back, and the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.problem.body_completion import complete, written
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_expansion import Expansion, expand

TEXT = "(sum(force(position_j - position_i, mass_i)) + drag(position_t_i))/mass_i"


def test_completed_equations_read_back_and_agree() -> None:
    problem = read_body_problem({"position_tt": TEXT}, scalars=("mass",))
    formulas = {"force": parse("-2.5*(distance - 1.5)*mass_i"), "drag": parse("-0.5*speed**2")}
    completed = complete(problem, formulas)
    texts = written(completed)
    assert texts["position_tt"].startswith("(sum(-2.5*(norm(position_j - position_i) - 1.5)")
    again = read_body_problem(texts, scalars=("mass",))
    assert again.hidden_terms == ()
    assert written(again) == texts
    expansion = Expansion(3, 2)
    hidden = expand(problem, expansion).complete(formulas)
    whole = expand(again, expansion).complete({})
    names = {name for side in whole.values() for name in side.variables}
    values = dict(
        zip(sorted(names), np.random.default_rng(0).uniform(1, 2, len(names)), strict=True)
    )
    for state, side in whole.items():
        assert float(evaluate(side, values)) == pytest.approx(
            float(evaluate(hidden[state], values)), rel=1e-12
        )


def test_what_was_given_is_written_as_it_was() -> None:
    problem = read_body_problem({"position_tt": TEXT}, scalars=("mass",))
    assert written(problem) == {"position_tt": TEXT}


def test_a_scalar_term_stands_as_its_formula() -> None:
    problem = read_body_problem(
        {"position_tt": "sum(phi(r=norm(position_j - position_i))*(position_j - position_i))"}
    )
    text = written(complete(problem, {"phi": parse("1/r**3")}))["position_tt"]
    assert text == "sum(1.0/norm(position_j - position_i)**3*(position_j - position_i))"


def test_an_update_of_a_sum_reads_back_and_agrees() -> None:
    text = "update(sum(message(position_j - position_i, mass_i, mass_j)), mass_i)"
    problem = read_body_problem({"position_tt": text}, scalars=("mass",))
    assert written(problem) == {"position_tt": text}
    for update in ("-0.5*total_length/mass_i", "total_length/(1 + 0.3*total_length)"):
        formulas = {"message": parse("2*mass_j*(distance - 1.5)"), "update": parse(update)}
        texts = written(complete(problem, formulas))
        again = read_body_problem(texts, scalars=("mass",))
        assert written(again) == texts
        expansion = Expansion(3, 2)
        hidden = expand(problem, expansion)
        sides = hidden.complete(formulas)
        whole = expand(again, expansion).complete({})
        names = {name for side in whole.values() for name in side.variables}
        assert not any("@" in name for name in names)
        values = dict(
            zip(sorted(names), np.random.default_rng(0).uniform(1, 2, len(names)), strict=True)
        )
        for state, side in whole.items():
            assert float(evaluate(side, values)) == pytest.approx(
                float(evaluate(sides[state], values)), rel=1e-12
            )


def test_a_factor_of_the_length_is_not_divided_by_it() -> None:
    problem = read_body_problem({"position_tt": "drag(position_t_i)"})
    texts = {"-0.5*speed": "-0.5*position_t_i", "2 - speed": None, "speed": "position_t_i"}
    for formula, text in texts.items():
        found = written(complete(problem, {"drag": parse(formula)}))["position_tt"]
        assert found == text or (text is None and "/norm(position_t_i)" in found)
