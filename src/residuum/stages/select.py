"""select: put the formulas back, refit them on the raw data, and choose one law."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from residuum.files import write_json
from residuum.io.extraction import read_extraction
from residuum.io.fronts import read_fronts
from residuum.io.observations import read_observations
from residuum.io.surrogate import read_description
from residuum.laws.select import select as select_law
from residuum.provenance import code_digest, json_digest, versions
from residuum.stages.paths import CANDIDATES, LAW, DatasetPaths, paths_of

if TYPE_CHECKING:
    from residuum.config import Dataset
    from residuum.parallel import Map

BEFORE = ("prepare", "train", "extract", "distill", "select")


def select(dataset: Dataset, results: Path, *, map: Map) -> None:
    """Write `candidates.json` and then `law.json`."""
    paths = paths_of(results, dataset.name)
    # The trajectories that every refit starts from are those of the surrogate named first.
    first = paths.surrogate(next(iter(dataset.surrogates)))
    began = time.perf_counter()
    selection = select_law(
        dataset.problem,
        read_observations(paths.observations),
        read_extraction(first / "hidden.nc", first / "structure.json"),
        [read_fronts(paths.front(s, d)) for s in dataset.surrogates for d in dataset.distillers],
        dataset.select,
        dataset=dataset.name,
        map=map,
    )
    made = provenance(dataset, paths, round(time.perf_counter() - began, 3))
    write_json(paths.candidates, selection.to_json(), CANDIDATES)
    write_json(paths.law, replace(selection.law, provenance=made).to_json(), LAW)


def provenance(dataset: Dataset, paths: DatasetPaths, select_s: float) -> dict[str, Any]:
    """Return what the law was made from and with."""
    trained = {s: read_description(paths.surrogate(s) / "surrogate.json")
               for s in dataset.surrogates}  # fmt: skip
    return {
        "config": json_digest(_settings(dataset)),
        "source": json_digest({s: code_digest(f"residuum.stages.{s}") for s in BEFORE}),
        "versions": versions(),
        "seed": dataset.seed,
        "device": {name: content.get("device", "cpu") for name, content in trained.items()},
        "wall_s": {
            **{f"train {name}": content.get("wall_s") for name, content in trained.items()},
            "select": select_s,
        },
    }


def _settings(dataset: Dataset) -> Mapping[str, Any]:
    """Return everything of the campaign that the law depends on."""
    return {
        "prepare": dataset.section("prepare"),
        "train": {name: dataset.section("train", name) for name in dataset.surrogates},
        "distill": {name: dataset.section("distill", name) for name in dataset.distillers},
        "select": dataset.section("select"),
    }
