r"""What the right-hand sides of a system of bodies are worth, on many frames at once.

A frame is one instant: vectors `[b, d]` and scalars `[b]`. Inside a sum values have the shape
`[F, b, b-1, d]`: for the receiver i every other body j, in increasing order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from residuum.expressions.evaluation import compiled
from residuum.expressions.expression import Expression
from residuum.problem.body_problem import RECEIVER, SENDER, BodyProblem
from residuum.problem.hidden_term import Call
from residuum.problem.names import PAIR_SUM

# Numbers in one array of pairs: what bounds the memory, whatever the number of frames.
CHUNK = 1_000_000

# What stands for a hidden term: from its call and arguments `[..., d]` or `[..., 1]`, or at once.
Hidden = Callable[[Call, tuple[np.ndarray, ...]], np.ndarray] | Mapping[str, np.ndarray]


@lru_cache(maxsize=64)
def pairs(bodies: int) -> np.ndarray:
    """Return `j[b, b-1]`, the other bodies of each body i in increasing order.

    >>> pairs(3).tolist()
    [[1, 2], [0, 2], [0, 1]]
    """
    j = np.arange(bodies - 1)[None, :]
    others = j + (j >= np.arange(bodies)[:, None])
    others.flags.writeable = False
    return others


def evaluate_bodies(
    problem: BodyProblem,
    states: Mapping[str, np.ndarray],
    scalars: Mapping[str, np.ndarray],
    *,
    parameters: Mapping[str, float] | None = None,
    inputs: Mapping[str, np.ndarray] | None = None,
    t: np.ndarray | None = None,
    hidden: Hidden | None = None,
) -> dict[str, np.ndarray]:
    """Return the right-hand side `[F, b, d]` of each state's equation on F frames.

    `states[component][F, b, d]`; `scalars[name]` is `[F, b]` or `[b]`; `inputs[name][F]`, `t[F]`.
    `parameters` are added to those with a value. `hidden` is a function of a call and its
    arguments, or arrays by placeholder: `[F, b, b-1, k]` for a call inside a sum, `[F, b, k]`
    for another, with k = d for a vector and 1 for a scalar. A body that is missing (NaN) is absent
    from the sums of the others, and its own right-hand side is NaN where it is used.
    """
    count, bodies, axes = next(iter(states.values())).shape
    whole = {name: np.broadcast_to(values, (count, bodies)) for name, values in scalars.items()}
    known = {**problem.known, **(parameters or {})}
    signals = {**(inputs or {}), **({} if t is None else {"t": t})}
    size = max(1, CHUNK // max(1, bodies * (bodies - 1) * axes))
    result = {e.state: np.empty((count, bodies, axes)) for e in problem.equations}
    with np.errstate(all="ignore"):
        for start in range(0, count, size):
            part = slice(start, start + size)
            frames = _Frames(
                problem,
                _sliced(states, part),
                _sliced(whole, part),
                known,
                _sliced(signals, part),
                hidden if callable(hidden) or hidden is None else _sliced(hidden, part),
            )
            for state, values in frames.rates().items():
                result[state][part] = values
    return result


def _sliced(arrays: Mapping[str, np.ndarray], part: slice) -> dict[str, np.ndarray]:
    return {name: np.asarray(values)[part] for name, values in arrays.items()}


@dataclass(frozen=True, slots=True)
class _Frames:
    """What is given on some frames, and what is shared by the two contexts."""

    problem: BodyProblem
    states: Mapping[str, np.ndarray]
    scalars: Mapping[str, np.ndarray]
    parameters: Mapping[str, float]
    signals: Mapping[str, np.ndarray]
    hidden: Hidden | None

    def rates(self) -> dict[str, np.ndarray]:
        """Return the right-hand side of each state."""
        values = _Values(self, "body")
        return {e.state: _value(e.rhs, values) for e in self.problem.equations}

    def partners(self) -> np.ndarray | None:
        """Return which partners `[F, b, b-1]` have all states that sums ask of them; None: all."""
        sent = [self.states[name] for name in self.problem.sent if name in self.states]
        if all(np.isfinite(values).all() for values in sent):
            return None
        there = np.all([np.isfinite(values).all(axis=-1) for values in sent], axis=0)
        return np.asarray(there[:, pairs(there.shape[1])])


# Simulations ask for the same few formulas very often.
_compiled = lru_cache(maxsize=1024)(compiled)


def _value(formula: Expression, values: Mapping[str, Any]) -> np.ndarray:
    return np.asarray(_compiled(formula)(values), dtype=float)


class _Values(dict[str, Any]):
    """The values of names for a body, or for its pairs: each is worked out when first asked for."""

    def __init__(self, frames: _Frames, context: Literal["body", "pair"]) -> None:
        super().__init__(frames.parameters)
        self.frames, self.in_pairs = frames, context == "pair"
        # One for all sums, so that what several of them hold is worked out once.
        self.inside = self if self.in_pairs else _Values(frames, "pair")

    def __missing__(self, name: str) -> Any:
        if name in self.frames.signals:
            values = np.asarray(self.frames.signals[name], dtype=float)
            found = values.reshape(-1, 1, 1, 1) if self.in_pairs else values.reshape(-1, 1, 1)
        else:
            found = self._placeholder(name) if "@" in name else self._of_body(name)
        self[name] = found
        return found

    def _of_body(self, name: str) -> np.ndarray:
        base, end = name[: -len(RECEIVER)], name[-len(RECEIVER) :]
        states = self.frames.states
        values = states[base] if base in states else self.frames.scalars[base][..., None]
        if end == SENDER:
            return np.asarray(values[:, pairs(values.shape[1])])
        return values[:, :, None] if self.in_pairs else values

    def _placeholder(self, name: str) -> np.ndarray:
        kind, problem = name.partition("@")[0], self.frames.problem
        formulas, hidden = problem.opened[name], self.frames.hidden
        if kind == PAIR_SUM:
            return self._sum(formulas[0])
        if kind in ("norm", "dot") or callable(hidden):
            arguments = tuple(_value(formula, self) for formula in formulas)
        if kind in ("norm", "dot"):
            products = arguments[0] * arguments[-1]
            total = np.sum(products, axis=-1, keepdims=True)
            return np.asarray(np.sqrt(total) if kind == "norm" else total)
        if callable(hidden):
            return hidden(problem.call(name), arguments)
        values = np.asarray((hidden or {})[name], dtype=float)
        return values[:, :, None] if self.in_pairs and values.ndim == 3 else values

    def _sum(self, term: Expression) -> np.ndarray:
        values = _value(term, self.inside)
        first, present = next(iter(self.frames.states.values())), self.frames.partners()
        shape = (*first.shape[:2], first.shape[1] - 1, values.shape[-1] if values.ndim else 1)
        values = np.broadcast_to(values, shape)
        return values.sum(axis=2) if present is None else _sum_of(values, present)


def _sum_of(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(present[..., None], values, 0.0).sum(axis=2))
