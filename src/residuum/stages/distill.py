"""distill: turn the samples of every hidden term into formulas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from residuum.distillers.distiller import distill as distill_samples
from residuum.io.extraction import read_extraction
from residuum.io.fronts import write_fronts
from residuum.seeds import child_seed
from residuum.stages.paths import paths_of

if TYPE_CHECKING:
    from residuum.config import Dataset
    from residuum.parallel import Map


def distill(dataset: Dataset, surrogate: str, distiller: str, results: Path, *, map: Map) -> None:
    """Write `front.json`."""
    paths = paths_of(results, dataset.name)
    folder = paths.surrogate(surrogate)
    settings = dataset.distiller(distiller)
    extraction = read_extraction(folder / "hidden.nc", folder / "structure.json")
    fronts = {
        term: distill_samples(
            samples,
            settings,
            seed=child_seed(dataset.seed, "distill", dataset.name, surrogate, distiller, term),
            map=map,
        )
        for term, samples in extraction.samples.items()
    }
    write_fronts(paths.front(surrogate, distiller), fronts)
