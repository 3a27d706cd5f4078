"""Formulas of a user's settings as instructions of the engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from residuum.distillers.genetic.folding import fold, strip_scale
from residuum.distillers.genetic.parts import Parts, parts_of
from residuum.distillers.genetic.seeding import Instruction
from residuum.distillers.genetic.trees import (
    CONSTANT,
    DRAFT_NODES,
    INTEGER_POWER,
    MUL,
    VARIABLE,
    Draft,
    clear,
    emit,
    emit_constant,
    new_draft,
)
from residuum.errors import UserError, unknown_name
from residuum.expressions.expression import CONSTANT as HASH
from residuum.expressions.expression import Expression, is_integer
from residuum.expressions.parser import parse
from residuum.expressions.primitives import PRIMITIVES
from residuum.expressions.simplification import absorb_scales


def instructions(formula: Expression, variables: Sequence[str]) -> list[Instruction]:
    """Return postfix instructions; the argument of `CONSTANT` is its value.

    Raises UserError for a name that is not among `variables`.
    """

    def leaf(token: str, constant: float | None) -> list[Instruction]:
        if token == HASH or is_integer(token):
            return [(CONSTANT, float(token) if constant is None else constant)]
        if token not in variables:
            raise unknown_name(token, variables, what="variable", where="settings")
        return [(VARIABLE, variables.index(token))]

    def node(symbol: str, *operands: list[Instruction]) -> list[Instruction]:
        if symbol == "**" and len(operands[1]) == 1:
            code, value = operands[1][0]
            if code == CONSTANT and float(value).is_integer() and abs(value) <= 64:
                return [*operands[0], (INTEGER_POWER, int(value))]
        steps = [step for operand in operands for step in operand]
        return [*steps, (PRIMITIVES[symbol].opcode, 0)]

    found: list[Instruction] = formula.fold(leaf, node)
    return found


def write_draft(steps: Sequence[Instruction], draft: Draft) -> None:
    """Write instructions to a draft."""
    clear(draft)
    for code, arg in steps:
        if code == CONSTANT:
            emit_constant(draft, float(arg))
        else:
            emit(draft, code, int(arg))


def read_parts(texts: Sequence[str], variables: Sequence[str], where: str) -> Parts:
    """Return what formulas look like inside others, without factors around them.

    Raises UserError where one cannot be read or is longer than any formula of the search.
    """
    return parts_of([_folded(text, variables, where) for text in texts])


def _folded(text: str, variables: Sequence[str], where: str) -> tuple[np.ndarray, np.ndarray]:
    steps = instructions(parse(text, where=where), variables)
    if len(steps) > DRAFT_NODES // 2:
        raise UserError(f"{text!r} is too long", where=where)
    draft, out = new_draft(1), new_draft(1)
    write_draft(steps, draft)
    fold(draft, out, np.zeros(DRAFT_NODES, np.int64))
    strip_scale(out)
    n = int(out.size[0])
    codes, args = list(out.codes[:n]), list(out.args[:n])
    for i in range(n - 2, 0, -1):
        # What the parser or folding wrote as 1*(...).
        if codes[i] == CONSTANT and codes[i + 1] == MUL and out.constants[0, args[i]] == 1.0:
            del codes[i : i + 2], args[i : i + 2]
    return np.array(codes, np.int16), np.array(args, np.int16)


def seed_steps(
    text: str, variables: Sequence[str], scales: Sequence[float], size: float
) -> list[Instruction]:
    r"""Return the instructions of :math:`f(s_1 v_1, s_2 v_2, \ldots)/s` for a formula f in text."""
    formula = parse(text, where="seeds")
    inverse = {name: 1.0 / scale for name, scale in zip(variables, scales, strict=True)}
    return instructions(absorb_scales(formula, inverse, scale=1.0 / size), variables)
