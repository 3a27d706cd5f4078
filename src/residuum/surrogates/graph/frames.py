"""How do snapshots of bodies become flat arrays, whatever the number of bodies in each?

A row is a body in a frame; a pair is an ordered pair of rows of one frame, the receiver's and the
sender's. Rows are sorted by frame and pairs by receiver, so frames are taken apart by slices and
memory is linear in the pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from residuum.data.observations import Experiment
from residuum.data.written_bodies import unknown_scalars
from residuum.errors import UserError
from residuum.problem.body_problem import RECEIVER, SENDER, BodyProblem, reached
from residuum.problem.names import derivative
from residuum.surrogates.graph.errors import sizes

Values = dict[str, Tensor]


@dataclass(frozen=True)
class Frames:
    """`R` rows and `E` ordered pairs of `F` frames.

    `bodies[name]` is `[R, d]` for a component and `[R, 1]` for a scalar, `signals[name][R, 1]` the
    time and inputs. `targets[state][R, d]` is the measured left-hand side, NaN where it is not.
    `frame[R]` numbers the frames, `receiver[E]` and `sender[E]` are rows. `unknown[name][R]`
    numbers the values of a scalar that are not known, -1 where it is. `lengths[state][R]`, where
    given, are those with which errors grow: targets that are mostly noise have others.
    """

    bodies: Values
    signals: Values
    targets: Values
    frame: Tensor
    receiver: Tensor
    sender: Tensor
    unknown: Values
    lengths: Values = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.frame[-1]) + 1 if len(self.frame) else 0

    @property
    def axes(self) -> int:
        """The number of axes."""
        return next(iter(self.targets.values())).shape[1]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.frame)

    def size(self, state: str) -> Tensor:
        """Return the lengths `[R]` of the targets of a state, zero where they were not measured."""
        return self.lengths[state] if state in self.lengths else sizes(self.targets[state])

    @cached_property
    def forward(self) -> Tensor:
        """The pairs `[E/2]` whose receiver comes before the sender: each two bodies once."""
        return (self.receiver < self.sender).nonzero().flatten()

    @cached_property
    def meeting(self) -> Tensor:
        """Position `[E]` in `forward` of each pair or its reverse."""
        low = torch.minimum(self.receiver, self.sender)
        high = torch.maximum(self.receiver, self.sender)
        key = low * self.rows + high
        return torch.searchsorted(key[self.forward], key)

    @cached_property
    def reverse(self) -> Tensor:
        """Where the pair with receiver and sender exchanged stands, `[E]`."""
        backward = torch.empty_like(self.forward)
        later = (self.receiver > self.sender).nonzero().flatten()
        backward[self.meeting[later]] = later
        first = self.receiver < self.sender
        return torch.where(first, backward[self.meeting], self.forward[self.meeting])

    @cached_property
    def _layouts(self) -> dict[int, tuple[Tensor, Tensor]]:
        return {}

    def layout(self, width: int) -> tuple[Tensor, Tensor]:
        """How coefficients `[E, d]` become a sparse matrix with a row for each row and axis.

        The start of each matrix row `[R*d + 1]`, and the order `[E*d]` of the entries, for d =
        `width`: as many as there are axes, or one for scalars.
        """
        if width not in self._layouts:
            axis = torch.arange(width, device=self.frame.device)
            row = (self.receiver[:, None] * width + axis).flatten()
            counts = torch.bincount(row, minlength=self.rows * width)
            starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
            self._layouts[width] = starts, torch.argsort(row, stable=True)
        return self._layouts[width]

    def take(self, chosen: Tensor) -> Frames:
        """Return the frames that a mask `[F]` selects."""
        rows = chosen[self.frame]
        place = rows.cumsum(0) - 1
        pairs = rows[self.receiver]
        number = chosen.cumsum(0) - 1
        return Frames(
            _each(self.bodies, lambda v: v[rows]),
            _each(self.signals, lambda v: v[rows]),
            _each(self.targets, lambda v: v[rows]),
            number[self.frame[rows]],
            place[self.receiver[pairs]],
            place[self.sender[pairs]],
            _each(self.unknown, lambda v: v[rows]),
            _each(self.lengths, lambda v: v[rows]),
        )

    def parts(self, most: int) -> tuple[Frames, ...]:
        """Return the frames in parts of about `most` pairs, of at least one frame each."""
        counts = torch.bincount(self.frame[self.receiver], minlength=len(self))
        number = (counts.cumsum(0) - counts) // max(1, most)
        if len(self) == 0 or not bool(number[-1]):
            return (self,)
        return tuple(self.take(number == k) for k in number.unique().tolist())

    def to(self, device: torch.device) -> Frames:
        """Return the frames on a device."""
        return Frames(
            _each(self.bodies, lambda v: v.to(device)),
            _each(self.signals, lambda v: v.to(device)),
            _each(self.targets, lambda v: v.to(device)),
            self.frame.to(device),
            self.receiver.to(device),
            self.sender.to(device),
            _each(self.unknown, lambda v: v.to(device)),
            _each(self.lengths, lambda v: v.to(device)),
        )


def _each(values: Values, change: Callable[[Tensor], Tensor]) -> Values:
    return {name: change(value) for name, value in values.items()}


def frames_of(
    problem: BodyProblem,
    experiments: Sequence[Experiment],
    targets: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    lengths: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> Frames:
    """Return the frames of experiments; a body is in a frame where its states are known.

    `targets[experiment][state][n, b, d]` replace the measured derivatives, `lengths[experiment]`
    `[state][n, b]` the lengths with which their errors grow. Scalars that are NaN
    become unknowns, one for each label of a body. Raises UserError where a state or an
    acceleration is not given.
    """
    used = _names_used(problem)
    collected: list[Frames] = []
    numbers: dict[str, dict[str, int]] = {name: {} for name in problem.scalars}
    for name, label in unknown_scalars(problem, experiments):
        numbers[name][label] = len(numbers[name])
    for experiment in experiments:
        left = targets[experiment.name] if targets else _measured(problem, experiment)
        sized = lengths[experiment.name] if lengths else {}
        collected.append(_one(problem, experiment, left, sized, used, numbers))
    return _joined(collected)


def _names_used(problem: BodyProblem) -> set[str]:
    """Return the components and scalars that formulas hold."""
    names = reached((e.rhs for e in problem.equations), problem.opened)
    ends = (RECEIVER, SENDER)
    bases = {n[: -len(RECEIVER)] for n in names if n.endswith(ends)}
    return bases & {*problem.components, *problem.scalars}


def _measured(problem: BodyProblem, experiment: Experiment) -> dict[str, np.ndarray]:
    """Return the left-hand sides as they were measured."""
    found = {}
    for equation in problem.equations:
        name = derivative(equation.state, equation.order)
        if name not in experiment.states:
            raise UserError(
                f"{name} is not among the data of experiment {experiment.name!r}",
                where="data.states",
                hint="the graph surrogate fits accelerations: give them, or the times of a path",
            )
        found[equation.state] = experiment.states[name]
    return found


def _one(
    problem: BodyProblem,
    experiment: Experiment,
    left: Mapping[str, np.ndarray],
    lengths: Mapping[str, np.ndarray],
    used: set[str],
    numbers: Mapping[str, Mapping[str, int]],
) -> Frames:
    """Return the frames of one experiment; `numbers` are those of unknown scalars by label."""
    states = _needed(problem, experiment, used)
    there = _there(states)
    instant, body = np.nonzero(there)
    frame = np.unique(instant, return_inverse=True)[1]
    receiver, sender = _pairs(np.bincount(frame))
    bodies = {name: _tensor(v[there]) for name, v in states.items()}
    unknown: Values = {}
    for name in (s for s in problem.scalars if s in used):
        values = np.asarray(experiment.scalars[name], dtype=float)
        own = [numbers[name].get(label, -1) for label in experiment.bodies]
        index = np.where(np.isnan(values), own, -1)
        bodies[name] = _tensor(values[body][:, None])
        unknown[name] = torch.tensor(index[body])
    signals = {"t": experiment.t[instant]}
    signals |= {name: experiment.input_at(name, signals["t"]) for name in problem.inputs}
    return Frames(
        bodies,
        {name: _tensor(v[:, None]) for name, v in signals.items()},
        {state: _tensor(np.asarray(v)[there]) for state, v in left.items()},
        torch.tensor(frame),
        receiver,
        sender,
        unknown,
        {state: _tensor(v[there]) for state, v in lengths.items()},
    )


def seen_bodies(problem: BodyProblem, experiment: Experiment) -> np.ndarray:
    """Return which bodies have a row in which instant of an experiment, `[n, b]`."""
    return _there(_needed(problem, experiment, _names_used(problem)))


def _needed(problem: BodyProblem, experiment: Experiment, used: set[str]) -> dict[str, np.ndarray]:
    components = [c for c in problem.components if c in used or c in problem.states]
    return {name: _state(experiment, name) for name in components}


def _there(states: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.all([np.isfinite(v).all(axis=-1) for v in states.values()], axis=0)


def _state(experiment: Experiment, name: str) -> np.ndarray:
    if name not in experiment.states:
        raise UserError(
            f"{name} is not among the data of experiment {experiment.name!r}",
            where="data.states",
            expected="measured positions, and velocities where equations hold them",
        )
    return experiment.states[name]


def _pairs(counts: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return receiver and sender rows of all ordered pairs of frames of `counts` bodies."""
    first = np.repeat(np.cumsum(counts) - counts, counts)  # of the frame of each row
    others = np.repeat(counts, counts) - 1
    receiver = np.repeat(np.arange(len(first)), others)
    within = np.arange(len(receiver)) - np.repeat(np.cumsum(others) - others, others)
    sender = first[receiver] + within
    sender = sender + (sender >= receiver)
    return torch.tensor(receiver), torch.tensor(sender)


def _joined(parts: Sequence[Frames]) -> Frames:
    """Return the frames of several experiments as one."""
    rows = np.cumsum([0, *(part.rows for part in parts)])
    starts = np.cumsum([0, *(len(part) for part in parts)])

    def values(which: str) -> Values:
        groups = [getattr(part, which) for part in parts]
        return {name: torch.cat([g[name] for g in groups]) for name in groups[0]}

    def index(which: str, offsets: np.ndarray) -> Tensor:
        return torch.cat([getattr(p, which) + int(o) for p, o in zip(parts, offsets, strict=False)])

    return Frames(
        values("bodies"),
        values("signals"),
        values("targets"),
        index("frame", starts),
        index("receiver", rows),
        index("sender", rows),
        values("unknown"),
        values("lengths"),
    )


def _tensor(values: np.ndarray) -> Tensor:
    return torch.tensor(np.asarray(values, dtype=float))
