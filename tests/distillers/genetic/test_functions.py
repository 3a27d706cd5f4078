"""The vector functions against numpy, to units in the last place."""

import numpy as np
import pytest
from numba import njit

from residuum.distillers.genetic import functions

RANGES = {
    "exp": [(-745, 709.7), (-1, 1), (-1e-8, 1e-8)],
    "log": [(1e-5, 10), (0.9, 1.1), (1e-320, 1e-300), (1e300, 1e308)],
    "tanh": [(-30, 30), (-1, 1), (-1e-5, 1e-5)],
    "sin": [(-10, 10), (-1e6, 1e6), (-1e-3, 1e-3)],
    "cos": [(-10, 10), (-1e6, 1e6)],
}
SPECIAL = np.array(
    [0.0, -0.0, 1.0, np.nan, 5e-324, 1e-310, -1.0, np.inf, -np.inf, 1.7e308, 709.79, 710.0, -745.2]
)


def looped(name):
    function = getattr(functions, name)

    @njit(error_model="numpy", fastmath={"reassoc", "contract", "nsz", "arcp"})
    def loop(x, out):
        for i in range(len(x)):
            out[i] = function(x[i])

    return loop


def apart(found, true):
    """Distance in units in the last place; 0 for equal infinities or NaN."""
    with np.errstate(all="ignore"):
        ulps = np.abs(found - true) / np.spacing(np.abs(true))
    same = (found == true) | (np.isnan(found) & np.isnan(true))
    return np.where(same, 0.0, np.where(np.isnan(ulps), np.inf, ulps))


@pytest.mark.parametrize("name", RANGES)
def test_as_numpy_to_four_units_in_the_last_place(name):
    loop, rng = looped(name), np.random.default_rng(0)
    parts = [rng.uniform(*span, 20_000) for span in RANGES[name]]
    if name in ("sin", "cos"):
        parts += [np.arange(-3000, 3000) * np.pi / 2, SPECIAL[:6]]
    else:
        parts.append(SPECIAL)
    x = np.concatenate(parts)
    found = np.empty_like(x)
    loop(x, found)
    with np.errstate(all="ignore"):
        true = getattr(np, name)(x)
    assert apart(found, true).max() <= 4.0
