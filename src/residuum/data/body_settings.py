"""What a user says about simulated bodies: how many, and what their states are drawn from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, ClassVar

MAX_BODIES = 1000
MAX_AXES = 3
MAX_EXPERIMENTS = 100_000


@dataclass(frozen=True, slots=True)
class Draw:
    """A distribution of numbers: one of `normal`, `lognormal`, `uniform` and `choice`."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    normal: Annotated[float | None, "standard deviation about 0"] = None
    lognormal: Annotated[float | None, "standard deviation of the logarithm about 0"] = None
    uniform: Annotated[tuple[float, float] | None, "[lowest, highest]"] = None
    choice: Annotated[tuple[float, ...] | None, "numbers, each equally likely"] = None

    def __post_init__(self) -> None:
        names = [f.name for f in fields(self)]
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"expected one of {', '.join(names)}; found {found}")
        if not all(math.isfinite(number) for number in self.numbers):
            raise ValueError(f"{given[0]}: expected finite numbers")
        if given[0] in ("normal", "lognormal") and self.numbers[0] < 0:
            raise ValueError(f"{given[0]}: expected at least 0, found {self.numbers[0]}")
        if self.uniform is not None and not self.uniform[0] < self.uniform[1]:
            raise ValueError(f"uniform: expected [lowest, highest], found {list(self.uniform)}")
        if self.choice == ():
            raise ValueError("choice: expected at least one number, found none")

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers of the distribution."""
        one = self.normal if self.normal is not None else self.lognormal
        return (one,) if one is not None else self.uniform or self.choice or ()


@dataclass(frozen=True, slots=True)
class BodiesSettings:
    """Systems of bodies that are drawn at random, one for each experiment."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    count: Annotated[
        int | tuple[int, int], "bodies of each experiment, or [fewest, most] drawn for each"
    ]
    states: Annotated[
        Mapping[str, float | Draw],
        "distribution of every component of the initial states, such as position: {normal: 1}",
    ]
    axes: Annotated[int, "axes of space (1 to 3)"] = 2
    experiments: Annotated[int, "how many experiments"] = 1
    scalars: Annotated[
        Mapping[str, float | tuple[float, ...] | Draw],
        "what each body carries, such as mass: a number, one for each body, or a distribution",
    ] = field(default_factory=dict)
    retry: Annotated[bool, "whether experiments that diverge or collide are drawn again"] = True

    def __post_init__(self) -> None:
        low, high = self.counts
        if not 2 <= low <= high <= MAX_BODIES:
            raise ValueError(f"count: expected 2 to {MAX_BODIES} bodies, found {self.count}")
        if not 1 <= self.axes <= MAX_AXES:
            raise ValueError(f"axes: expected 1 to {MAX_AXES}, found {self.axes}")
        if not 1 <= self.experiments <= MAX_EXPERIMENTS:
            raise ValueError(
                f"experiments: expected 1 to {MAX_EXPERIMENTS}, found {self.experiments}"
            )
        if not self.states:
            raise ValueError("states: expected a distribution of the initial positions, found none")
        for name, values in self.scalars.items():
            if isinstance(values, tuple) and not len(values) == low == high:
                raise ValueError(
                    f"scalars: expected {self.count} numbers of {name}, found {len(values)}"
                )
        numbers = [*self.states.values(), *self.scalars.values()]
        plain = [v for n in numbers if not isinstance(n, Draw) for v in _listed(n)]
        if not all(math.isfinite(number) for number in plain):
            raise ValueError("expected finite numbers in states and scalars")

    @property
    def counts(self) -> tuple[int, int]:
        """The fewest and the most bodies of an experiment."""
        return (self.count, self.count) if isinstance(self.count, int) else self.count


def _listed(values: float | tuple[float, ...]) -> tuple[float, ...]:
    return values if isinstance(values, tuple) else (values,)
