"""A system as a Python module of differentiable torch operations."""

from __future__ import annotations

from residuum.expressions.primitives import FUNCTIONS, PRIMITIVES
from residuum.laws.export.code import Dialect
from residuum.laws.export.python_code import module
from residuum.laws.export.system import System


def _tensor(text: str, constant: bool) -> str:
    return f"torch.tensor({text}, dtype=torch.float64)" if constant else text


TORCH = Dialect(
    calls={name: f"torch.{PRIMITIVES[name].torch}" for name in FUNCTIONS},
    power=lambda base, exponent: f"{base}**{exponent}",
    reserved=frozenset({"torch", "law"}),
    operand=_tensor,
)


def to_torch(system: System) -> str:
    """Return the module: `law(arguments, parameters)` gives the results as a tensor."""
    stacked = "torch.stack(torch.broadcast_tensors(*map(torch.as_tensor, {})))"
    # A plain float has no place in torch's functions.
    tensor = "torch.as_tensor({}, dtype=torch.float64)"
    return module(system, TORCH, "import torch", stacked, tensor)
