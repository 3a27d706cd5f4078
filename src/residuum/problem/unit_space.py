"""Units as points of a vector space, and linear equations between unknown ones.

A unit is a point: the logarithm of its size in base units, then its exponents of the base
dimensions. A product of units adds their points, a power scales them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from residuum import units

TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Unit:
    """A declared unit: its size in base units, its dimensions, and the units it is made of."""

    size: float
    powers: Mapping[str, float]
    atoms: tuple[str, ...]

    @classmethod
    def read(cls, text: str, where: str = "") -> Unit:
        quantity = units.parse_unit(text, where)
        return cls(
            units.base_size(quantity),
            units.dimensions(quantity),
            tuple(units.atoms(quantity)),
        )


class Space:
    """The points of units: which dimensions there are, and how a point is written."""

    def __init__(self, declared: Mapping[str, Unit]) -> None:
        ordered = [declared[name] for name in sorted(declared, key=lambda name: name != "t")]
        atoms = {atom: Unit.read(atom) for unit in ordered for atom in unit.atoms}
        self.axes = tuple(dict.fromkeys(axis for u in atoms.values() for axis in u.powers))
        self.width = 1 + len(self.axes)
        self._basis: dict[str, np.ndarray] = {}
        for name, unit in atoms.items():
            rows = np.array([p[1:] for p in (*self._basis.values(), self.point(unit))])
            if rows.size and np.linalg.matrix_rank(rows) == len(rows):
                self._basis[name] = self.point(unit)

    def point(self, unit: Unit) -> np.ndarray:
        return np.array([math.log(unit.size), *(unit.powers.get(a, 0.0) for a in self.axes)])

    def text(self, point: np.ndarray) -> str:
        """Return the unit at a point, in the units that the user declared."""
        if not self._basis:
            return units.write_unit(math.exp(point[0]), {})
        basis = np.array(list(self._basis.values()))
        solution = np.linalg.lstsq(basis[:, 1:].T, point[1:], rcond=None)[0]
        powers = [round(float(power), 9) for power in solution]
        size = math.exp(point[0] - float(np.dot(powers, basis[:, 0])))
        return units.write_unit(
            size, {name: p for name, p in zip(self._basis, powers, strict=True) if p}
        )


@dataclass(frozen=True, slots=True)
class Form:
    """A unit as a known point plus multiples of unknown ones."""

    unknown: Mapping[str, float]
    known: np.ndarray

    def plus(self, other: Form, factor: float = 1.0) -> Form:
        names = {**self.unknown, **other.unknown}
        rows = {k: self.unknown.get(k, 0.0) + factor * other.unknown.get(k, 0.0) for k in names}
        return Form({k: v for k, v in rows.items() if v}, self.known + factor * other.known)

    def times(self, factor: float) -> Form:
        return Form({k: factor * v for k, v in self.unknown.items()}, factor * self.known)


class Linear:
    """Linear equations `sum_k row[k]*x[k] = value` between unknown points, consistent so far."""

    def __init__(self) -> None:
        self.rows: list[Mapping[str, float]] = []
        self.values: list[np.ndarray] = []

    def value(self, row: Mapping[str, float], width: int) -> np.ndarray | None:
        """Return what the equations say of a combination of unknowns; None if nothing."""
        if not row:
            return np.zeros(width)
        names = list(dict.fromkeys(k for r in (*self.rows, row) for k in r))
        matrix = np.array([[r.get(k, 0.0) for k in names] for r in self.rows])
        target = np.array([row.get(k, 0.0) for k in names])
        matrix = matrix.reshape(len(self.rows), len(names))
        weights = np.linalg.lstsq(matrix.T, target, rcond=None)[0]
        if not np.allclose(matrix.T @ weights, target, atol=TOLERANCE):
            return None
        return weights @ np.array(self.values).reshape(len(self.rows), width)

    def admits(self, row: Mapping[str, float], value: np.ndarray) -> bool:
        said = self.value(row, len(value))
        return said is None or bool(np.allclose(said, value, atol=TOLERANCE, rtol=TOLERANCE))

    def add(self, row: Mapping[str, float], value: np.ndarray) -> None:
        if row:
            self.rows.append(row)
            self.values.append(value)
