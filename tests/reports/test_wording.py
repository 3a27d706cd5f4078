"""The verdict in words: each case of rivals, tests and forecasts says what was found."""

from __future__ import annotations

import re

import pytest
from report_material import lynx_law, lynx_rows, row

from residuum.laws.verdict import MissingTest, warnings_of
from residuum.reports.content import DatasetReport
from residuum.reports.tables import candidates
from residuum.reports.wording import headline, other_warnings, rival_list, short_verdict, verdict


def text(report: DatasetReport) -> str:
    found = rival_list(report)
    parts = [found.lead, *found.each] if found else []
    plain = re.sub(r"<[^>]+>", " ", " ".join([*parts, verdict(report)]))
    return " ".join(plain.replace("\u2062", "").split())


def judged(**changes) -> dict:
    law = lynx_law()
    law["verdict"] = law["verdict"] | changes
    return law


SURE = {"identifiable": {"predation": True, "growth": True}}


def test_rivals_are_named_with_their_distance_and_the_choice_left_open(make_report):
    said = text(make_report())
    assert "These data cannot tell this law from one other within 2 units" in said
    assert re.search(r"predation = 0\.00058 \S* ?hare \S* ?lynx 2 , growth = ", said)
    assert "(0.4 units behind)" in said
    assert "take it as open" in said
    assert headline(make_report()) == "not determined: one rival"


def test_rivals_that_differ_in_one_term_alone(make_report):
    law = judged(identifiable={"predation": False, "growth": True})
    assert "which differ in predation alone" in text(make_report(law=law))


@pytest.mark.parametrize(("margin", "number"), [(0.1, 0), (1.0, 1), (10.0, 2), (100.0, 3)])
def test_the_margin_decides_who_is_a_rival(make_report, margin, number):
    report = make_report(candidates={"margin": margin, "rows": lynx_rows()})
    assert len(report.rivals) == number
    assert ("cannot tell" in text(report)) is (number > 0)


def test_many_rivals_are_counted_not_listed(make_report):
    rows = [row(k, 0.1 * k, predation="0.1*hare", growth="0.2*lynx") for k in range(1, 13)]
    said = text(make_report(candidates={"rows": rows}))
    assert "from 11 others within 10 units" in said
    assert said.count("units behind") == 5
    assert "and six more" in said


def test_a_law_without_rivals_is_determined(make_report):
    report = make_report(law=judged(**SURE), candidates={"margin": 0.1, "rows": lynx_rows()})
    said = text(report)
    assert "These data determine the form of both hidden terms" in said
    assert "the next is 0.4 units behind" in said
    assert headline(report) == "determined"


def test_not_identifiable_without_rivals_names_the_term(make_report):
    law = judged(identifiable={"predation": True, "growth": False})
    report = make_report(law=law, candidates={"margin": 0.1, "rows": lynx_rows()})
    assert "These data do not determine growth." in text(report)


def test_a_law_with_terms_added_is_no_rival(make_report):
    rows = [lynx_rows()[0], {**lynx_rows()[1], "kind": "wider"}]
    report = make_report(law=judged(**SURE), candidates={"margin": 2.0, "rows": rows})
    assert rival_list(report) is None
    assert "is this law with terms added" in text(report)
    [_, added] = candidates(report)
    assert (added.remark, added.kind) == ("adds terms", "aside")


def test_the_known_part_alone_may_win(make_report):
    first = {**row(1, 0.0, predation="0.0", growth="0.0"), "kind": "without_hidden_terms"}
    said = text(make_report(candidates={"rows": [first, *lynx_rows()[1:3]]}))
    assert "no hidden term is needed" in said
    assert "The known part of the equations alone is" not in said


def test_the_known_part_is_compared(make_report):
    said = text(make_report())
    assert "The known part of the equations alone is 58.3 units behind" in said


TEST = {"p_value": 0.004, "term": "lynx**2 in growth", "tried": 12, "size": 0.05, "power": 0.8}


def test_something_missing_is_said_with_the_term(make_report):
    law = judged(missing=True, details={"missing_test": TEST})
    report = make_report(law=law)
    assert re.search(r"Something may still be missing : lynx 2 in growth would", text(report))
    assert "(p = 0.0040)" in text(report)
    assert headline(report).endswith("something is missing")


def test_nothing_missing_is_said_with_the_power_of_the_test(make_report):
    details = {"missing_test": TEST | {"detectable_share": 0.123}}
    said = text(make_report(law=judged(missing=False, details=details)))
    assert "A test for one more term (12 trials) finds nothing missing" in said
    assert "contributes 12 % of its hidden term would have been found with 80 %" in said


def test_what_was_not_tested_is_not_claimed(make_report):
    law = judged(identifiable=None, missing=None, stable=None)
    said = text(make_report(law=law, candidates={"rows": lynx_rows()[:1]}))
    assert "was not assessed" in said
    assert "was not tested" in said
    assert "poles" not in said


def test_an_unstable_law_and_a_coefficient_that_may_be_zero(make_report):
    law = judged(stable=False)
    law["hidden"]["growth"]["terms"][0]["ci95"] = [-0.01, 0.05]
    report = make_report(law=law)
    assert "The law is not stable" in text(report)
    said = text(report)
    assert re.search(r"interval of the coefficient of hare \S* ?lynx in growth includes", said)
    assert "not stable" in headline(report)


def test_a_failed_forecast_is_said(make_report):
    law = lynx_law()
    law["scores"]["holdout_nrmse"] = None
    assert "The forecast of the held-out data failed." in text(make_report(law=law))


def test_warnings_that_the_paragraph_tells_are_not_told_twice(make_report):
    test = MissingTest(True, 0.01, "lynx in growth", 3, None)
    rows = [type("R", (), {"without_hidden_terms": True, "length": 0.0})()]
    told = warnings_of(rows, {}, test, False, 0.5)
    report = make_report(law=judged(warnings=list(told)))
    assert len(told) == 4
    assert [w.split()[0] for w in other_warnings(report)] == ["Two"]


@pytest.mark.parametrize(
    ("found", "rivals", "said"),
    [
        ({"identifiable": True}, 0, "determined"),
        ({"identifiable": {"f": False}}, 0, "not determined"),
        ({}, None, "not assessed"),
        ({"identifiable": True, "missing": True, "stable": False}, 2,
         "not determined: two rivals; something is missing; not stable"),
    ],
)  # fmt: skip
def test_verdict_in_a_few_words(found, rivals, said):
    assert short_verdict(found, rivals) == said
