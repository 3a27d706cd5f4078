"""The value of a formula on numpy arrays; outside its domain it is NaN or infinite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from residuum.expressions.expression import CONSTANT, Expression, is_variable
from residuum.expressions.primitives import PRIMITIVES


def evaluate(expression: Expression, values: Mapping[str, Any]) -> np.ndarray:
    """Return the formula's value; arrays broadcast, the result is float64.

    Raises KeyError when a variable has no value.
    """

    def leaf(token: str, constant: float | None) -> Any:
        if token == CONSTANT:
            return constant
        return np.asarray(values[token], dtype=float) if is_variable(token) else float(token)

    with np.errstate(all="ignore"):
        result = expression.fold(leaf, lambda symbol, *args: PRIMITIVES[symbol].numpy(*args))
    return np.asarray(result, dtype=float)
