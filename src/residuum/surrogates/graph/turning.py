r"""How does what is made of a vector change with each of its components?

The value of a central term :math:`\phi(|v|)\, \hat v` changes along the vector with the slope of
:math:`\phi`, and across it because the direction turns:

.. math:: \frac{\partial}{\partial v} \phi\,\hat v
          = \phi'\, \hat v \hat v^T + \frac{\phi}{|v|} (1 - \hat v \hat v^T) .
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from residuum.expressions.expression import Expression
from residuum.expressions.torch_evaluation import evaluate
from residuum.surrogates.graph.values import BodyValues, Called, PairValues

At = BodyValues | PairValues


def by_vector_call(
    at: At, kind: str, arguments: tuple[Expression, ...]
) -> Iterator[tuple[Expression, Tensor]]:
    """Yield each argument of a length or product that is not known, and the slopes by it.

    The slopes `[B or 1, N, 1, d]` are by its components.
    """
    unknown = at.system.unknown
    if kind == "norm":
        if unknown & set(arguments[0].variables):
            yield arguments[0], _direction(at, arguments[0])[0].unsqueeze(-2)
        return
    for own, other in (arguments, arguments[::-1]):
        if unknown & set(own.variables):
            yield own, evaluate(other, at).unsqueeze(-2)


def by_argument(
    at: At, called: Called, argument: Expression, slope: Tensor, turn: Tensor | None
) -> Tensor:
    """Return the derivatives `[B, N, d or 1, l]` of a call's value by a vector argument.

    `slope[B, N, K]` is that of the head's value by the vector's length, `turn[B, S, K, l]` by the
    direction (None: another vector gives the direction).
    """
    w, length = _direction(at, argument)
    along = (slope * called.factor).unsqueeze(-1) * w.unsqueeze(-2)
    if turn is None:
        return along
    across = torch.eye(w.shape[-1], dtype=w.dtype, device=w.device) - _outer(w)
    if turn.shape[-1]:
        # The sample of a turned pair saw the opposite direction.
        sign = torch.where(called.turned, -1.0, 1.0)[:, None]
        turned = turn[:, called.sample] * (sign * called.factor).unsqueeze(-1)
        return along + turned @ across / length.unsqueeze(-1)
    if called.factor.shape[-1] == 1:
        return along
    return along + (called.value[:, called.sample] / length).unsqueeze(-1) * across


def _direction(at: At, argument: Expression) -> tuple[Tensor, Tensor]:
    """Return the direction `[B or 1, N, d]` and the length `[B or 1, N, 1]` of a vector."""
    vector = evaluate(argument, at)
    length = vector.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(vector.dtype).tiny)
    return vector / length, length


def _outer(w: Tensor) -> Tensor:
    return w.unsqueeze(-1) * w.unsqueeze(-2)
