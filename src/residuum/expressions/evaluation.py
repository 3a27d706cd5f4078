"""The value of a formula on numpy arrays; outside its domain it is NaN or infinite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def compiled(
    expression: Expression, places: Mapping[str, int] | None = None
) -> Callable[[Any], Any]:
    """Return the formula as nested functions, for loops that ask for it very often.

    They take values by name, or a sequence of them in which `places` says where each one is.
    """

    def leaf(token: str, constant: float | None) -> Callable[[Any], Any]:
        if is_variable(token):
            key = token if places is None else places[token]
            return lambda values: values[key]
        number = constant if token == CONSTANT else float(token)
        return lambda values: number

    def node(symbol: str, *operands: Callable[[Any], Any]) -> Callable[[Any], Any]:
        function = PRIMITIVES[symbol].numpy
        if len(operands) == 1:
            return lambda values: function(operands[0](values))
        left, right = operands
        return lambda values: function(left(values), right(values))

    return expression.fold(leaf, node)
