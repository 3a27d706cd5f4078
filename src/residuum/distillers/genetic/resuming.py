"""The state of a search between two epochs, as named arrays and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np

from residuum.distillers.genetic.migration import AnyIsland
from residuum.distillers.journal import Arrays


@dataclass(frozen=True, slots=True)
class Moment(Generic[AnyIsland]):
    """The islands after `epoch` epochs, and the seconds used until then in all runs together."""

    islands: tuple[AnyIsland, ...]
    epoch: int
    seconds: float


def packed(moment: Moment[AnyIsland]) -> dict[str, np.ndarray]:
    """Return arrays named `epoch`, `seconds` and `K/NAME` for the arrays of island K."""
    return {
        "epoch": np.array(moment.epoch, dtype=np.int64),
        "seconds": np.array(moment.seconds, dtype=np.float64),
        **{
            f"{k}/{name}": array
            for k, island in enumerate(moment.islands)
            for name, array in island.to_arrays().items()
        },
    }


def unpacked(arrays: Arrays, kinds: Sequence[type[AnyIsland]]) -> Moment[AnyIsland]:
    """Return the state that `packed` wrote, with islands of the classes `kinds`."""
    own: list[dict[str, np.ndarray]] = [{} for _ in kinds]
    for whole, array in arrays.items():
        k, slash, name = whole.partition("/")
        if slash:
            own[int(k)][name] = array
    islands = tuple(kind.from_arrays(found) for kind, found in zip(kinds, own, strict=True))
    return Moment(islands, int(arrays["epoch"]), float(arrays["seconds"]))
