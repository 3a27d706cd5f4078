"""Small searches with the real engine, and a worker that is killed in the middle of an epoch."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from residuum.distillers.genetic.islands import Evolved, run_islands
from residuum.distillers.genetic.population import Evolution, GeneticIsland
from residuum.distillers.genetic.search import found_islands
from residuum.distillers.regression import Table
from residuum.distillers.settings import Budget, GeneticSettings

SETTINGS = GeneticSettings(population=50, islands=4, epoch=500, budget=6000, complexity=20)


def noisy_table(rows: int = 40) -> Table:
    rng = np.random.default_rng(2)
    X = rng.uniform(0.5, 2.0, (rows, 2))
    y = np.exp(-0.7 * X[:, 0]) / (1 + X[:, 1]) + 0.02 * rng.normal(size=rows)
    return Table.of(("a", "b"), X, y)


@dataclass(frozen=True)
class DiesOnce:
    """Evolves, but the first worker with enough evaluations behind it is killed in the middle."""

    evolve: Evolution
    marker: str

    def __call__(self, island: GeneticIsland, *, evaluations: int, seed: int) -> GeneticIsland:
        if island.evaluations > 600 and not Path(self.marker).exists():
            self.evolve(island, evaluations=evaluations // 2, seed=seed)
            Path(self.marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.evolve(island, evaluations=evaluations, seed=seed)


def evolved(map=map, *, marker: str | None = None) -> Evolved[GeneticIsland]:
    places, islands = found_islands(noisy_table(), SETTINGS, seed=5)
    evolve = Evolution(places, 0.0)
    return run_islands(
        evolve if marker is None else DiesOnce(evolve, marker),
        islands,
        budget=Budget(evaluations=6000),
        epoch=300,
        seed=5,
        map=map,
    )


def state(found: Evolved[GeneticIsland]) -> list[bytes]:
    """Everything a search ends with, to the last bit."""
    return [array.tobytes() for island in found.islands for array in island.to_arrays().values()]


def evolved_state() -> list[bytes]:
    """What a search in one process ends with."""
    return state(evolved())
