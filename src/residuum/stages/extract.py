"""extract: read samples of every hidden term, with their spread, from a surrogate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from residuum.hidden.extract import extract as extract_hidden
from residuum.io.extraction import write_extraction
from residuum.io.observations import read_observations
from residuum.io.surrogate import read_surrogate
from residuum.stages.paths import paths_of
from residuum.surrogates.train import READERS

if TYPE_CHECKING:
    from residuum.config import Dataset


def extract(dataset: Dataset, surrogate: str, results: Path) -> None:
    """Write `hidden.nc` and `structure.json`."""
    paths = paths_of(results, dataset.name)
    folder = paths.surrogate(surrogate)
    observations = read_observations(paths.observations)
    arrays, content = read_surrogate(folder / "surrogate.safetensors", folder / "surrogate.json")
    trained = READERS[content["kind"]].from_arrays(arrays, content)
    extraction = extract_hidden(trained, dataset.problem, observations)
    write_extraction(folder / "hidden.nc", folder / "structure.json", extraction)
