"""Pages of systems of bodies: sums and lengths in the law, forces, accelerations and paths."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from bodies_truths import extraction_of, front, problem_of, snapshots

from residuum.data.observations import Experiment, Observations
from residuum.errors import UserError
from residuum.laws.body_rollouts import follow
from residuum.laws.export.system import system_of
from residuum.laws.law import Law
from residuum.laws.prediction import predict
from residuum.laws.select import select
from residuum.laws.settings import SelectSettings
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_evaluation import evaluate_bodies
from residuum.problem.body_problem import BodyProblem
from residuum.reports.content import DatasetReport
from residuum.reports.energy import drifts
from residuum.reports.index import render_index
from residuum.reports.page import render_page

D = "(position_j - position_i)"
SPRING = f"2*mass_i*mass_j*(norm({D}) - 0.5)*{D}/norm({D})"
FREE = "sum(force(position_j - position_i, mass_i, mass_j))/mass_i"


def reported(problem: BodyProblem, experiments: Sequence[Experiment]) -> DatasetReport:
    observations = Observations.of(experiments, title="Springs <between> bodies")
    extraction = extraction_of({}, {})
    fronts = [{"force": front()}]
    found = select(problem, observations, extraction, fronts, SelectSettings(extend=0))
    return DatasetReport(
        law=json.loads(json.dumps(found.law.to_json())),
        candidates=json.loads(json.dumps(found.to_json())),
        observations=observations,
        extractions={"graph": extraction},
        fronts=[front()],
        given={e.left: e.text for e in problem.equations},
    )


@pytest.fixture(scope="module")
def report() -> DatasetReport:
    return reported(problem_of(), snapshots(40, 4, seed=0))


def test_the_page_holds_the_law_of_bodies(report: DatasetReport) -> None:
    page = render_page(report)
    assert "<munder>" in page.html
    assert "times the direction of <code>position_ij</code>" in page.html
    assert "Springs &lt;between&gt; bodies" in page.html
    assert set(page.figures) == {"accelerations", "hidden", "front"}
    assert r"\sum_{j \neq i}" in page.tex
    assert r"\mathrm{d}^{2} \mathrm{position}_{i}" in page.tex
    assert render_page(report).html == page.html


def test_the_index_holds_it_too(report: DatasetReport) -> None:
    assert "<munder>" in render_index([report.law])


def test_what_is_for_numbers_says_what_is_for_vectors(report: DatasetReport) -> None:
    law = Law.from_json(report.law)
    with pytest.raises(UserError, match="system_of_bodies"):
        system_of(law)
    with pytest.raises(UserError, match="predict_bodies"):
        predict(law, np.linspace(0, 1, 5), {})


@pytest.fixture(scope="module")
def moving() -> DatasetReport:
    """Return springs without drag whose velocities were measured too, and paths of the law."""
    frames = []
    for e in snapshots(4, 3, seed=1):
        start = e.states["position"][0], np.zeros_like(e.states["position_t"][0])
        law = read_body_problem(
            {"position_tt": FREE.replace("force(position_j - position_i, mass_i, mass_j)", SPRING)},
            scalars=("mass",),
        )
        t = np.linspace(0, 3, 15)
        path = follow(law, e, {}, np.concatenate([x.ravel() for x in start]), t)
        x, v = np.moveaxis(path.reshape(15, 2, len(e.bodies), 2), 1, 0)
        a = evaluate_bodies(law, {"position": x}, e.scalars)["position"]
        noise = 0.02 * np.random.default_rng(0).normal(size=v.shape)
        states = {"position": x, "position_t": v + noise, "position_tt": a}
        held = np.full(15, e.name == "snap_0")
        frames.append(replace(e, t=t, states=states, held_out=held))
    return reported(read_body_problem({"position_tt": FREE}, scalars=("mass",)), frames)


def test_energy_is_drawn_along_paths_and_measured(moving: DatasetReport) -> None:
    page = render_page(moving)
    assert "energy" in page.figures
    assert "the law conserves energy. Along fitted paths it changes by at most" in page.html
    rows = drifts(moving)
    assert isinstance(rows, list)
    assert {part for row in rows for part in row.parts} == {"fit", "forecast", "data"}
    for row in rows:
        for part, (_, values) in row.parts.items():
            largest = np.abs(values).max()
            assert 1e-4 < largest < 0.2 if part == "data" else largest < 1e-5


def test_a_law_with_drag_says_that_energy_is_lost(report: DatasetReport) -> None:
    page = render_page(report)
    assert "energy" not in page.figures
    assert "not conserved: forces depend on velocities (position_t), as drag does." in page.html
