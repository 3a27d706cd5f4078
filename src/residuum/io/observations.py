"""`observations.nc`: what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from residuum.io.trees import read_tree, write_tree

if TYPE_CHECKING:
    from residuum.data.observations import Observations

OBSERVATIONS = "residuum/observations/1"


def write_observations(path: Path, observations: Observations) -> None:
    """Write `observations.nc` and its manifest."""
    write_tree(path, observations.tree, OBSERVATIONS)


def read_observations(path: Path) -> Observations:
    """Return the observations that `write_observations` wrote; raises UserError when torn."""
    from residuum.data.observations import Observations

    return Observations(read_tree(path, OBSERVATIONS))
