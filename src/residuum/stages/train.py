"""train: fit the states and the hidden terms to the training part of the observations."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from residuum.files import write_csv
from residuum.io.observations import read_observations
from residuum.io.surrogate import write_surrogate
from residuum.seeds import child_seed
from residuum.stages.paths import paths_of
from residuum.surrogates.train import train as train_surrogate

if TYPE_CHECKING:
    from residuum.config import Dataset


def train(dataset: Dataset, surrogate: str, results: Path) -> None:
    """Write `surrogate.safetensors`, `surrogate.json` and `history.csv`."""
    paths = paths_of(results, dataset.name)
    folder = paths.surrogate(surrogate)
    settings = dataset.surrogate(surrogate)
    began = time.perf_counter()
    trained = train_surrogate(
        dataset.problem,
        read_observations(paths.observations),
        settings,
        seed=child_seed(dataset.seed, "train", dataset.name, surrogate),
        device=settings.device,
        progress=_say,
    )
    arrays, content = trained.to_arrays()
    content = {**content, "wall_s": round(time.perf_counter() - began, 3)}
    write_csv(folder / "history.csv", trained.history)
    write_surrogate(folder / "surrogate.safetensors", folder / "surrogate.json", arrays, content)


def _say(row: Mapping[str, float | str]) -> None:
    """Log one round of training."""
    shown = (f"{key} {value:.6g}" if isinstance(value, float) else f"{key} {value}"
             for key, value in row.items())  # fmt: skip
    print("  ".join(shown), flush=True)
