r"""What does a message see of its arguments?

Every argument has a coordinate: its logarithm where it is positive, else itself; a length
:math:`r` has :math:`\log(r + \epsilon)` and :math:`r`. Bodies of a pair whose order must not matter
show, of coordinates :math:`c, c'` of the same quantity in the two of them, only what does not
change when they are exchanged:

.. math:: c + c', \qquad (c - c')(b - b')

for all quantities :math:`b`. So a function of these features has the symmetry exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

FIRST_OFFSET = 0.1  # of the median length


@dataclass(frozen=True, slots=True)
class Seen:
    """The standardised features `z[B, N, f]`, and what their derivatives need."""

    z: Tensor
    X: Tensor
    c: Tensor
    offset: Tensor


@dataclass(frozen=True)
class Features:
    """The features of `m` arguments, of which `alive` are seen; the first is a length or none.

    `exchange[m]` is the argument that takes each one's place when the bodies of a pair are
    exchanged (itself where it stays), or None where their order matters. `positive[m]` tells
    which have logarithms, `unit[m]` their typical size. `location[f]` and `scale[f]` standardise.
    """

    length: bool
    positive: tuple[bool, ...]
    exchange: tuple[int, ...] | None
    alive: tuple[int, ...]
    unit: Tensor
    location: Tensor
    scale: Tensor

    @property
    def count(self) -> int:
        """Number of features."""
        return len(self.names)

    @cached_property
    def coordinates(self) -> tuple[tuple[int, bool], ...]:
        """Argument of each coordinate and whether it is a logarithm."""
        rows = [(0, True), (0, False)] if self.length and 0 in self.alive else []
        own = [a for a in self.alive if not (self.length and a == 0)]
        return (*rows, *((a, self.positive[a]) for a in own))

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Positions of coordinates that are exchanged with each other."""
        if self.exchange is None:
            return ()
        places = {c: position for position, c in enumerate(self.coordinates)}
        found = ((p, places[self.exchange[a], log]) for (a, log), p in places.items())
        return tuple((p, q) for p, q in found if p < q)

    @cached_property
    def _maps(self) -> tuple[Tensor, Tensor, Tensor]:
        """Coordinates to sums `[l, c]`, and to the two factors of products of differences."""
        eye = torch.eye(len(self.coordinates), dtype=torch.float64)
        paired = {p for pair in self.pairs for p in pair}
        single = [eye[p] for p in range(len(eye)) if p not in paired]
        sums = [*single, *(eye[p] + eye[q] for p, q in self.pairs)]
        differences = [eye[p] - eye[q] for p, q in self.pairs]
        left = [d for a, d in enumerate(differences) for _ in differences[a:]]
        right = [d for a in range(len(differences)) for d in differences[a:]]
        maps = (_stack(rows, len(eye)).to(self.unit.device) for rows in (sums, left, right))
        return next(maps), next(maps), next(maps)

    @cached_property
    def names(self) -> tuple[tuple[int, ...], ...]:
        """The arguments that each feature is made of."""
        arguments = [a for a, _ in self.coordinates]
        rows = torch.cat([self._maps[0], self._maps[1].abs() + self._maps[2].abs()])
        return tuple(tuple(arguments[c] for c in row.nonzero().flatten().tolist()) for row in rows)

    @cached_property
    def powers(self) -> tuple[int, ...]:
        """Features that are sums of logarithms: what has an exponent in the prefactor."""
        logs = [log for _, log in self.coordinates]
        rows = self._maps[0]
        return tuple(
            f for f, row in enumerate(rows) if all(logs[c] for c in row.nonzero().flatten())
        )

    def see(self, X: Tensor, offset: Tensor) -> Seen:
        """Return the features of arguments `X[B, N, m]`; `offset[B]` is added to the length."""
        none = X[..., :0].expand(len(offset), -1, -1)
        parts = [self._coordinate(X, a, log, offset) for a, log in self.coordinates]
        c = torch.stack(parts, -1) if parts else none
        L, D, E = self._maps
        raw = torch.cat([c @ L.mT, (c @ D.mT) * (c @ E.mT)], -1)
        return Seen((raw - self.location) / self.scale, X, c, offset)

    def pull(self, seen: Seen, g: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cotangents of arguments `[B, N, m]` and offset `[B, N]` from `g[B, N, f]`."""
        L, D, E = self._maps
        linear, product = (g / self.scale).split([len(L), len(D)], -1)
        g_c = linear @ L + (product * (seen.c @ E.mT)) @ D + (product * (seen.c @ D.mT)) @ E
        gradient = torch.zeros_like(seen.X.expand(*g.shape[:2], -1))
        to_offset = g.new_zeros(g.shape[:2])
        for position, (a, log) in enumerate(self.coordinates):
            slope = g_c[..., position]
            if log and self._is_length(a):
                slope = slope / (seen.X[..., a] + seen.offset[:, None])
                to_offset = slope
            elif log:
                slope = slope / seen.X[..., a]
            gradient[..., a] += slope
        return gradient, to_offset

    def without(self, argument: int) -> tuple[Features, list[int]]:
        """Return the features without an argument (and its partner), and which of them stay."""
        gone = {argument} if self.exchange is None else {argument, self.exchange[argument]}
        keep = [f for f, made_of in enumerate(self.names) if not gone & set(made_of)]
        alive = tuple(a for a in self.alive if a not in gone)
        location, scale = self.location[keep], self.scale[keep]
        return replace(self, alive=alive, location=location, scale=scale), keep

    def _is_length(self, argument: int) -> bool:
        return self.length and argument == 0

    def _coordinate(self, X: Tensor, argument: int, log: bool, offset: Tensor) -> Tensor:
        x = X[..., argument]
        if not log:
            return x.expand(len(offset), -1)
        return (
            x + offset[:, None] if self._is_length(argument) else x.expand(len(offset), -1)
        ).log()


def features_of(
    X: Tensor,
    *,
    length: bool,
    exchange: tuple[int, ...] | None = None,
    alive: Sequence[int] | None = None,
    signed: Sequence[bool] = (),
) -> Features:
    """Return the features that suit arguments `X[N, m]`: all alive unless listed.

    What is `signed` may become negative although it is not in `X`.
    """
    count = X.shape[-1]
    positive = tuple(bool((X[:, a] > 0).all()) for a in range(count))
    if signed:
        positive = tuple(p and not s for p, s in zip(positive, signed, strict=True))
    if exchange is not None:
        positive = tuple(positive[a] and positive[exchange[a]] for a in range(count))
    unit = X.abs().median(0).values
    unit = torch.where(unit > 0, unit, torch.ones_like(unit))
    none = unit.new_zeros(0)
    seen = tuple(range(count)) if alive is None else tuple(alive)
    bare = Features(length, positive, exchange, seen, unit, none, none)
    size = bare.count
    bare = replace(bare, location=unit.new_zeros(size), scale=unit.new_ones(size))
    offset = FIRST_OFFSET * unit[:1] if length else unit.new_zeros(1)
    z = bare.see(X[None], offset).z[0]
    spread = z.std(0, correction=0) if size else none
    # What does not vary (one mass for all, or not yet known) is left in its own scale.
    flat = spread <= 1e-9 * z.abs().amax(0)
    return replace(
        bare, location=z.mean(0), scale=torch.where(flat, torch.ones_like(spread), spread)
    )


def _stack(rows: list[Tensor], width: int) -> Tensor:
    return torch.stack(rows) if rows else torch.zeros(0, width, dtype=torch.float64)
