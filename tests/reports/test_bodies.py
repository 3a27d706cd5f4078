"""Pages of systems of bodies: sums and lengths in the law, forces, accelerations and paths."""

from __future__ import annotations

import json

import numpy as np
import pytest
from bodies_truths import extraction_of, front, problem_of, snapshots

from residuum.data.observations import Observations
from residuum.errors import UserError
from residuum.laws.export.system import system_of
from residuum.laws.law import Law
from residuum.laws.prediction import predict
from residuum.laws.select import select
from residuum.laws.settings import SelectSettings
from residuum.reports.content import DatasetReport
from residuum.reports.index import render_index
from residuum.reports.page import render_page


@pytest.fixture(scope="module")
def report() -> DatasetReport:
    observations = Observations.of(snapshots(40, 4, seed=0), title="Springs <between> bodies")
    problem, extraction = problem_of(), extraction_of({}, {})
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
