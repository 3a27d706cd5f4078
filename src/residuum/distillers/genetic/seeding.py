r"""Where the search starts: sums of few blocks that fit the data through a link.

For a link :math:`g` among identity, reciprocal, square, reciprocal square, logarithm and root, the
transformed values :math:`g(y)` are regressed on every block and every pair of blocks, the best
pairs on every third block, and so on; :math:`f = g^{-1}(\sum_k a_k e_k)` is a formula that the
search then fits and varies. All pairs together cost one matrix product: with unit columns,
correlations :math:`\rho` and cosines :math:`G`,

.. math:: R^2_{ij} = (\rho_i^2 + \rho_j^2 - 2\rho_i\rho_j G_{ij}) / (1 - G_{ij}^2).

Sums of enumerated features: SISSO (Ouyang et al. 2018, doi:10.1103/PhysRevMaterials.2.083802).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from residuum.distillers.genetic.trees import (
    ADD,
    CONSTANT,
    EXP,
    INTEGER_POWER,
    LOG,
    MUL,
    SQRT,
)
from residuum.distillers.genetic.variation import Blocks

MOST_PAIRED = 1500
EXTENDED = 24
BRIEFLY = 4
LONGEST = 4
_COLLINEAR = 1e-8
_ROUND = 1e-9

# Instructions (code, argument) and constants, in order, of a formula to start from.
Instruction = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Link:
    """A transformation of the values: its function, slope, inverse as instructions, and units."""

    forward: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    inverse: tuple[Instruction, ...]
    power: float | None
    needs: tuple[int, ...] = ()


LINKS: dict[str, Link] = {
    "identity": Link(lambda y: y, np.ones_like, (), 1.0),
    "reciprocal": Link(lambda y: 1 / y, lambda y: y**-2, ((INTEGER_POWER, -1),), -1.0),
    "square": Link(lambda y: y**2, lambda y: 2 * np.abs(y), ((SQRT, 0),), 2.0, (SQRT,)),
    "reciprocal square": Link(
        lambda y: y**-2,
        lambda y: 2 * np.abs(y) ** -3,
        ((SQRT, 0), (INTEGER_POWER, -1)),
        -2.0,
        (SQRT,),
    ),
    "root": Link(np.sqrt, lambda y: 0.5 / np.sqrt(y), ((INTEGER_POWER, 2),), 0.5, (INTEGER_POWER,)),
    "logarithm": Link(np.log, lambda y: 1 / y, ((EXP, 0),), None, (EXP,)),
    "exponential": Link(np.exp, np.exp, ((LOG, 0),), None, (LOG,)),
}


def seed_formulas(
    blocks: Blocks,
    complexity: np.ndarray,
    allowed: Sequence[tuple[np.ndarray, bool]],
    y: np.ndarray,
    weight: np.ndarray,
    operators: frozenset[int],
) -> Iterator[list[Instruction]]:
    """Yield formulas to start from, as postfix instructions (a constant is `(CONSTANT, value)`).

    `allowed` holds sets of blocks, by place, that may be summed with each other, and for each
    whether only its few best sums are worth a try; `y[m]` are the
    values on the probe points and `weight[m]` their weights.
    """
    for link in LINKS.values():
        if not operators.issuperset(link.needs):
            continue
        with np.errstate(all="ignore"):
            sign = -1.0 if np.all(y < 0) else 1.0
            target = link.forward(sign * y)
            weights = weight / link.slope(sign * y)
        good = np.isfinite(target) & np.isfinite(weights)
        if good.mean() < 0.9 or not np.any(weights[good] > 0):
            continue
        for members, brief in allowed:
            sums = _sums(blocks, complexity, members, target, weights, good, brief=brief)
            for places, coefficients in sums:
                yield _formula(blocks, places, coefficients, link)


def _sums(
    blocks: Blocks,
    complexity: np.ndarray,
    members: np.ndarray,
    target: np.ndarray,
    weights: np.ndarray,
    good: np.ndarray,
    *,
    brief: bool,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the best sums of one to `LONGEST` blocks: places of the blocks and factors."""
    w = weights[good] / np.abs(weights[good]).max()
    b = target[good] * w
    size = float(np.linalg.norm(b))
    columns = blocks.values[members][:, good] * w
    norms = np.linalg.norm(columns, axis=1)
    usable = np.isfinite(norms) & (norms > 0)
    members, columns, norms = members[usable], columns[usable], norms[usable]
    if not len(members) or not (np.isfinite(size) and size > 0):
        return
    columns, b = columns / norms[:, None], b / size
    for support in _supports(columns, b, complexity[members], brief=brief):
        solution = np.linalg.lstsq(columns[list(support)].T, b, rcond=None)[0]
        yield members[list(support)], solution * size / norms[list(support)]


