"""The value of a formula on torch tensors, on their device and in their dtype."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from residuum.expressions.expression import CONSTANT, Expression, is_variable
from residuum.expressions.primitives import PRIMITIVES


def evaluate(expression: Expression, values: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the formula's value; tensors broadcast; differentiable.

    A formula without variables gives a float64 scalar on the CPU, which broadcasts everywhere.
    Raises KeyError when a variable has no value.
    """
    example = next(iter(values.values()), None)
    dtype = example.dtype if example is not None else torch.float64
    device = example.device if example is not None else torch.device("cpu")

    def leaf(token: str, constant: float | None) -> torch.Tensor:
        if is_variable(token):
            return values[token]
        number = constant if token == CONSTANT else float(token)
        return torch.tensor(number, dtype=dtype, device=device)

    def node(symbol: str, *operands: torch.Tensor) -> torch.Tensor:
        return getattr(torch, PRIMITIVES[symbol].torch)(*operands)

    return expression.fold(leaf, node)
