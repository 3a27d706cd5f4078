"""A small search that islands can be tested with: sparse vectors near a known one.

An individual is a vector; its loss is the squared distance to the truth, its complexity the
number of its components that are not zero. Evaluations are counted one by one.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from residuum.distillers.genetic.islands import Evolved, run_islands
from residuum.distillers.journal import Best
from residuum.distillers.settings import Budget
from residuum.io.checkpoints import FileCheckpoint
from residuum.seeds import generator

TRUTH = np.array([1.5, 0.0, -2.0, 0.0, 0.5, 0.0])
SIZE = 12


@dataclass(frozen=True)
class Toy:
    """Vectors `[SIZE, 6]` with their losses; none may have a component below `lower`."""

    vectors: np.ndarray
    losses: np.ndarray
    lower: float
    evaluations: int

    @classmethod
    def founded(cls, *, seed: int, lower: float = -np.inf) -> Toy:
        vectors = np.maximum(generator(seed, "founders").normal(size=(SIZE, len(TRUTH))), lower)
        return cls(vectors, losses_of(vectors), lower, SIZE)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Toy:
        return cls(
            arrays["vectors"],
            arrays["losses"],
            float(arrays["lower"]),
            int(arrays["evaluations"]),
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {
            "vectors": self.vectors,
            "losses": self.losses,
            "lower": np.array(self.lower),
            "evaluations": np.array(self.evaluations),
        }

    def emigrants(self, count: int) -> dict[str, np.ndarray]:
        chosen = nondominated(self.vectors, self.losses)[:count]
        return {"vectors": self.vectors[chosen], "losses": self.losses[chosen]}

    def accepts(self, newcomers: Mapping[str, np.ndarray]) -> np.ndarray:
        return (newcomers["vectors"] >= self.lower).all(axis=1)

    def receive(self, newcomers: Mapping[str, np.ndarray]) -> Toy:
        kept = np.argsort(self.losses, kind="stable")[: SIZE - len(newcomers["losses"])]
        return replace(
            self,
            vectors=np.concatenate([self.vectors[kept], newcomers["vectors"]]),
            losses=np.concatenate([self.losses[kept], newcomers["losses"]]),
        )

    def best(self) -> list[Best]:
        chosen = nondominated(self.vectors, self.losses)
        return [
            Best(int((v != 0).sum()), float(loss), str(v.round(2)))
            for v, loss in zip(self.vectors[chosen], self.losses[chosen], strict=True)
        ]


def losses_of(vectors: np.ndarray) -> np.ndarray:
    return ((vectors - TRUTH) ** 2).sum(axis=-1)


def nondominated(vectors: np.ndarray, losses: np.ndarray) -> list[int]:
    """Indices of the front, lowest loss first."""
    sizes, chosen = (vectors != 0).sum(axis=1), []
    for k in np.lexsort((sizes, losses)):
        if not chosen or sizes[k] < sizes[chosen[-1]]:
            chosen.append(int(k))
    return chosen


def evolve(island: Toy, *, evaluations: int, seed: int) -> Toy:
    """Mutate one vector at a time; a child replaces its parent if it is better."""
    rng = generator(seed)
    vectors, losses = island.vectors.copy(), island.losses.copy()
    for _ in range(evaluations):
        k, j = rng.integers(SIZE), rng.integers(len(TRUTH))
        child = vectors[k].copy()
        child[j] = max(island.lower, rng.choice([0.0, child[j] + 0.3 * rng.normal()]))
        loss = losses_of(child)
        if loss < losses[k]:
            vectors[k], losses[k] = child, loss
    return replace(
        island, vectors=vectors, losses=losses, evaluations=island.evaluations + evaluations
    )


@dataclass(frozen=True)
class DiesOnce:
    """Evolves, but the first worker that evolves this seed's island is killed in the middle."""

    marker: str
    weight: bytes = b""

    def __call__(self, island: Toy, *, evaluations: int, seed: int) -> Toy:
        half = evolve(island, evaluations=evaluations // 2, seed=seed)
        if half.evaluations > 400 and not Path(self.marker).exists():
            Path(self.marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return evolve(island, evaluations=evaluations, seed=seed)


def slow_evolve(island: Toy, *, evaluations: int, seed: int) -> Toy:
    time.sleep(0.05)
    return evolve(island, evaluations=evaluations, seed=seed)


def founders(count: int = 4) -> list[Toy]:
    """Islands of which the last admits no negative component."""
    rules = [-np.inf] * (count - 1) + [0.0]
    return [Toy.founded(seed=k, lower=lower) for k, lower in enumerate(rules)]


def search(map=map, *, evolve=evolve, checkpoint=None, evaluations: int = 4_001) -> Evolved[Toy]:
    return run_islands(
        evolve,
        founders(),
        budget=Budget(evaluations=evaluations),
        epoch=150,
        seed=3,
        map=map,
        checkpoint=checkpoint,
    )


def state(found: Evolved[Toy]) -> list[bytes]:
    """Everything a search ends with, to the last bit."""
    arrays = [array for island in found.islands for array in island.to_arrays().values()]
    return [str(found.epochs).encode(), *(array.tobytes() for array in arrays)]


if __name__ == "__main__":
    search(evolve=slow_evolve, checkpoint=FileCheckpoint(Path(sys.argv[1]), "toy"))
