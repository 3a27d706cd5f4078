"""What counts as recovered, and what is kept of a draw."""

from __future__ import annotations

import json

import numpy as np
import pytest
from benchmarks.cases import B1, CASES, hidden_error, is_product, recovered
from benchmarks.recovery import formula_values, run_draws

from residuum.expressions.parser import parse

FULL = {"predation": "0.9*prey*predator", "growth": "0.8*predator*prey"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.9*prey*predator", True),
        ("0.9*(predator*prey)", True),
        ("-(prey*predator)", True),
        ("prey*predator/2", True),
        ("0.9*prey*predator + 1e-9", False),
        ("0.9*prey*predator + 0.001*prey", False),
        ("0.9*prey**2*predator", False),
        ("0.9*prey*prey", False),
        ("0.9*prey", False),
        ("0*prey*predator", False),
        ("0", False),
        ("0.9", False),
        ("0.9*prey/predator", False),
    ],
)
def test_a_product_and_nothing_else(text, expected):
    assert is_product(parse(text)) is expected


def test_recovered_wants_both_terms():
    assert recovered({name: parse(text) for name, text in FULL.items()})
    assert not recovered({"predation": parse(FULL["predation"])})
    assert not recovered({**{k: parse(v) for k, v in FULL.items()}, "growth": parse("0.8*prey")})


def test_the_truth_has_no_error_and_a_share_is_a_share():
    X = B1.path()
    truth = B1.truth(X)
    found = {name: formula_values(parse(text), X) for name, text in FULL.items()}
    assert hidden_error(found, truth) < 1e-14
    assert hidden_error({k: 1.1 * v for k, v in truth.items()}, truth) == pytest.approx(0.1)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_hidden_terms_complete_the_simulated_equations(case):
    # the known part plus the true terms must be the derivative of the simulated path
    X, t = case.path(2001), np.linspace(0.0, case.stop, 2001)
    truth = case.truth(X)
    rates = np.gradient(X, t, axis=0, edge_order=2)
    prey = case.alpha * X[:, 0] - truth["predation"]
    predator = truth["growth"] - case.delta * X[:, 1]
    assert np.abs(rates - np.stack([prey, predator], axis=1)).max() < 2e-4 * np.abs(rates).max()


def test_noise_is_a_share_of_the_mean_and_its_size_is_not_told():
    draws = [B1.observe(points=31, noise=0.05, draw=k) for k in range(40)]
    clean = B1.path(31)
    errors = [
        np.stack([e.states[s] for s in ("prey", "predator")], axis=1) - clean
        for d in draws
        for e in d.experiments
    ]
    share = np.std(errors, axis=(0, 1)) / clean.mean(axis=0)
    assert share == pytest.approx([0.05, 0.05], rel=0.1)
    assert draws[0].noise.kind == "relative"
    assert draws[0].noise.size is None
    assert not any(e.held_out.any() for d in draws for e in d.experiments)


def test_draws_that_are_there_are_not_run_again(tmp_path, monkeypatch):
    ran = []

    def one_draw(case, noise, points, draw):
        ran.append(draw)
        if draw == 2 and len(ran) == 4:
            raise KeyboardInterrupt
        return {"draw": draw, "recovered": True, "recovered_alone": False, "total": 1.0}

    monkeypatch.setattr("benchmarks.recovery.one_draw", one_draw)
    monkeypatch.setattr("benchmarks.recovery.describe", lambda: {"code": "a"})
    lines, result = tmp_path / "lines.jsonl", tmp_path / "result.json"

    def run():
        run_draws("B1", noise=0.01, points=31, draws=4, seed=0, lines=lines, result=result)

    with pytest.raises(KeyboardInterrupt):
        run()
    with lines.open("a") as file:
        file.write('{"draw": 2, "recov')
    del ran[:]
    run()
    assert ran[1:] == [2, 3]
    assert [row["draw"] for row in json.loads(result.read_text())["draws"]] == [0, 1, 2, 3]
    del ran[:]
    run()
    assert ran == []


def test_draws_of_other_sources_are_run_again(tmp_path, monkeypatch):
    ran = []

    def one_draw(case, noise, points, draw):
        ran.append(draw)
        return {"draw": draw, "recovered": True, "recovered_alone": True, "total": 1.0}

    monkeypatch.setattr("benchmarks.recovery.one_draw", one_draw)
    for code in ("a", "b"):
        monkeypatch.setattr("benchmarks.recovery.describe", lambda code=code: {"code": code})
        run_draws(
            "B1",
            noise=0.01,
            points=31,
            draws=1,
            seed=0,
            lines=tmp_path / "lines.jsonl",
            result=tmp_path / "result.json",
        )
    assert ran.count(0) == 2


def test_a_draw_that_fails_is_not_recovered_and_says_why(monkeypatch):
    from benchmarks import recovery

    def fail(*arguments):
        raise ValueError("lost")

    monkeypatch.setattr(recovery, "_draw", fail)
    row = recovery.one_draw(B1, 0.01, 31, 0)
    assert row["status"] == "ValueError: lost"
    assert row["recovered"] is row["recovered_alone"] is False
