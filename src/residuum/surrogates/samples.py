"""What does a surrogate see of the observations, as padded tensors?

Experiments of different lengths are padded: padded and missing samples have weight zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from residuum.data.observations import Experiment, Observations
from residuum.errors import UserError
from residuum.problem.names import derivative
from residuum.problem.problem import Problem

FEWEST, MOST = 60, 1000  # collocation points of an experiment
POINTS_A_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One measured variable: which state, which time derivative of it, which noise."""

    name: str
    state: int
    order: int
    log: bool


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples `t[E, nd]`, `y[E, nd, M]`, `present[E, nd, M]`; collocation times `tc[E, nc]`.

    `y` is the logarithm in columns with lognormal noise and zero where missing.
    `inputs[name]` holds `[E, nc]` values at the collocation times. `share[E]` is the number of
    measured times of each experiment over its collocation points.
    """

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    t: Tensor
    y: Tensor
    present: Tensor
    tc: Tensor
    inputs: dict[str, Tensor]
    start: Tensor
    span: Tensor
    share: Tensor

    @property
    def counts(self) -> Tensor:
        """Number of samples of each column, `[M]`."""
        return self.present.sum((0, 1))

    def to(self, device: torch.device) -> Samples:
        """Return the samples on a device."""
        moved = {
            name: getattr(self, name).to(device)
            for name in ("t", "y", "present", "tc", "start", "span", "share")
        }
        inputs = {name: values.to(device) for name, values in self.inputs.items()}
        return replace(self, inputs=inputs, **moved)


def read_samples(problem: Problem, observations: Observations, collocation: int) -> Samples:
    """Return the training part of the observations as tensors.

    `collocation` is the number of collocation points of an experiment (0: from the samples).
    Raises UserError when a state is not measured at all or an experiment has too few samples.
    """
    parts = _usable(observations.training)
    columns = _columns(problem, observations)
    longest = max(len(part.t) for part in parts)
    points = collocation or int(np.clip(POINTS_A_SAMPLE * longest, FEWEST, MOST))
    start = np.array([part.t[0] for part in parts])
    span = np.array([part.t[-1] - part.t[0] for part in parts])
    y = np.stack([_padded(part, columns, longest) for part in parts])
    t = np.stack([np.pad(part.t, (0, longest - len(part.t)), mode="edge") for part in parts])
    tc = start[:, None] + span[:, None] * np.linspace(0, 1, points)
    inputs = {
        name: torch.as_tensor(
            np.stack([part.input_at(name, tc[e]) for e, part in enumerate(parts)])
        )
        for name in problem.inputs
    }
    present = np.isfinite(y)
    tensor: Callable[[np.ndarray], Tensor] = torch.as_tensor
    return Samples(
        names=tuple(part.name for part in parts),
        columns=columns,
        t=tensor(t),
        y=tensor(np.where(present, y, 0.0)),
        present=tensor(present).double(),
        tc=tensor(tc),
        inputs=inputs,
        start=tensor(start),
        span=tensor(span),
        share=tensor(present.any(2).sum(1) / points),
    )


def _usable(parts: Sequence[Experiment]) -> list[Experiment]:
    usable = [part for part in parts if len(part.t) >= 3]
    if not usable:
        raise UserError(
            "no experiment with enough samples to train on",
            expected="at least 3 samples that are not held out",
            found=f"{max((len(part.t) for part in parts), default=0)}",
        )
    return usable


def _columns(problem: Problem, observations: Observations) -> tuple[Column, ...]:
    """Return the measured variables; raise UserError when a state has none."""
    log = observations.noise.kind == "lognormal"
    columns = [
        Column(derivative(equation.state, order), index, order, log and order == 0)
        for index, equation in enumerate(problem.equations)
        for order in range(equation.order)
        if derivative(equation.state, order) in observations.states
    ]
    for index, equation in enumerate(problem.equations):
        if index not in {column.state for column in columns}:
            raise UserError(
                f"state {equation.state!r} is not measured",
                expected="a measured column for every state",
                hint="the collocation surrogate needs each state; give the column under states:",
            )
    return tuple(columns)


def _padded(part: Experiment, columns: Sequence[Column], length: int) -> np.ndarray:
    """Return the columns of an experiment as `[length, M]`, NaN where there is no sample."""
    values = np.full((length, len(columns)), np.nan)
    for m, column in enumerate(columns):
        y = np.asarray(part.states[column.name], dtype=float)
        if column.log:
            y = np.log(np.where(y > 0, y, np.nan))
        values[: len(y), m] = y
    return values
