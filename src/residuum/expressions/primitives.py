"""The one table of operators: every meaning an operator has stands in its row.

A formula outside its domain is NaN, never "protected": `log(-1)` is NaN in every backend.
Torch and sympy are named, not imported, so that distillers stay light.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Primitive:
    """One operator: its arity and its meaning in every backend.

    `units` names the rule of dimensional analysis: `same` (all operands and the result agree),
    `product`, `quotient`, `power`, `keep` (result as operand), `root`, `dimensionless` (operand
    and result dimensionless), `sign` (any operand, dimensionless result).
    `opcode` is what the numba kernels switch on.
    """

    symbol: str
    arity: int
    opcode: int
    numpy: Callable[..., Any]
    torch: str
    sympy: str
    units: str
    complexity: int


def _power(base: Any, exponent: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.power(np.asarray(base, dtype=float), exponent)


def _rows() -> list[Primitive]:
    return [
        Primitive("+", 2, 10, np.add, "add", "Add", "same", 1),
        Primitive("-", 2, 11, np.subtract, "subtract", "Subtract", "same", 1),
        Primitive("*", 2, 12, np.multiply, "multiply", "Mul", "product", 1),
        Primitive("/", 2, 13, np.divide, "divide", "Divide", "quotient", 1),
        Primitive("**", 2, 14, _power, "pow", "Pow", "power", 1),
        Primitive("min", 2, 15, np.minimum, "minimum", "Min", "same", 2),
        Primitive("max", 2, 16, np.maximum, "maximum", "Max", "same", 2),
        Primitive("neg", 1, 20, np.negative, "negative", "Negative", "keep", 1),
        Primitive("abs", 1, 21, np.abs, "abs", "Abs", "keep", 1),
        Primitive("sqrt", 1, 22, np.sqrt, "sqrt", "sqrt", "root", 2),
        Primitive("exp", 1, 23, np.exp, "exp", "exp", "dimensionless", 2),
        Primitive("log", 1, 24, np.log, "log", "log", "dimensionless", 2),
        Primitive("sin", 1, 25, np.sin, "sin", "sin", "dimensionless", 2),
        Primitive("cos", 1, 26, np.cos, "cos", "cos", "dimensionless", 2),
        Primitive("tan", 1, 27, np.tan, "tan", "tan", "dimensionless", 2),
        Primitive("tanh", 1, 28, np.tanh, "tanh", "tanh", "dimensionless", 2),
        Primitive("sinh", 1, 29, np.sinh, "sinh", "sinh", "dimensionless", 2),
        Primitive("cosh", 1, 30, np.cosh, "cosh", "cosh", "dimensionless", 2),
        Primitive("asin", 1, 31, np.arcsin, "asin", "asin", "dimensionless", 2),
        Primitive("acos", 1, 32, np.arccos, "acos", "acos", "dimensionless", 2),
        Primitive("atan", 1, 33, np.arctan, "atan", "atan", "dimensionless", 2),
        Primitive("sign", 1, 34, np.sign, "sign", "sign", "sign", 2),
    ]


PRIMITIVES: dict[str, Primitive] = {row.symbol: row for row in _rows()}
FUNCTIONS: frozenset[str] = frozenset(
    name for name in PRIMITIVES if name.isidentifier() and name != "neg"
)
