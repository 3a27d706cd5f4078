"""Formulas as flat postfix arrays: how they are taken apart, put together and told apart.

A formula is `codes[n]`, `args[n]` and constants `[experiments, slots]`: the instructions of
`expressions.program` and `LITERAL`, an integer that is never fitted. The operands of an instruction
stand right before it, so a subtree is a contiguous run and a new formula is written by copying
runs, one after the other, into a `Draft`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from residuum.distillers.genetic.compiled import compiled
from residuum.distillers.genetic.random import mix
from residuum.expressions.primitives import PRIMITIVES
from residuum.expressions.program import CONSTANT, INTEGER_POWER
from residuum.expressions.program import VARIABLE as VARIABLE

LITERAL = 3
ADD, SUB, MUL, DIV = (PRIMITIVES[s].opcode for s in "+-*/")
POW, MIN, MAX = (PRIMITIVES[s].opcode for s in ("**", "min", "max"))
NEG, ABS, SQRT, EXP = (PRIMITIVES[s].opcode for s in ("neg", "abs", "sqrt", "exp"))
LOG, SIN, COS, TAN = (PRIMITIVES[s].opcode for s in ("log", "sin", "cos", "tan"))
TANH, SINH, COSH = (PRIMITIVES[s].opcode for s in ("tanh", "sinh", "cosh"))
ASIN, ACOS, ATAN, SIGN = (PRIMITIVES[s].opcode for s in ("asin", "acos", "atan", "sign"))

CODES = 64  # every opcode is smaller
MAX_NODES = 64
MAX_CONSTANTS = 12
DRAFT_NODES = 160  # room for what is put together before it is simplified and measured
DRAFT_CONSTANTS = 64

ARITY = np.zeros(CODES, dtype=np.int64)
for _row in PRIMITIVES.values():
    ARITY[_row.opcode] = _row.arity
ARITY[INTEGER_POWER] = 1


class Draft(NamedTuple):
    """A formula in the making: `size` holds the numbers of nodes and of constants, by reference."""

    codes: np.ndarray
    args: np.ndarray
    constants: np.ndarray
    local: np.ndarray
    size: np.ndarray


def new_draft(experiments: int) -> Draft:
    """Return an empty draft."""
    return Draft(
        np.zeros(DRAFT_NODES, dtype=np.int16),
        np.zeros(DRAFT_NODES, dtype=np.int16),
        np.zeros((experiments, DRAFT_CONSTANTS)),
        np.zeros(DRAFT_CONSTANTS, dtype=np.bool_),
        np.zeros(2, dtype=np.int64),
    )


@compiled
def clear(draft):
    """Empty a draft."""
    draft.size[:] = 0


@compiled
def emit(draft, code, arg):
    """Append one instruction; a draft that is full stays full and is refused by `fits`."""
    n = draft.size[0]
    if n < DRAFT_NODES:
        draft.codes[n] = code
        draft.args[n] = arg
        draft.size[0] = n + 1


@compiled
def emit_constant(draft, value):
    """Append a constant with the same value in every experiment."""
    k = draft.size[1]
    if k < DRAFT_CONSTANTS:
        draft.constants[:, k] = value
        draft.local[k] = False
        draft.size[1] = k + 1
        emit(draft, CONSTANT, k)
    else:
        emit(draft, LITERAL, 1)


@compiled
def copy_run(draft, codes, args, constants, local, start, stop):
    """Append the instructions `start..stop-1` of another formula, constants with them."""
    for i in range(start, stop):
        if codes[i] != CONSTANT:
            emit(draft, codes[i], args[i])
            continue
        k = draft.size[1]
        if k >= DRAFT_CONSTANTS:
            emit(draft, LITERAL, 1)
            continue
        for e in range(constants.shape[0]):
            draft.constants[e, k] = constants[e, args[i]]
        draft.local[k] = local[args[i]]
        draft.size[1] = k + 1
        emit(draft, CONSTANT, k)


@compiled
def start_of(codes, last):
    """Return where the subtree that ends at `last` begins."""
    needed, i = 1, last
    while True:
        needed += ARITY[codes[i]] - 1
        if needed == 0:
            return i
        i -= 1


@compiled
def same_run(codes, args, a, b, count):
    """Tell whether two runs of `count` instructions are the same and hold no constant."""
    for i in range(count):
        if codes[a + i] != codes[b + i] or args[a + i] != args[b + i]:
            return False
        if codes[a + i] == CONSTANT:
            return False
    return True


@compiled
def complexity_of(codes, size, cost):
    """Return the sum of the costs of the instructions."""
    total = 0
    for i in range(size):
        total += cost[codes[i]]
    return total


@compiled
def structural_hash(codes, args, size, stack):
    """Return a hash that forgets the values of constants and the order of sums and products."""
    top = 0
    for i in range(size):
        code = codes[i]
        own = np.uint64(code) * np.uint64(0x9E3779B1)
        if code != CONSTANT:
            own += np.uint64(np.int64(args[i]) + 4096)
        arity = ARITY[code]
        if arity == 0:
            stack[top] = mix(own + np.uint64(1))
            top += 1
        elif arity == 1:
            stack[top - 1] = mix(stack[top - 1] * np.uint64(3) + own)
        else:
            a, b = stack[top - 2], stack[top - 1]
            if (code == ADD or code == MUL or code == MIN or code == MAX) and a > b:
                a, b = b, a
            stack[top - 2] = mix(mix(a + own) + b * np.uint64(5) + own)
            top -= 1
    return stack[0]


@compiled
def renumber(draft):
    """Number the constants by appearance and forget those that are not used."""
    n, k = draft.size[0], 0
    experiments = draft.constants.shape[0]
    for i in range(n):
        if draft.codes[i] == CONSTANT:
            draft.args[i] += DRAFT_CONSTANTS  # marks a number that is still the old one
    # The order of appearance may differ from the order of the slots: go through a copy.
    old = draft.constants.copy()
    was_local = draft.local.copy()
    for i in range(n):
        if draft.codes[i] == CONSTANT:
            slot = draft.args[i] - DRAFT_CONSTANTS
            for e in range(experiments):
                draft.constants[e, k] = old[e, slot]
            draft.local[k] = was_local[slot]
            draft.args[i] = k
            k += 1
    draft.size[1] = k
