"""Rows that are there are not run again; peers' formulas read back; the page says what it has."""

from __future__ import annotations

import json

import numpy as np
import pytest
from benchmarks.symbolic import run
from benchmarks.symbolic.engines import unit_text
from benchmarks.symbolic.found import Found, Scaled
from benchmarks.symbolic.page import render_symbolic
from benchmarks.symbolic.peers import read_gplearn, read_operon, symbols
from benchmarks.symbolic.suites import SUITES, problem_of

from residuum.expressions.parser import parse


@pytest.fixture
def problem():
    return problem_of("strogatz", "lv-x", seed=0, noise=0.0, units=False)


def test_the_chosen_formula_counts_and_the_front_is_told_apart(problem):
    truth = Found(problem.truth, 0.0, 5)
    wrong = Found(parse("x + y"), 1.0, 3)
    both = [Found(wrong.expression, 1.0, 3, chosen=True), truth]
    row = run.judged(problem, both)
    assert not row["recovered"]
    assert row["front"]
    row = run.judged(problem, [wrong, Found(problem.truth, 0.0, 5, chosen=True)])
    assert row["recovered"]
    assert row["numeric"]
    assert row["distance"] == 0.0
    assert not run.judged(problem, [])["recovered"]


def test_a_failing_engine_has_recovered_nothing_and_says_why(monkeypatch):
    def fail(problem, seconds, seed):
        raise ValueError("lost")

    monkeypatch.setattr(run, "ENGINES", {"residuum": fail})
    row = run.run_job(run.Job("strogatz", "lv-x", "residuum", 0, 0.0, False, 1.0))
    assert row["status"] == "ValueError: lost"
    assert row["recovered"] is row["front"] is False


def test_rows_that_are_there_are_not_run_again(tmp_path, monkeypatch, capsys):
    ran = []

    def finished(jobs):
        for job in jobs:
            ran.append(job.name)
            row = {"recovered": True, "front": True, "numeric": True, "wall": 1.0, "status": "ok"}
            yield {**{k: getattr(job, k) for k in job.__dataclass_fields__}, **row}

    monkeypatch.setattr(run, "_finished", finished)
    monkeypatch.setattr(run, "describe", lambda: {"code": "a"})
    about = {"noise": 0.0, "units": True, "seeds": 1, "seconds": 1.0, "engine": "residuum"}
    lines = tmp_path / "strogatz.jsonl"
    run.run_suite("strogatz", **about, only=["lv-x"], lines=lines)
    run.run_suite("strogatz", **about, only=[], lines=lines)
    assert len(ran) == 14
    assert sorted(ran) == sorted({*ran})
    assert "of 14: recovered 14" in capsys.readouterr().out
    monkeypatch.setattr(run, "describe", lambda: {"code": "b"})
    run.run_suite("strogatz", **about, only=["lv-x"], lines=lines)
    assert len(ran) == 15  # our own sources changed, so what they gave before is no answer


def test_a_suite_without_its_data_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RESIDUUM_BENCHMARK_DATA", str(tmp_path))
    about = {"noise": 0.0, "units": True, "seeds": 1, "seconds": 1.0, "engine": "residuum"}
    run.run_suite("fastsrb", **about, only=[], lines=tmp_path / "lines.jsonl")
    assert "fastsrb not run" in capsys.readouterr().out


def test_operon_infix_reads_back():
    text = "(0.5 + (2.0 * (square(X1) / ((-1.5) * X2)))) ^ 2.0"
    found = read_operon(text, {"X1": "a", "X2": "b"})
    assert found.variables == ("a", "b")
    assert read_operon("cbrt(X1)", {"X1": "a"}) is None


def test_gplearn_programs_read_back():
    class Function:
        def __init__(self, name):
            self.name = name

    program = [Function("add"), Function("sqrt"), 0, Function("mul"), 1, 2.5]
    assert read_gplearn(program, ("x", "y")).infix() == "sqrt(abs(x)) + y*2.5"


def test_operon_has_the_operators_of_the_suite():
    assert symbols(("+", "**", "sin")) == "add,sin,square,constant,variable"
    assert "pow" in symbols(("+", "**", "exp")).split(",")


def test_scaled_numbers_lead_back(problem):
    from dataclasses import replace

    tiny = replace(problem, X=problem.X * np.array([1e-20, 1e12]), y=problem.y * 1e-30)
    scaled = Scaled.of(tiny)
    assert 0.05 < np.median(np.abs(scaled.X[:, 0])) < 20
    back = scaled.back(parse("3*x*y"))
    factor = 3 * scaled.value / scaled.columns.prod()
    assert back.constants == (pytest.approx(factor, rel=1e-12),)


def test_unit_text():
    assert unit_text((2.0, -2.0, 1.0, 0.0, -0.5)) == "m^2*s^-2*kg^1*V^-0.5"
    assert unit_text((0.0,) * 5) == "1"


def test_the_page_has_what_was_run_and_says_what_was_not(tmp_path):
    row = {
        **{"suite": "strogatz", "name": "lv-x", "engine": "residuum", "seed": 0, "noise": 0.0},
        **{"units": False, "seconds": 30.0, "status": "ok", "wall": 12.0, "recovered": False},
        **{"front": True, "numeric": True, "distance": 0.25},
    }
    (tmp_path / "strogatz.jsonl").write_text(json.dumps(row) + "\n")
    page = render_symbolic(tmp_path)
    assert "| residuum | 0 | no | 30 | 1 | 1 | 0: 0 % (0 to 79) | 1 | 1 | 0.25 | 12 |" in page
    assert "Not recovered by residuum (noise 0, no units, 30 s): lv-x." in page
    assert page.count("Not run.") == len(SUITES) - 1
    assert "TiSR 69.4 %" in page
    assert "PySR 35 of 45" in page
