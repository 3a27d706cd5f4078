"""What a user says about measured or simulated data; nothing heavy is imported here."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from residuum.data.body_settings import BodiesSettings

NoiseKind = Literal["gaussian", "relative", "lognormal"]
KINDS: tuple[NoiseKind, ...] = ("gaussian", "relative", "lognormal")

FEWEST_POINTS = 3
MAX_POINTS = 1_000_000

# One number, what each body carries `[b]`, or a vector of each body `[b][d]`.
Initial = float | tuple[float, ...] | tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Noise:
    """How measurements scatter about the states.

    `gaussian`: a standard deviation per state; `relative`: one fraction of each state's mean
    absolute value; `lognormal`: a standard deviation of the logarithm per state.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    kind: Annotated[NoiseKind, "gaussian, relative or lognormal"] = "gaussian"
    size: Annotated[
        float | Mapping[str, float] | None,
        "standard deviation (relative: fraction of the mean; lognormal: of the logarithm), one "
        "number or one per state; null: estimated",
    ] = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: expected one of {', '.join(KINDS)}; found {self.kind!r}")
        sizes = self.size.values() if isinstance(self.size, Mapping) else [self.size or 0.0]
        for size in sizes:
            if not (math.isfinite(size) and size >= 0):
                raise ValueError(f"size: expected a number of at least 0, found {size}")

    def size_of(self, state: str) -> float | None:
        """Return the size for one state, or None when it is to be estimated."""
        return self.size.get(state) if isinstance(self.size, Mapping) else self.size


@dataclass(frozen=True, slots=True)
class Times:
    """When a simulation is sampled: evenly, or at random times that include both ends.

    One time only (`stop` equal to `start`) serves bodies of which accelerations are observed.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    stop: Annotated[float, "last time"]
    points: Annotated[int, "samples of each experiment"]
    start: Annotated[float, "first time; the initial state holds there"] = 0.0
    irregular: Annotated[bool, "random times between the ends, drawn for each experiment"] = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and math.isfinite(self.stop)):
            raise ValueError("start and stop: expected finite numbers")
        if self.points == 1 and self.stop == self.start:
            return
        if not self.stop > self.start:
            raise ValueError(f"stop: expected above start ({self.start}), found {self.stop}")
        if not FEWEST_POINTS <= self.points <= MAX_POINTS:
            raise ValueError(
                f"points: expected {FEWEST_POINTS} to {MAX_POINTS}, found {self.points}"
            )


@dataclass(frozen=True, slots=True)
class SimulateSettings:
    """Complete equations that are integrated and observed in place of a file."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    equations: Annotated[Mapping[str, str], "complete equations, without hidden terms"]
    times: Annotated[
        Times | tuple[float, ...], "{start, stop, points, irregular}, or a list of times"
    ]
    initial: Annotated[
        Mapping[str, Initial] | tuple[Mapping[str, Initial], ...],
        "initial state of the experiment, or a list with one for each experiment; of bodies: "
        "vectors such as position: [[0, 1], [2, 0]] and numbers such as mass: [1, 2]",
    ] = ()
    bodies: Annotated[
        BodiesSettings | None, "in place of initial: systems of bodies drawn at random"
    ] = None
    parameters: Annotated[Mapping[str, float], "value of every parameter"] = field(
        default_factory=dict
    )
    observe: Annotated[tuple[str, ...], "components that are measured; empty: the states"] = ()
    noise: Annotated[Noise, "kind and size of the noise that is added"] = Noise(size=0.0)

    def __post_init__(self) -> None:
        if not isinstance(self.times, Times):
            _check_times(self.times)
        if not self.initial and self.bodies is None:
            raise ValueError("initial: expected at least one experiment, found none")
        if self.initial and self.bodies is not None:
            raise ValueError("expected either initial or bodies, found both")
        if not self.equations:
            raise ValueError("equations: expected at least one equation, found none")
        if self.noise.size is None:
            raise ValueError("noise: expected {kind: ..., size: ...}, found no size")
        values = [v for row in self.experiments for start in row.values() for v in _numbers(start)]
        if not all(math.isfinite(v) for v in (*values, *self.parameters.values())):
            raise ValueError("expected finite numbers in initial and parameters")
        if self.points < FEWEST_POINTS and not self.of_bodies:
            raise ValueError(f"times: expected {FEWEST_POINTS} to {MAX_POINTS} times, found 1")

    @property
    def experiments(self) -> tuple[Mapping[str, Initial], ...]:
        """The initial state of each experiment."""
        return (self.initial,) if isinstance(self.initial, Mapping) else tuple(self.initial)

    @property
    def of_bodies(self) -> bool:
        """Whether the equations are those of bodies."""
        starts = (start for row in self.experiments for start in row.values())
        return self.bodies is not None or any(isinstance(start, tuple) for start in starts)

    @property
    def points(self) -> int:
        """The samples of each experiment."""
        return self.times.points if isinstance(self.times, Times) else len(self.times)


