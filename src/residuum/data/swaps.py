r"""Which labels of bodies were exchanged between two frames.

If a and b exchange their labels between times k and k+1, the steps :math:`x_b(k+1) - x_a(k)` and
:math:`x_a(k+1) - x_b(k)` are ordinary ones, while those under the labels as given are jumps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from residuum.data.observations import Experiment
from residuum.errors import UserError
from residuum.problem.names import split_suffix

BETTER = 20.0
JUMP = 10.0


def check_swaps(where: str, experiments: Sequence[Experiment]) -> None:
    """Raise UserError where two bodies exchange their labels from one time to the next."""
    for e in experiments:
        for name, x in e.states.items():
            found = find_swap(x) if split_suffix(name) is None else None
            if found is not None:
                k, a, b = found
                raise UserError(
                    f"{e.bodies[a]} and {e.bodies[b]} exchange their labels",
                    where=f"{where}: {name}, t = {e.t[k]:g} ({e.name})",
                    expected="the same label for the same body at all times",
                    found=f"{e.bodies[a]} where {e.bodies[b]} was at t = {e.t[k - 1]:g}, "
                    "and the other way round",
                )


def find_swap(x: np.ndarray) -> tuple[int, int, int] | None:
    """Return the first frame of `x[n, b, d]` at which two bodies have exchanged labels, and which.

    Both steps must be at least 20 times shorter under the exchange, and more than 10 times the
    median step as given.
    """
    steps = np.linalg.norm(np.diff(x, axis=0), axis=-1)
    if not np.isfinite(steps).any():
        return None
    jumps = steps > JUMP * np.median(steps[np.isfinite(steps)])
    for k in np.flatnonzero(jumps.sum(axis=1) > 1):
        who = np.flatnonzero(jumps[k])
        crossed = np.linalg.norm(x[k + 1, who][None] - x[k, who][:, None], axis=-1)
        given = np.diagonal(crossed)
        better = BETTER * crossed <= given[:, None]
        both = np.triu(better & better.T, 1)
        if both.any():
            a, b = np.argwhere(both)[0]
            return int(k) + 1, int(who[a]), int(who[b])
    return None
