"""Which column or variable of a file is what of the bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from residuum.data.hdf5_files import EXPERIMENT
from residuum.data.observations import AXIS, BODY


@dataclass(frozen=True, slots=True)
class BodyLayout:
    """Columns of time, states, inputs and scalars; labels of experiments and bodies.

    A state is one variable of vectors or, one an axis, several columns.
    """

    time: str
    states: Mapping[str, str | tuple[str, ...]]
    inputs: Mapping[str, str] = field(default_factory=dict)
    scalars: Mapping[str, str] = field(default_factory=dict)
    experiment: str | None = None
    body: str | None = None

    def columns_of(self, state: str) -> tuple[str, ...]:
        """Return the columns of a state."""
        columns = self.states[state]
        return (columns,) if isinstance(columns, str) else columns

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns that hold labels rather than numbers."""
        return tuple(name for name in (self.experiment, self.body) if name is not None)

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The dimensions of every column as an array, after one of experiments."""
        found: dict[str, tuple[str, ...]] = {self.time: ("time",)}
        for state, columns in self.states.items():
            end = (AXIS,) if isinstance(columns, str) else ()
            found |= dict.fromkeys(self.columns_of(state), ("time", BODY, *end))
        found |= dict.fromkeys(self.inputs.values(), ("time",))
        found |= dict.fromkeys(self.scalars.values(), (BODY,))
        found |= {self.body: (BODY,)} if self.body else {}
        return found | ({self.experiment: ()} if self.experiment else {})

    @property
    def meanings(self) -> dict[str, str]:
        """What names of dimensions in a file stand for."""
        given = {self.time: "time", self.body or BODY: BODY}
        own = {"t": "time", "time": "time", BODY: BODY, AXIS: AXIS, EXPERIMENT: EXPERIMENT}
        return own | given | {self.experiment or EXPERIMENT: EXPERIMENT}


def whole_vectors(values: np.ndarray) -> np.ndarray:
    """Return vectors `[..., d]` that are missing altogether where one of their axes is."""
    return np.where(np.isfinite(values).all(axis=-1, keepdims=True), values, np.nan)
