"""Names of array shapes: the letters stand for the same axis everywhere.

`n` samples, `s` states, `c` components of the first-order state vector, `p` parameters and
constants, `a` arguments of a hidden term, `m` library terms.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

Vector = Float[np.ndarray, " n"]
Matrix = Float[np.ndarray, "n m"]
Square = Float[np.ndarray, "n n"]
Samples = Float[np.ndarray, "n a"]
Mask = Bool[np.ndarray, " n"]
Index = Int[np.ndarray, " n"]