@dataclass(frozen=True, slots=True)
class DataSettings:
    """Where the observations of a dataset come from and what they mean."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    file: Annotated[
        str | None, "csv, tsv, parquet, nc, mat or npz, relative to the campaign file"
    ] = None
    simulate: Annotated[SimulateSettings | None, "a simulation in place of a file"] = None
    time: Annotated[str, "column or variable of time"] = "t"
    states: Annotated[
        Mapping[str, str | tuple[str, ...]],
        "state: column or variable (of bodies: or a list of columns, one an axis); empty: those "
        "of the same name",
    ] = field(default_factory=dict)
    inputs: Annotated[Mapping[str, str], "known forcing: column or variable"] = field(
        default_factory=dict
    )
    experiment: Annotated[str | None, "column that tells experiments apart"] = None
    body: Annotated[
        str | None, "column that tells bodies apart; states are then vectors of each body"
    ] = None
    scalars: Annotated[
        Mapping[str, str], "what each body carries, such as its mass: column or variable"
    ] = field(default_factory=dict)
    units: Annotated[
        Mapping[str, str | float],
        "unit of time (by its column), states, inputs and scalars, CF strings",
    ] = field(default_factory=dict)
    noise: Annotated[
        Noise | None,
        "kind and size of the noise, or the kind alone; null: gaussian, or the kind "
        "that was simulated; the size is estimated unless given",
    ] = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.simulate is None):
            found = "neither" if self.file is None else "both"
            raise ValueError(f"expected either file or simulate, found {found}")
        of_file = (self.states, self.inputs, self.experiment, self.body, self.scalars)
        if self.simulate is not None and any(of_file):
            raise ValueError(
                "expected states, inputs, experiment, body and scalars with a file only"
            )
        names = [*self.states, *self.inputs, *self.scalars]
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise ValueError(
                f"expected a state, an input or a scalar, found more: {sorted(repeated)}"
            )
        lengths = {len(c) for c in self.states.values() if isinstance(c, tuple)}
        if len(lengths) > 1 or 0 in lengths:
            raise ValueError(
                f"states: expected as many columns for every state, found {sorted(lengths)}"
            )

    @property
    def of_bodies(self) -> bool:
        """Whether what is said here tells that bodies were measured."""
        if self.simulate is not None:
            return self.simulate.of_bodies
        lists = any(isinstance(columns, tuple) for columns in self.states.values())
        return lists or self.body is not None or bool(self.scalars)

    @property
    def noise_model(self) -> Noise:
        """The noise that is fitted: as given, else the simulated kind, else gaussian."""
        if self.noise is not None:
            return self.noise
        return Noise(self.simulate.noise.kind) if self.simulate is not None else Noise()


def _check_times(times: tuple[float, ...]) -> None:
    if len(times) != 1 and not FEWEST_POINTS <= len(times) <= MAX_POINTS:
        raise ValueError(
            f"times: expected {FEWEST_POINTS} to {MAX_POINTS} times, found {len(times)}"
        )
    if not all(math.isfinite(t) for t in times):
        raise ValueError("times: expected finite numbers")
    for before, after in itertools.pairwise(times):
        if after <= before:
            raise ValueError(f"times: expected increasing times, found {after} after {before}")


def _numbers(start: Initial) -> list[float]:
    if not isinstance(start, tuple):
        return [start]
    return [number for part in start for number in (part if isinstance(part, tuple) else (part,))]
