r"""Which islands exchange individuals after an epoch, and how.

Island `k` sends to the next on a ring, and receives from one more that is drawn anew each epoch:
the ring keeps islands different for about as many epochs as there are islands, the random links
keep the whole from falling apart into distant arcs. Everything is computed from the islands as
they were at the end of the epoch, so the order in which they finished does not matter.
Migration in synchronous epochs: Whitley, Rana and Heckendorn 1999, "The island model genetic
algorithm: on separability, population size and convergence".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from residuum.distillers.genetic.island import Island
from residuum.distillers.journal import Arrays
from residuum.seeds import generator

AnyIsland = TypeVar("AnyIsland", bound=Island)


def links(count: int, *, seed: int, epoch: int) -> tuple[tuple[int, ...], ...]:
    """Return the senders of each island: its neighbour on the ring, then a random other one."""
    rng = generator(seed, "links", epoch)
    senders = []
    for receiver in range(count):
        ring = (receiver - 1) % count
        others = [k for k in range(count) if k not in (ring, receiver)]
        drawn = [int(rng.choice(others))] if others else []
        senders.append(tuple(k for k in (ring, *drawn) if k != receiver))
    return tuple(senders)


def migrate(
    islands: Sequence[AnyIsland], *, seed: int, epoch: int, emigrants: int
) -> tuple[AnyIsland, ...]:
    """Return the islands after each has received up to `emigrants` from each of its senders."""
    sent = [island.emigrants(emigrants) for island in islands] if len(islands) > 1 else []
    senders = links(len(islands), seed=seed, epoch=epoch)
    return tuple(
        _settle(island, [sent[k] for k in senders[receiver]])
        for receiver, island in enumerate(islands)
    )


def _settle(island: AnyIsland, groups: Sequence[Arrays]) -> AnyIsland:
    """Return an island with those of the newcomers that its own constraints admit."""
    if not groups:
        return island
    newcomers = {name: np.concatenate([group[name] for group in groups]) for name in groups[0]}
    admitted = np.asarray(island.accepts(newcomers), dtype=bool)
    if not admitted.any():
        return island
    return island.receive({name: array[admitted] for name, array in newcomers.items()})
