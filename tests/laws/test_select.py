"""The choice among laws, from samples of the truth: the right one, its intervals, its rivals."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from laws_truths import (
    LV_START,
    LV_TRUTH,
    extraction,
    fronts,
    lotka_volterra,
    measured,
    solution,
)

from residuum.data.observations import Noise
from residuum.distillers.front import Candidate
from residuum.errors import UserError
from residuum.expressions.parser import parse
from residuum.laws.combinations import reductions
from residuum.laws.law import Law
from residuum.laws.select import select
from residuum.laws.settings import SelectSettings
from residuum.problem.equations import read_problem

T = np.linspace(0, 3, 31)


@pytest.fixture(scope="module")
def chosen():
    return choose_lv(held_out=T > 2.25)


def choose_lv(*, held_out=None, map=map, noise: float = 0.01, scale=(1.0, 1.0), **settings):
    problem = lotka_volterra(alpha=None)
    clean = solution(problem, LV_TRUTH, {"alpha": 1.3}, LV_START, T)
    rng = np.random.default_rng(0)
    noisy = clean + noise * clean.mean(axis=0) * rng.standard_normal(clean.shape)
    held_out = np.zeros(len(T), bool) if held_out is None else held_out
    observations = measured(problem, [(T, noisy)], noise=Noise("relative"), held_out=[held_out])
    found = extraction(problem, LV_TRUTH, {"alpha": 1.3}, [(T, clean)], sd=0.05)
    return select(
        problem, observations, found, [fronts(found)], SelectSettings(**settings), map=map
    )


def test_the_law_is_found_with_the_truth_inside_its_intervals(chosen) -> None:
    law = chosen.law
    for name, truth in (("predation", 0.9), ("growth", 0.8)):
        (term,) = law.hidden[name].terms
        assert term.term.infix() == "prey*predator"
        assert term.coefficient == pytest.approx(truth, rel=0.02)
        assert term.ci95[0] < truth < term.ci95[1]
        assert term.ci95[1] - term.ci95[0] < 0.1
        assert term.probability > 0.9
    assert law.parameters["alpha"].ci95[0] < 1.3 < law.parameters["alpha"].ci95[1]
    assert law.parameters["delta"].ci95 is None
    assert law.verdict.stable
    assert law.verdict.identifiable == {"predation": True, "growth": True}
    assert law.scores["holdout_nrmse"] < 0.05
    assert law.scores["fit_nrmse"] < 0.05


def test_the_table_holds_the_known_part_alone_and_is_in_order(chosen) -> None:
    rows = chosen.to_json()["rows"]
    kinds = [row["kind"] for row in rows]
    assert kinds.count("without_hidden_terms") == 1
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    alone = rows[kinds.index("without_hidden_terms")]
    assert alone["delta_description_length"] > 100 or alone["status"] != "ok"


def test_law_json_is_plain_and_reads_back(chosen) -> None:
    text = json.dumps(chosen.law.to_json(), allow_nan=False)
    again = Law.from_json(json.loads(text))
    assert again.to_json() == chosen.law.to_json()
    assert again.equations["prey_t"] == parse(chosen.law.to_json()["equations"]["prey_t"])
    json.dumps(chosen.to_json(), allow_nan=False)


def test_the_choice_does_not_depend_on_how_the_refits_are_spread(chosen) -> None:
    with ThreadPoolExecutor(2) as pool:
        other = choose_lv(held_out=T > 2.25, map=pool.map)
    assert other.law.to_json() == chosen.law.to_json()
    assert other.to_json() == chosen.to_json()


def test_clean_data_give_the_law_and_nothing_beside_it() -> None:
    law = choose_lv(noise=0.0).law
    for name, truth in (("predation", 0.9), ("growth", 0.8)):
        (term,) = law.hidden[name].terms
        assert term.term.infix() == "prey*predator"
        assert term.coefficient == pytest.approx(truth, rel=1e-6)


def test_the_shared_form_saving_is_a_setting() -> None:
    together = choose_lv(noise=0.05).to_json()["rows"]
    apart = choose_lv(noise=0.05, shared_forms=False).to_json()["rows"]
    truth = {"predation", "growth"}
    assert set(apart[0]["hidden"]) == truth
    both = [r for r in apart if r["hidden"] == together[0]["hidden"]]
    saving = 4 * np.log(11)
    assert both[0]["description_length"] - together[0]["description_length"] == pytest.approx(
        saving
    )


def test_an_open_choice_is_said_in_words() -> None:
    problem = read_problem({"x_t": "f(x)"}, states=("x",), parameters={})
    truth = {"f": parse("-1.0*x")}
    t = np.linspace(0, 0.4, 8)
    clean = solution(problem, truth, {}, (1.0,), t)
    noisy = clean + 0.05 * np.random.default_rng(0).standard_normal(clean.shape)
    found = extraction(problem, truth, {}, [(t, clean)], sd=0.1)
    law = select(
        problem, measured(problem, [(t, noisy)]), found, [fronts(found)], SelectSettings()
    ).law
    assert law.verdict.identifiable == {"f": False}
    assert "cannot tell this law from" in law.verdict.warnings[0]


def test_a_missing_term_is_found_by_the_test() -> None:
    problem = read_problem({"x_tt": "-f(x)"}, states=("x",), parameters={})
    truth = {"f": parse("1.0*x + 0.4*x**3")}
    t = np.linspace(0, 12, 80)
    clean = solution(problem, truth, {}, (1.5, 0.0), t)
    noisy = clean + 0.005 * np.random.default_rng(0).standard_normal(clean.shape)
    found = extraction(problem, truth, {}, [(t, clean)], sd=0.05)
    table = fronts(found, degree=3)
    # Only single terms are offered and none may be added: the law must come out incomplete.
    single = {
        k: type(f)(k, tuple(c for c in f.candidates if len(c.expression.constants) <= 1), 4)
        for k, f in table.items()
    }
    law = select(
        problem, measured(problem, [(t, noisy)]), found, [single],
        SelectSettings(extend=0, holdout=0.0),
    ).law  # fmt: skip
    assert law.verdict.missing is True
    assert any("missing" in warning for warning in law.verdict.warnings)
    complete = select(
        problem, measured(problem, [(t, noisy)]), found, [table], SelectSettings(holdout=0.0)
    ).law
    assert {term.term.infix() for term in complete.hidden["f"].terms} == {"x", "x**3"}
    assert complete.verdict.missing is False
    assert 0 < complete.verdict.details["missing_test"]["detectable_share"] < 0.2


def test_no_law_at_all_is_one_message() -> None:
    # The known part alone leaves the domain of the logarithm at once, whatever is added.
    problem = read_problem({"x_t": "log(-x) + 0*f(x)"}, states=("x",), parameters={})
    t = np.linspace(0, 1, 12)
    path = np.exp(-t)[:, None]
    found = extraction(problem, {"f": parse("-1.0*x")}, {}, [(t, path)], sd=0.05)
    with pytest.raises(UserError, match="no candidate law has a trajectory"):
        select(problem, measured(problem, [(t, path)]), found, [fronts(found)], SelectSettings())


def test_a_whole_experiment_can_be_held_out() -> None:
    problem = lotka_volterra()
    paths, held = [], []
    for k, start in enumerate([LV_START, (1.0, 1.0), (2.0, 0.5)]):
        paths.append((T, solution(problem, LV_TRUTH, {}, start, T)))
        held.append(np.full(len(T), k == 1))
    rng = np.random.default_rng(0)
    noisy = [(t, p + 0.01 * rng.standard_normal(p.shape)) for t, p in paths]
    found = extraction(problem, LV_TRUTH, {}, paths, sd=0.05)
    selection = select(
        problem, measured(problem, noisy, held_out=held), found, [fronts(found)], SelectSettings()
    )
    assert selection.law.scores["holdout_nrmse"] < 0.05
    assert set(selection.curves["experiment_001"]) == {"forecast"}


def test_a_constant_inside_a_term_is_taken_away_on_trial() -> None:
    candidate = Candidate("f", parse("2.0*x/(y*(y + 0.5))"), 1.0, 20.0, "genetic")
    found = list(reductions({"f": candidate}, {"f": parse("1.5*x/(y*(y + 0.02))")}))
    assert [c["f"].expression.infix() for c in found] == ["1.5*x/y**2"]
    assert found[0]["f"].structure_nats < candidate.structure_nats
    assert not list(reductions({"f": candidate}, {"f": parse("1.5*x + 2.0*y")}))
