"""Springs of which neither the force nor what it does is known, from snapshots to the page."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from residuum.data.observations import Experiment, Observations
from residuum.distillers.distiller import distill
from residuum.distillers.settings import GeneticSettings
from residuum.errors import UserError
from residuum.hidden.extract import extract
from residuum.laws.select import select
from residuum.laws.settings import SelectSettings
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_evaluation import evaluate_bodies
from residuum.reports.content import DatasetReport
from residuum.reports.page import render_page
from residuum.surrogates.settings import GraphSettings, PinnSettings
from residuum.surrogates.train import train

PAIR = "position_j - position_i"
TRUTH = f"sum(2*mass_i*mass_j*(norm({PAIR}) - 1)*({PAIR})/norm({PAIR}))/mass_i"
TEXT = f"update(sum(message({PAIR}, mass_i, mass_j)), mass_i)"
QUICK = GraphSettings(messages=("mutual",), ensemble=2, width=6, layers=1, rounds=6)
SEARCH = GeneticSettings(operators=("+", "-", "*", "/"), budget=4000)
NOISE = 0.01


def springs(count: int, seed: int) -> list[Experiment]:
    """Return snapshots of three bodies with accelerations that are a little off."""
    rng, truth = np.random.default_rng(seed), problem(TRUTH)
    found = []
    for k in range(count):
        x, mass = 1.5 * rng.normal(size=(4, 3, 2)), np.exp(0.5 * rng.normal(size=3))
        a = evaluate_bodies(truth, {"position": x}, {"mass": mass})["position"]
        a = a + NOISE * a.std() * rng.normal(size=a.shape)
        states = {"position": x, "position_tt": a}
        held, scalars = np.full(4, k % 5 == 4), {"mass": mass}
        found.append(Experiment(f"e{k}", np.arange(4.0), states, {}, held, tuple("abc"), scalars))
    return found


def problem(text: str):
    states = ("position", "position_tt")
    return read_body_problem({"position_tt": text}, states=states, scalars=("mass",))


@pytest.fixture(scope="module")
def found():
    observations = Observations.of(springs(30, seed=0))
    trained = train(problem(TEXT), observations, QUICK, seed=0, device="cpu")
    extraction = extract(trained, problem(TEXT), observations)
    front = {n: distill(samples, SEARCH, seed=0) for n, samples in extraction.samples.items()}
    settings = SelectSettings(laws=16, extend=0, shortlist=4)
    selection = select(problem(TEXT), observations, extraction, [front], settings)
    return observations, trained, extraction, front, selection


@pytest.mark.slow
def test_the_law_makes_the_true_accelerations(found):
    law = found[-1].law
    x, mass = np.random.default_rng(9).normal(size=(50, 3, 2)), np.array([0.5, 1.0, 2.0])
    states, scalars = {"position": x}, {"mass": mass}
    true = evaluate_bodies(problem(TRUTH), states, scalars)["position"]
    made = evaluate_bodies(law.bodies, states, scalars)["position"]
    np.testing.assert_allclose(made, true, atol=0.01 * np.abs(true).max())
    assert law.hidden["update"].expression.infix() == "total_length/mass_i"
    assert law.texts["position_tt"].count("norm(sum(") == 0
    assert law.scores["holdout_nrmse"] < 2 * NOISE
    assert any("only what they make together" in w for w in law.verdict.warnings)


@pytest.mark.slow
def test_the_samples_are_forces(found):
    message = found[2].samples["message"]
    r, m_i, m_j = message.X.T
    true = 2 * m_i * m_j * (r - 1)
    assert np.std(message.values - true) < 0.05 * np.std(true)
    z = (message.values - true) / message.sd
    assert np.sqrt(np.mean(z**2)) < 3


@pytest.mark.slow
def test_the_page_tells_the_gauge(found):
    observations, trained, extraction, front, selection = found
    report = DatasetReport(
        law=json.loads(json.dumps(selection.law.to_json())),
        candidates=json.loads(json.dumps(selection.to_json())),
        observations=observations,
        extractions={"graph": extraction},
        fronts=list(front.values()),
        surrogates={"graph": trained.to_arrays()[1]},
        given={"position_tt": TEXT},
    )
    page = render_page(report)
    assert "gauge of update, free" in page.html
    assert "message times any number" in page.html
    assert "Of update and message only what they make together can be known" in page.html


@pytest.mark.parametrize("settings", [QUICK, PinnSettings()])
def test_an_unknown_update_asks_for_accelerations(settings):
    paths = [replace(e, states={"position": e.states["position"]}) for e in springs(3, seed=1)]
    unknown = read_body_problem({"position_tt": TEXT}, states=("position",), scalars=("mass",))
    with pytest.raises(UserError, match="hidden term 'update' of the hidden term 'message'"):
        train(unknown, Observations.of(paths), settings, seed=0, device="cpu")
