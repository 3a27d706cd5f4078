"""Constants inside `sign`: a formula jumps with them, so no derivative tells where they belong.

They are found by a search along each of them instead, with a step that shrinks where nothing gets
better. As long as a loss falls towards the right place from both sides, that finds it up to what
rows there are: between two neighbouring rows every place is as good, and the middle is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from residuum.expressions.expression import Expression

JUMPING = "sign"
FIRST, LAST, SHORTER = 0.25, 1e-7, 0.5  # steps as shares of the constant
GAIN = 1e-12  # share of the loss below which nothing got better
MOST_ROUNDS = 4

Loss = Callable[[np.ndarray], float]


def jump_places(expression: Expression) -> tuple[int, ...]:
    """Return the places of the constants that stand inside a `sign`.

    >>> from residuum.expressions.parser import parse
    >>> jump_places(parse("2.5*x*(1.1 + sign(x - 1.99))"))
    (2,)
    """
    count = iter(range(len(expression.constants)))

    def leaf(token: str, constant: float | None) -> tuple[list[int], list[int]]:
        return ([] if constant is None else [next(count)]), []

    def node(symbol: str, *parts: tuple[list[int], list[int]]) -> tuple[list[int], list[int]]:
        every = [k for own, _ in parts for k in own]
        inside = every if symbol == JUMPING else [k for _, own in parts for k in own]
        return every, inside

    places = expression.fold(leaf, node)[1]
    # `fold` meets the leaves from the last to the first.
    return tuple(sorted(len(expression.constants) - 1 - k for k in places))


def placed(constants: np.ndarray, places: Sequence[int], loss: Loss) -> tuple[np.ndarray, float]:
    """Return the constants with those at `places` where the loss is least nearby, and that loss."""
    constants = np.array(constants, dtype=float)
    least = loss(constants)
    for _ in range(MOST_ROUNDS if len(places) > 1 else 1):
        before = least
        for place in places:
            constants, least = _along(constants, place, loss, least)
        if not least < before - GAIN * abs(before):
            break
    for place in places:
        reach = [_reach(constants, place, loss, least, sign) for sign in (1.0, -1.0)]
        constants[place] += 0.5 * (reach[0] - reach[1])
    return constants, least


def _reach(constants: np.ndarray, place: int, loss: Loss, least: float, sign: float) -> float:
    """Return how far a constant moves one way without any change; nothing, if it may move freely.

    Where no row changes sides, the loss is the same to the last bit.
    """

    def same(step: float) -> bool:
        moved = constants.copy()
        moved[place] += sign * step
        return loss(moved) == least

    size = abs(constants[place]) or 1.0
    low, high = 0.0, LAST * size
    while same(high):
        low, high = high, 2.0 * high
        if high > size:
            return 0.0
    while high - low > LAST * size:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if same(middle) else (low, middle)
    return low


def _along(constants: np.ndarray, place: int, loss: Loss, least: float) -> tuple[np.ndarray, float]:
    """Return the same with one constant moved, as long as that lowers the loss."""
    size = abs(constants[place]) or 1.0
    step = FIRST * size
    while step > LAST * size:
        for move in (step, -step):
            moved = constants.copy()
            moved[place] += move
            found = loss(moved)
            if found < least - GAIN * abs(least):
                constants, least = moved, found
                break
        else:
            step *= SHORTER
    return constants, least
