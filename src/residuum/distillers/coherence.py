r"""By which factors columns become coherent, so that a formula in numbers holds in units.

A unit is a size times a product of powers of base dimensions. Columns are coherent when one size
:math:`s_d` of each base dimension gives every column's size, :math:`\prod_d s_d^{a_{jd}}`. Then no
factor hides between km and m, and the formula holds in the numbers as given. The first units keep
their sizes; a later one that contradicts them is converted: km beside m, percent, degrees.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from residuum.distillers.regression import Dimensions
from residuum.errors import UserError, unknown_name
from residuum.problem.unit_space import Unit

_LARGEST_ROOT = 12


@dataclass(frozen=True, slots=True)
class Coherent:
    """`column * factors[name]` is coherent; `dimensions[name]` are exponents over common axes.

    `texts[name]` are the units as written.
    """

    factors: Mapping[str, float]
    dimensions: Mapping[str, Dimensions]
    texts: Mapping[str, str]


def read_units(
    variables: Sequence[str], units: Mapping[str, str], value: str, unit: str
) -> Coherent:
    """Return what makes the columns and the value coherent.

    `units` names the unit of every variable. Raises UserError on unknown or missing names and on
    what is no unit.
    """
    for name in units:
        if name not in variables:
            raise unknown_name(name, variables, what="variable", where="units")
    for name in variables:
        if name not in units:
            raise UserError(
                f"no unit of {name!r}",
                where="units",
                expected="a unit for every variable",
                hint="a pure number has the unit 1",
            )
    named = {value: Unit.read(unit, f"units of {value}")}
    named |= {name: Unit.read(units[name], f"units of {name}") for name in variables}
    return _coherent(named, {value: str(unit), **{k: str(v) for k, v in units.items()}})


def admits(variables: Sequence[Dimensions], value: Dimensions) -> bool:
    """Tell whether a product of powers of the variables has the dimensions of the value."""
    rows = np.array([[float(power) for power in row] for row in variables]).reshape(
        len(variables), len(value)
    )
    return _combination(rows, np.array([float(power) for power in value])) is not None


def _coherent(units: Mapping[str, Unit], texts: Mapping[str, str]) -> Coherent:
    axes = tuple(dict.fromkeys(axis for unit in units.values() for axis in unit.powers))
    basis: list[np.ndarray] = []
    sizes: list[float] = []
    factors, dimensions = {}, {}
    for name, unit in units.items():
        powers = np.array([unit.powers.get(axis, 0.0) for axis in axes])
        weights = _combination(np.array(basis).reshape(len(basis), len(axes)), powers)
        if weights is None:
            basis.append(powers)
            sizes.append(unit.size)
            factors[name] = 1.0
        else:
            parts = (s ** round(float(w), 9) for s, w in zip(sizes, weights, strict=True))
            factors[name] = _round(unit.size / math.prod(parts))
        dimensions[name] = tuple(Fraction(p).limit_denominator(_LARGEST_ROOT) for p in powers)
    return Coherent(factors, dimensions, texts)


def _combination(rows: np.ndarray, target: np.ndarray) -> np.ndarray | None:
    """Return weights with `weights @ rows = target`, or None where there are none."""
    if not len(rows):
        return np.zeros(0) if not target.any() else None
    weights = np.linalg.lstsq(rows.T, target, rcond=None)[0]
    return weights if np.allclose(rows.T @ weights, target, atol=1e-9) else None


def _round(factor: float) -> float:
    # Powers cost the last digits: a thousand may come out as 999.9999999999998.
    short = float(f"{factor:.12g}")
    return short if math.isclose(short, factor, rel_tol=1e-14) else factor
