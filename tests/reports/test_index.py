"""The index: one row a dataset with a link that works, and the same for programs."""

from __future__ import annotations

import json
import re

from report_material import lynx_law, row

from residuum.reports.formulas import law_mathml, law_tex
from residuum.reports.index import render_index, summary


def test_index_lists_every_dataset_with_its_law_and_link():
    other = lynx_law() | {"dataset": "pendulum", "title": "A pendulum"}
    html = render_index([lynx_law() | {"title": "Pelts"}, other])
    assert re.findall(r'href="([^"]+)"', html) == ["lynx_hare/report.html", "pendulum/report.html"]
    assert html.count("<math") == 2
    assert "A pendulum" in html
    assert "0.142" in html
    assert "two datasets" in html


def test_index_escapes_titles_and_addresses():
    law = lynx_law() | {"dataset": "../x y", "title": "<script>alert(1)</script></svg>"}
    html = render_index([law])
    assert "<script" not in html
    assert 'href="..%2Fx%20y/report.html"' in html


def test_index_counts_rivals_by_the_laws_own_margin():
    law = lynx_law()
    law["runners_up"] = [row(2, 3.0), row(3, 8.0), {**row(4, 1.0), "status": "diverged"}]
    assert "not determined: two rivals" in render_index([law])
    law["verdict"]["details"] = {"margin": 4.0}
    assert "not determined: one rival" in render_index([law])


def test_index_keeps_the_order_of_the_equations():
    law = lynx_law()
    backwards = law | {"equations": dict(reversed(law["equations"].items()))}
    assert render_index([backwards | {"order": ["hare_t", "lynx_t"]}]) == render_index([law])


def test_index_without_datasets():
    assert "No dataset has a law yet." in render_index([])


def test_summary_is_plain_and_complete():
    law = lynx_law()
    law["scores"]["valid_time"] = float("inf")
    found = summary([law])
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again == found
    entry = found["datasets"]["lynx_hare"]
    assert entry["parameters"] == {"alpha": 0.540213, "gamma": 0.796155}
    assert entry["scores"]["valid_time"] is None
    assert entry["equations"] == law["equations"]
    assert entry["report"] == "lynx_hare/report.html"


def test_equal_laws_give_equal_bytes():
    assert render_index([lynx_law()]) == render_index([lynx_law()])


def test_equations_stand_in_the_order_they_were_given():
    law = lynx_law()
    backwards = law | {"equations": dict(reversed(law["equations"].items()))}
    assert law_mathml(backwards, ["hare_t", "lynx_t"]) == law_mathml(law)
    assert law_tex(backwards, ["hare_t", "lynx_t"]) == law_tex(law)
