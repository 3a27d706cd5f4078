"""The law found in memory is the law that the workflow writes."""

from __future__ import annotations

import json

import pytest

import residuum
from residuum.io.observations import read_observations


@pytest.mark.slow
def test_discover_gives_the_law_of_the_campaign(finished, tmp_path, monkeypatch):
    dataset = residuum.load_campaign(finished.campaign).dataset("decay")
    results = finished.folder / "results" / "decay"
    monkeypatch.chdir(tmp_path)
    law = residuum.discover(
        dataset.problem,
        read_observations(results / "observations.nc"),
        surrogate=dataset.surrogate("pinn"),
        distiller=dataset.distiller("sindy"),
        select=dataset.select,
        seed=dataset.seed,
        dataset="decay",
    )
    written = json.loads((results / "law.json").read_text())
    found = json.loads(json.dumps(law.to_json()))
    for key in ("equations", "hidden", "parameters", "scores", "verdict"):
        assert found[key] == written[key], key
    assert not list(tmp_path.iterdir())
