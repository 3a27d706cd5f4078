"""The page: published figures stand as published, and what is lacking is said."""

from __future__ import annotations

import json

import pytest
from benchmarks.page import MISSING, render
from benchmarks.published import LYNX_HARE, UDE_RATES
from benchmarks.tables import formula, rate, table, wilson

MACHINE = {
    "date": "2026-01-01",
    "processor": "a processor",
    "cores": 2,
    "system": "Linux x86_64",
    "versions": {"python": "3.12"},
    "code": "0" * 64,
}


def draw(number, *, found=True):
    return {
        "draw": number,
        "status": "ok",
        "recovered": found,
        "recovered_alone": False,
        "hidden": {"predation": "1*prey", "growth": "2*prey"},
        "inside": {"predation": True, "growth": False} if found else {},
        "truth_behind": 0.0 if found else 3.5,
        "error": {"surrogate": 0.05, "law": 0.01},
        "seconds": dict.fromkeys(("prepare", "train", "extract", "distill", "select"), 0.5),
        "total": 2.5,
        "cpu": 2.0,
    }


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "B1"
    folder.mkdir()
    rows = [draw(0), draw(1), draw(2, found=False)]
    about = {"case": "B1", "noise": 0.05, "points": 31, "asked": 100, "machine": MACHINE}
    (folder / "noise-0.05-points-31.json").write_text(json.dumps({**about, "draws": rows}))
    return tmp_path


def test_the_published_figures_are_those_of_their_source():
    assert UDE_RATES == {0.001: 0.75, 0.005: 0.72, 0.01: 0.58, 0.025: 0.29, 0.05: 0.18}
    assert LYNX_HARE == {"alpha": 0.5469, "predation": 0.02775, "gamma": 0.8001, "growth": 0.02409}


def test_a_case_that_was_not_run_says_so(tmp_path):
    page = render(tmp_path)
    assert page.count(MISSING.strip()) == 20
    assert "No case was run" in page


def test_measured_stands_beside_published(results):
    (line,) = [row for row in render(results).splitlines() if row.startswith("| 0.05 | 3 |")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[2].startswith("67 % (")
    assert cells[4] == "18 %"
    assert cells[5].startswith("0 % (")
    assert cells[7] == "2 of 4"


def test_too_few_draws_and_other_sources_are_said(results):
    page = render(results)
    assert "3 draws of the 100 asked for" in page
    assert "measured with other sources" in page


def test_what_was_found_in_place_of_the_truth(results):
    assert "2: `1*prey`, `2*prey`" in render(results)


def test_wilson_interval():
    # R: prop.test(15, 50, correct = FALSE)
    assert wilson(15, 50) == pytest.approx((0.1910, 0.4375), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    assert rate(0, 0) == "not run"


def test_a_bar_in_a_cell_does_not_break_a_table():
    assert table(["a"], [["x | y"]]).splitlines()[-1] == "| x \\| y |"


def test_numbers_of_a_formula_are_shortened():
    text = "0.90479018*(x1*y) + -2.894212969063987e-05*y**3"
    assert formula(text) == "`0.9048*(x1*y) - 2.894e-05*y**3`"
