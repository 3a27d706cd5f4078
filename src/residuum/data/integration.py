"""How equations are integrated to the accuracy of data that stand for the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

from residuum.errors import UserError

RTOL = 1e-10
MAX_EVALUATIONS = 2_000_000


def solve(
    rates: Callable[[float, np.ndarray], np.ndarray],
    start: np.ndarray,
    t: np.ndarray,
    *,
    where: str = "",
    limit: int = MAX_EVALUATIONS,
) -> np.ndarray:
    """Return the components `[c, n]` at times `t[n]` from `start[c]`, given their `rates(t, y)`.

    DOP853 (Hairer, Norsett and Wanner 1993) with relative tolerance 1e-10. Raises UserError when
    the trajectory diverges or takes more than `limit` evaluations.
    """
    if len(t) == 1:
        return start[:, None]
    tolerance = RTOL * max(float(np.max(np.abs(start))), 1e-300)
    try:
        with np.errstate(all="ignore"):
            result = solve_ivp(
                _Counted(rates, limit), (t[0], t[-1]), start, "DOP853",
                t_eval=t, rtol=RTOL, atol=tolerance,
            )  # fmt: skip
    except _TooLong as stop:
        raise UserError(
            "the simulation does not end",
            where=where or None,
            found=f"t = {stop.t:g} after {limit:,} evaluations",
            hint="it is stiff or diverges",
        ) from None
    if not result.success or not np.all(np.isfinite(result.y)):
        reached = float(result.t[-1]) if len(result.t) else float(t[0])
        raise UserError(
            "the simulation diverges",
            where=where or None,
            expected=f"a trajectory up to t = {t[-1]:g}",
            found=f"none beyond t = {reached:g}",
        )
    return np.asarray(result.y)


class _TooLong(Exception):
    def __init__(self, t: float) -> None:
        super().__init__()
        self.t = t


class _Counted:
    """Rates that may be asked for a limited number of times."""

    def __init__(self, rates: Callable[[float, np.ndarray], np.ndarray], limit: int) -> None:
        self.rates, self.left = rates, limit

    def __call__(self, t: float, y: np.ndarray) -> np.ndarray:
        if self.left <= 0:
            raise _TooLong(t)
        self.left -= 1
        return self.rates(t, y)