def _supports(
    columns: np.ndarray, b: np.ndarray, complexity: np.ndarray, *, brief: bool
) -> Iterator[tuple[int, ...]]:
    """Yield places of blocks that explain `b` well together; with `brief` only pairs and more."""
    rho = columns @ b
    for level in () if brief else np.unique(complexity):
        places = np.flatnonzero(complexity == level)
        for i in places[np.argsort(-np.abs(rho[places]), kind="stable")[:3]]:
            yield (int(i),)
    pairs = _pairs(columns[:MOST_PAIRED], rho[:MOST_PAIRED], complexity[:MOST_PAIRED])
    best = sorted(pairs, key=lambda row: -row[0])
    width = BRIEFLY if brief else EXTENDED
    yield from (support for _, support in best[: width if brief else None])
    beam: list[tuple[int, ...]] = [support for _, support in best[:width]]
    for _ in range(3, LONGEST + 1):
        longer: dict[tuple[int, ...], float] = {}
        for support in beam:
            for gain, extended in _extended(columns, b, rho, support):
                longer[extended] = gain
        beam = sorted(longer, key=lambda s: (-longer[s], s))[:width]
        yield from beam


def _pairs(
    columns: np.ndarray, rho: np.ndarray, complexity: np.ndarray
) -> list[tuple[float, tuple[int, int]]]:
    """Return the best pairs of every pair of complexities, with the share they explain."""
    cosine = columns @ columns.T
    with np.errstate(all="ignore"):
        left = 1.0 - cosine**2
        share = (rho[:, None] ** 2 + rho**2 - 2 * rho[:, None] * rho * cosine) / left
    share[~(left > _COLLINEAR)] = -1.0
    share[np.tril_indices(len(rho))] = -1.0
    levels = np.unique(complexity)
    edges = [*np.searchsorted(complexity, levels), len(complexity)]
    found = []
    for p in range(len(levels)):
        for q in range(p, len(levels)):
            part = share[edges[p] : edges[p + 1], edges[q] : edges[q + 1]]
            for flat in _largest(part.ravel(), 3):
                i, j = divmod(int(flat), part.shape[1])
                if part[i, j] > 0:
                    found.append((float(part[i, j]), (int(edges[p] + i), int(edges[q] + j))))
    return found


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    if len(values) <= count:
        return np.argsort(-values, kind="stable")
    part = np.argpartition(-values, count)[:count]
    return part[np.lexsort((part, -values[part]))]


def _extended(
    columns: np.ndarray, b: np.ndarray, rho: np.ndarray, support: tuple[int, ...]
) -> list[tuple[float, tuple[int, ...]]]:
    """Return the support with the block that explains most of what is left, three times over."""
    basis = np.linalg.qr(columns[list(support)].T)[0]
    inside = columns @ basis
    along = basis.T @ b
    left = 1.0 - np.sum(inside**2, axis=1)
    with np.errstate(all="ignore"):
        gain = (rho - inside @ along) ** 2 / left
    gain[~(left > _COLLINEAR)] = -1.0
    gain[list(support)] = -1.0
    explained = float(along @ along)
    return [
        (explained + float(gain[k]), tuple(sorted((*support, int(k)))))
        for k in _largest(gain, 3)
        if gain[k] > 0
    ]


def _formula(
    blocks: Blocks, places: np.ndarray, coefficients: np.ndarray, link: Link
) -> list[Instruction]:
    """Return the sum with its largest factor left to the scale where the link lets it through."""
    free = link.power is not None
    lead = coefficients[0] if free else 1.0
    steps: list[Instruction] = []
    for order, (place, coefficient) in enumerate(zip(places, coefficients, strict=True)):
        n = int(blocks.length[place])
        steps += [(int(blocks.codes[place, i]), int(blocks.args[place, i])) for i in range(n)]
        ratio = float(coefficient / lead) if lead else 0.0
        if abs(ratio - 1.0) > _ROUND:
            steps += [(CONSTANT, ratio), (MUL, 0)]
        if order:
            steps.append((ADD, 0))
    # An even root of a sum needs the sum's own sign.
    if free and lead < 0 and any(code == SQRT for code, _ in link.inverse):
        steps += [(CONSTANT, -1.0), (MUL, 0)]
    return [*steps, *link.inverse]
