"""What was measured: a tree with a child per experiment, and views of it as plain arrays.

Each child has the dimension `t` (strictly increasing), a variable for every observed state and
input with the attributes `role` and `units`, NaN where a sample is missing, and the variable
`held_out` (role mask). Where bodies were measured, states have the dimensions `t`, `body` and
`axis`, and what each body carries (role scalar) has the dimension `body`. Noise, scales and title
are attributes of the root. Values are in the user's units.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from residuum.data.settings import Noise

TIME = "t"
MASK = "held_out"
BODY, AXIS = "body", "axis"
__all__ = ["AXIS", "BODY", "MASK", "TIME", "Experiment", "Noise", "Observations", "Scales"]


@dataclass(frozen=True, slots=True)
class Scales:
    """What one unit of each dimensionless variable is, in the user's units."""

    time: float
    states: Mapping[str, float]
    inputs: Mapping[str, float] = field(default_factory=dict)
    scalars: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return the scales as plain values."""
        groups = {key: dict(getattr(self, key)) for key in ("states", "inputs", "scalars")}
        return {"time": self.time, **groups}


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """One measured trajectory, of a system or of its bodies.

    `t[n]` strictly increasing; `states[name][n]` with NaN where a sample is missing;
    `inputs[name][n]`; `held_out[n]` is True for samples that training must not see
    (not given: none). With `bodies`, their names, `states[name][n, b, d]` are vectors over the
    axes, NaN where a body is missing, and `scalars[name][b]` is what each body carries, NaN where
    it is unknown.
    """

    name: str
    t: np.ndarray
    states: Mapping[str, np.ndarray]
    inputs: Mapping[str, np.ndarray] = field(default_factory=dict)
    held_out: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    bodies: tuple[str, ...] = ()
    scalars: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "t", np.asarray(self.t, dtype=float))
        object.__setattr__(self, "bodies", tuple(self.bodies))
        for group in ("states", "inputs", "scalars"):
            arrays = {k: np.asarray(v, dtype=float) for k, v in getattr(self, group).items()}
            object.__setattr__(self, group, arrays)
        self._check_shapes()
        mask = self.held_out if len(self.held_out) else np.zeros(self.t.shape, bool)
        object.__setattr__(self, "held_out", np.asarray(mask, dtype=bool))

    def _check_shapes(self) -> None:
        if len(set(self.bodies)) != len(self.bodies):
            raise ValueError("expected a different name for each body")
        b = (len(self.bodies),)
        state = (*self.t.shape, *b, self.axes) if self.bodies else self.t.shape
        expected = dict.fromkeys(self.states, state) | dict.fromkeys(self.inputs, self.t.shape)
        expected |= dict.fromkeys(self.scalars, b)
        for name, values in (self.states | self.inputs | self.scalars).items():  # type: ignore[operator]
            if values.shape != expected[name]:
                raise ValueError(f"{name}: expected shape {expected[name]}, found {values.shape}")

    def __len__(self) -> int:
        return len(self.t)

    @property
    def axes(self) -> int:
        """The number of axes of the bodies' vectors, 0 without bodies."""
        return next(iter(self.states.values())).shape[-1] if self.bodies else 0

    def training(self) -> Experiment:
        """Return the samples that are not held out."""
        return self.take(~self.held_out)

    def held_out_part(self) -> Experiment:
        """Return the samples that are held out."""
        return self.take(self.held_out)

    def take(self, rows: np.ndarray) -> Experiment:
        """Return the samples that a mask or an index selects; inputs are kept as given."""
        return Experiment(
            self.name,
            self.t[rows],
            {name: values[rows] for name, values in self.states.items()},
            {name: values[rows] for name, values in self.inputs.items()},
            self.held_out[rows],
            self.bodies,
            self.scalars,
        )

    def input_at(self, name: str, t: np.ndarray) -> np.ndarray:
        """Return an input at any times: linear between its samples, constant beyond them."""
        known = np.isfinite(self.inputs[name])
        found = np.interp(np.asarray(t, dtype=float), self.t[known], self.inputs[name][known])
        return np.asarray(found)


