"""A tuple of formulas as flat postfix arrays, which compiled kernels can run.

Each instruction is an opcode and an operand. `VARIABLE` pushes `variables[operand]`, `CONSTANT`
pushes `constants[operand]`, `INTEGER_POWER` raises the top of the stack to the power `operand`;
every other opcode is a row of the primitive table and takes its operands from the stack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from residuum.errors import unknown_name
from residuum.expressions.expression import MAX_EXPONENT, Expression, arity, is_integer
from residuum.expressions.primitives import PRIMITIVES

VARIABLE, CONSTANT, INTEGER_POWER = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Postfix instructions of `e` formulas over shared vectors of variables and constants.

    Formula `k` is `opcodes[offsets[k]:offsets[k+1]]` with the operands at the same places, and
    leaves its value as the only entry of the stack. `constants` holds, in this order: the
    `parameters`, the `#` constants by appearance over all formulas, then the integer literals.
    Only the first `fitted` entries may vary. No formula needs a stack of more than `depth`.
    """

    opcodes: np.ndarray
    operands: np.ndarray
    offsets: np.ndarray
    constants: np.ndarray
    fitted: int
    depth: int
    variables: tuple[str, ...]
    parameters: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.offsets) - 1


def compile_program(
    expressions: Sequence[Expression],
    variables: Sequence[str],
    parameters: Mapping[str, float] | None = None,
) -> Program:
    """Return the program of formulas in `variables` and, as named constants, `parameters`.

    `parameters` maps names to the values that `Program.constants` starts with.
    Raises UserError when a formula holds a name that is neither.
    """
    named = dict(parameters or {})
    places = _Places(variables, named, sum(len(e.constants) for e in expressions))
    codes: list[tuple[int, int]] = []
    offsets, depth, used = [0], 0, len(named)
    for expression in expressions:
        block = _postfix(expression, places, used)
        codes.extend(block)
        offsets.append(len(codes))
        depth = max(depth, _depth(block))
        used += len(expression.constants)
    fixed = [float(token) for token in places.literals]
    free = [*named.values(), *(c for e in expressions for c in e.constants)]
    table = np.array(codes, dtype=np.int32).reshape(-1, 2)
    return Program(
        opcodes=np.ascontiguousarray(table[:, 0]),
        operands=np.ascontiguousarray(table[:, 1]),
        offsets=np.array(offsets, dtype=np.int32),
        constants=np.array([*free, *fixed], dtype=np.float64),
        fitted=len(free),
        depth=depth,
        variables=tuple(variables),
        parameters=tuple(named),
    )


class _Places:
    """Where each leaf lives: variables by name, parameters and literals among the constants."""

    def __init__(
        self, variables: Sequence[str], parameters: Mapping[str, float], constants: int
    ) -> None:
        self.variables = {name: index for index, name in enumerate(variables)}
        self.parameters = {name: index for index, name in enumerate(parameters)}
        self.literals: dict[str, int] = {}
        self._next = len(parameters) + constants

    def leaf(self, token: str) -> tuple[int, int]:
        if is_integer(token):
            return CONSTANT, self.literals.setdefault(token, self._next + len(self.literals))
        if token in self.parameters:
            return CONSTANT, self.parameters[token]
        if token not in self.variables:
            raise unknown_name(token, [*self.variables, *self.parameters], what="variable")
        return VARIABLE, self.variables[token]


def _postfix(expression: Expression, places: _Places, used: int) -> list[tuple[int, int]]:
    """Return the instructions of one formula whose `#` constants start at place `used`."""
    numbered = expression.with_constants(range(used, used + len(expression.constants)))
    order: list[tuple[str, float | None]] = numbered.fold(
        lambda token, place: [(token, place)],
        lambda operator, *parts: [*(entry for part in parts for entry in part), (operator, None)],
    )
    codes: list[tuple[int, int]] = []
    following = [*(token for token, _ in order[1:]), ""]
    power: int | None = None
    for (symbol, place), after in zip(order, following, strict=True):
        # In postfix order, a literal right before a power is its whole exponent.
        if after == "**" and is_integer(symbol) and abs(int(symbol)) <= MAX_EXPONENT:
            power = int(symbol)
        elif symbol == "**" and power is not None:
            codes.append((INTEGER_POWER, power))
            power = None
        elif place is not None:
            codes.append((CONSTANT, int(place)))
        else:
            codes.append((PRIMITIVES[symbol].opcode, 0) if arity(symbol) else places.leaf(symbol))
    return codes


def _depth(block: list[tuple[int, int]]) -> int:
    arities = {row.opcode: row.arity for row in PRIMITIVES.values()} | {INTEGER_POWER: 1}
    height = deepest = 0
    for opcode, _ in block:
        height += 1 - arities.get(opcode, 0)
        deepest = max(deepest, height)
    return deepest
