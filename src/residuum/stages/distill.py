"""distill: turn the samples of every hidden term into formulas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from residuum.distillers.distiller import distill as distill_samples
from residuum.io.checkpoints import FileCheckpoint, fingerprint
from residuum.io.extraction import read_extraction
from residuum.io.fronts import write_fronts
from residuum.provenance import code_digest, versions
from residuum.seeds import child_seed
from residuum.stages.paths import paths_of
from residuum.stages.printing import ProgressPrinter

if TYPE_CHECKING:
    from residuum.config import Dataset
    from residuum.parallel import Map


def distill(dataset: Dataset, surrogate: str, distiller: str, results: Path, *, map: Map) -> None:
    """Write `front.json`; a search that was killed goes on from its checkpoint beside it."""
    paths = paths_of(results, dataset.name)
    folder = paths.surrogate(surrogate)
    settings = dataset.distiller(distiller)
    extraction = read_extraction(folder / "hidden.nc", folder / "structure.json")
    code = code_digest("residuum.stages.distill")
    fronts, checkpoints = {}, []
    for term, samples in extraction.samples.items():
        seed = child_seed(dataset.seed, "distill", dataset.name, surrogate, distiller, term)
        key = fingerprint(samples, settings, seed, code, versions())
        checkpoints.append(FileCheckpoint(paths.checkpoint(surrogate, distiller, term), key))
        fronts[term] = distill_samples(
            samples,
            settings,
            seed=seed,
            map=map,
            checkpoint=checkpoints[-1],
            progress=ProgressPrinter(term),
        )
    write_fronts(paths.front(surrogate, distiller), fronts)
    for checkpoint in checkpoints:
        checkpoint.clear()