@dataclass(frozen=True, eq=False)
class Observations:
    """The DataTree of a dataset and its views.

    Built from plain arrays by `Observations.of`; the tree is what is written to disk.
    """

    tree: xr.DataTree

    @classmethod
    def of(
        cls,
        experiments: Iterable[Experiment],
        *,
        noise: Noise | None = None,
        scales: Scales | None = None,
        units: Mapping[str, str] | None = None,
        title: str = "",
    ) -> Observations:
        """Return observations made of experiments; scales are taken from the data unless given.

        `units` maps `t`, states, inputs and scalars to CF strings.
        """
        from residuum.data.scaling import scales_of

        rows, noise = tuple(experiments), noise or Noise()
        scales = scales or scales_of(rows, noise)
        size = dict(noise.size) if isinstance(noise.size, Mapping) else noise.size
        attributes = {
            "title": title,
            "noise": json.dumps({"kind": noise.kind, "size": size}),
            "scales": json.dumps(scales.to_json()),
        }
        children = {row.name: _dataset(row, units or {}) for row in rows}
        if len(children) != len(rows):
            raise ValueError("expected a different name for each experiment")
        root = xr.Dataset(attrs=attributes)
        return cls(xr.DataTree.from_dict({"/": root, **children}))

    @cached_property
    def experiments(self) -> tuple[Experiment, ...]:
        """Every experiment, held-out samples included."""
        return tuple(_experiment(name, node) for name, node in self.tree.children.items())

    @property
    def training(self) -> tuple[Experiment, ...]:
        """The training part of each experiment that has one."""
        return tuple(part for e in self.experiments if len(part := e.training()))

    @property
    def held_out(self) -> tuple[Experiment, ...]:
        """The held-out part of each experiment that has one."""
        return tuple(part for e in self.experiments if len(part := e.held_out_part()))

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the observed states and components."""
        return tuple(self.experiments[0].states)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(self.experiments[0].inputs)

    @property
    def scalars(self) -> tuple[str, ...]:
        """Names of what each body carries."""
        return tuple(self.experiments[0].scalars)

    @property
    def of_bodies(self) -> bool:
        """Whether bodies were measured, whose states are vectors."""
        return bool(self.experiments[0].bodies)

    @property
    def title(self) -> str:
        """The dataset's title."""
        return str(self.tree.attrs.get("title", ""))

    @cached_property
    def noise(self) -> Noise:
        """The noise model."""
        return Noise(**json.loads(self.tree.attrs["noise"]))

    @cached_property
    def scales(self) -> Scales:
        """The scales of time, states, inputs and scalars, from the training samples."""
        return Scales(**json.loads(self.tree.attrs["scales"]))

    @cached_property
    def units(self) -> dict[str, str]:
        """Units of `t`, states, inputs and scalars, where they were given."""
        first = next(iter(self.tree.children.values()))
        found = {str(k): v.attrs.get("units") for k, v in first.variables.items()}
        return {name: str(unit) for name, unit in found.items() if unit is not None}


def _dataset(experiment: Experiment, units: Mapping[str, str]) -> xr.Dataset:
    def attributes(name: str, role: str) -> dict[str, str]:
        return {"role": role, **({"units": units[name]} if name in units else {})}

    dimensions = (TIME, BODY, AXIS) if experiment.bodies else (TIME,)
    groups = (
        ("state", dimensions, experiment.states),
        ("input", (TIME,), experiment.inputs),
        ("scalar", (BODY,), experiment.scalars),
    )
    variables: dict[str, Any] = {
        name: (names, values, attributes(name, role))
        for role, names, group in groups
        for name, values in group.items()
    }
    variables[MASK] = (TIME, experiment.held_out, {"role": "mask"})
    coordinates: dict[str, Any] = {TIME: (TIME, experiment.t, attributes(TIME, "axis"))}
    if experiment.bodies:
        coordinates[BODY] = (BODY, list(experiment.bodies), {"role": "axis"})
    return xr.Dataset(variables, coords=coordinates)


def _experiment(name: str, node: xr.DataTree) -> Experiment:
    groups: dict[str, dict[str, np.ndarray]] = {
        role: {} for role in ("state", "input", "scalar", "mask")
    }
    for key, variable in node.data_vars.items():
        groups[variable.attrs["role"]][str(key)] = variable.values
    return Experiment(
        name,
        node.dataset[TIME].values,
        groups["state"],
        groups["input"],
        groups["mask"][MASK],
        tuple(map(str, node.dataset[BODY].values)) if BODY in node.dataset.coords else (),
        groups["scalar"],
    )
