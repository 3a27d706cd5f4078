"""The law found in memory is the law that the workflow writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import residuum
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.io.observations import read_observations
from residuum.laws.families import box_points, holds
from residuum.stages.prepare import observe

SATURATION = Path(__file__).parent.parent / "config" / "saturation.yaml"
# One more than exp needs: its offset may be free.
MOST_CONSTANTS = 3
# About where the arguments of the hidden terms were measured.
BOXES = {
    "holling": np.array([[0.01, 3.5], [0.1, 1.7]]),
    "diode": np.array([[-0.34, 0.06]]),
}


@pytest.mark.slow
def test_discover_gives_the_law_of_the_campaign(finished, tmp_path, monkeypatch):
    dataset = residuum.load_campaign(finished.campaign).dataset("decay")
    results = finished.folder / "results" / "decay"
    monkeypatch.chdir(tmp_path)
    law = residuum.discover(
        dataset.problem,
        read_observations(results / "observations.nc"),
        surrogate=dataset.surrogate("pinn"),
        distillers=dataset.distillers,
        select=dataset.select,
        seed=dataset.seed,
        dataset="decay",
    )
    written = json.loads((results / "law.json").read_text())
    found = json.loads(json.dumps(law.to_json()))
    for key in ("equations", "hidden", "parameters", "scores", "verdict"):
        assert found[key] == written[key], key
    assert not list(tmp_path.iterdir())


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("holling", "2.0*predator*prey/(1.0 + 1.0*prey)"),
        ("diode", "10.0*(exp(27.777777777777779*V) - 1)"),
    ],
)
def test_terms_that_no_polynomial_holds_are_recovered(name, truth):
    """The campaign of saturation: a family that holds the truth, with values within 2 % of it."""
    dataset = residuum.load_campaign(SATURATION).dataset(name)
    law = residuum.discover(
        dataset.problem,
        observe(dataset),
        surrogate=dataset.surrogate("pinn"),
        distillers=dataset.distillers,
        select=dataset.select,
        seed=dataset.seed,
        dataset=name,
    )
    (found,) = law.hidden.values()
    points = box_points(found.arguments, BOXES[name])
    assert holds(found.expression, parse(truth), points), found.expression.infix()
    assert len(found.expression.constants) <= MOST_CONSTANTS
    exact = evaluate(parse(truth), points)
    gap = evaluate(found.expression, points) - exact
    assert np.sqrt(np.mean(gap**2) / np.mean(exact**2)) < 0.02
    assert law.verdict.missing is False
    assert law.verdict.stable
