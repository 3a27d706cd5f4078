"""From a postfix program to instructions whose leaves are read in place.

An instruction is a row of `Work.plan`: operator (+ 64 where the right operand is a scalar, + 128
where the left is), places of the two operands (a slot of values, or a scalar), the exponent, where
the derivatives by the two operands go, and the place of the instruction's own adjoint.
Places of derivatives: `-1` nowhere, `a >= 0` the adjoint slot a, `-2 - c` the Jacobian row c.
Slots hold the program's variables first, then one instruction each. A sum hands its adjoint on by
its place, so no copies are made.

Numbers start as `np.int64(0)`: a bare 0 would have a type, and compiled versions, of its own.
"""

from __future__ import annotations

import numpy as np

from residuum.distillers.genetic.compiled import compiled, inlined, merged
from residuum.expressions.primitives import PRIMITIVES
from residuum.expressions.program import CONSTANT, INTEGER_POWER, VARIABLE

LITERAL = 3
ADD, SUB, MUL, DIV = (PRIMITIVES[s].opcode for s in "+-*/")
POW, MIN, MAX = (PRIMITIVES[s].opcode for s in ("**", "min", "max"))
FIRST_UNARY, SIGN = PRIMITIVES["neg"].opcode, PRIMITIVES["sign"].opcode
COPY, SPREAD = 4, 5  # a program that is one leaf; a scalar where a vector is needed
RIGHT, LEFT = 64, 128

OP, A, B, EXPONENT, TO_A, TO_B, ADJOINT = range(7)
NOWHERE = -1
# rows of Work.nodes
SCALAR, INDEX, ACTIVE, FREE, USERS, LOADED = range(6)
# rows of Work.columns: the Jacobian row of a constant, the constant of a row, rows to add up
ROW_OF, CONSTANT_OF, PARENT, SEEN = range(4)


@compiled
def plan(codes, args, length, count, rows, work):
    """Write the instructions of a program; return how many, and how many slots are variables.

    `count` is how many constants there are. `work.columns[ROW_OF, k]` must hold the Jacobian
    row of each constant or -1; further uses of a constant get rows from `rows` on, and the
    third result is how many rows there are then.
    """
    loaded = np.int64(0)
    slots = work.nodes[LOADED]
    for i in range(length):
        if codes[i] == VARIABLE and _position(slots, loaded, args[i]) < 0:
            slots[loaded] = args[i]
            loaded += 1
    m = _instructions(codes, args, length, count, loaded, work)
    return m, loaded, _targets(m, loaded, count, rows, work)


@compiled
def _position(slots, loaded, variable):
    for k in range(loaded):
        if slots[k] == variable:
            return k
    return -1


@merged
def _instructions(codes, args, length, count, loaded, work):
    nodes, table = work.nodes, work.plan
    scalars, literals = work.scalars, count
    m, top = np.int64(0), np.int64(0)
    for i in range(length):
        code = codes[i]
        if code == VARIABLE:
            nodes[SCALAR, top], nodes[INDEX, top] = 0, _position(nodes[LOADED], loaded, args[i])
            top += 1
        elif code == CONSTANT:
            nodes[SCALAR, top], nodes[INDEX, top] = 1, args[i]
            top += 1
        elif code == LITERAL:
            scalars[literals] = args[i]
            nodes[SCALAR, top], nodes[INDEX, top] = 1, literals
            literals += 1
            top += 1
        else:
            operands = 1 if code == INTEGER_POWER or code >= FIRST_UNARY else 2
            top -= operands
            m = _operation(code, args[i], top, operands, loaded, m, work)
            nodes[SCALAR, top], nodes[INDEX, top] = 0, loaded + m - 1
            top += 1
    if nodes[SCALAR, 0]:
        m = _spread(top - 1, loaded, m, work)
    elif m == 0:
        table[0, OP], table[0, A] = COPY, nodes[INDEX, 0]
        m = 1
    return m


@compiled
def _spread(place, loaded, m, work):
    """Add the instruction that makes a vector of the scalar at a place of the stack."""
    work.plan[m, OP], work.plan[m, A] = SPREAD, work.nodes[INDEX, place]
    work.nodes[SCALAR, place], work.nodes[INDEX, place] = 0, loaded + m
    return m + 1


@compiled
def _operation(code, exponent, top, operands, loaded, m, work):
    nodes, table = work.nodes, work.plan
    both = operands == 2 and nodes[SCALAR, top] and nodes[SCALAR, top + 1]
    simple = code == ADD or code == SUB or code == MUL or code == DIV
    if nodes[SCALAR, top] and (both or not simple):
        m = _spread(top, loaded, m, work)
    if operands == 2 and nodes[SCALAR, top + 1] and not simple:
        m = _spread(top + 1, loaded, m, work)
    a, b = top, top + 1
    if operands == 2 and nodes[SCALAR, a] and (code == ADD or code == MUL):
        a, b = b, a
    kind = 0
    if operands == 2:
        kind = LEFT if nodes[SCALAR, a] else (RIGHT if nodes[SCALAR, b] else 0)
        table[m, B] = nodes[INDEX, b]
    table[m, OP], table[m, A], table[m, EXPONENT] = code + kind, nodes[INDEX, a], exponent
    return m + 1


@compiled
def _is_binary(op):
    return ADD <= op % 64 <= MAX


@merged
def _activate(m, loaded, count, work):
    """Mark the instructions that depend on a constant with a Jacobian row."""
    table, active, row = work.plan, work.nodes[ACTIVE], work.columns[ROW_OF]
    for i in range(m):
        op, a, b = table[i, OP], table[i, A], table[i, B]
        left = op == SPREAD or op >= LEFT
        yes = (a < count and row[a] >= 0) if left else (a >= loaded and active[a - loaded])
        if _is_binary(op) and not yes:
            right = RIGHT <= op < LEFT
            yes = (b < count and row[b] >= 0) if right else (b >= loaded and active[b - loaded])
        # A slope of zero would still turn what is infinite below it into NaN.
        flat = op == SIGN or (op == INTEGER_POWER and table[i, EXPONENT] == 0)
        active[i] = yes and not flat


@merged
def _targets(m, loaded, count, rows, work):
    """Write where derivatives go, from the last instruction down."""
    table, nodes = work.plan, work.nodes
    active, users = nodes[ACTIVE], nodes[USERS]
    _activate(m, loaded, count, work)
    for k in range(work.columns.shape[1]):
        work.columns[PARENT, k], work.columns[SEEN, k] = -1, 0
    for k in range(len(users)):
        users[k] = 0
    users[0] = 1
    table[m - 1, ADJOINT] = 0
    for i in range(m - 1, -1, -1):
        table[i, TO_A] = table[i, TO_B] = NOWHERE
        op, own = table[i, OP], table[i, ADJOINT]
        if not active[i]:
            _cut(op, table[i, A], table[i, B], loaded, active)
            continue
        for side in range(2 if _is_binary(op) else 1):
            place = table[i, A + side]
            scalar = (op == SPREAD or op >= LEFT) if side == 0 else RIGHT <= op < LEFT
            if scalar:
                if place < count and work.columns[ROW_OF, place] >= 0:
                    table[i, TO_A + side], rows = _row(place, rows, work)
            elif place >= loaded and active[place - loaded]:
                if op % 64 == ADD or (op % 64 == SUB and side == 0):
                    users[own] += 1
                    table[place - loaded, ADJOINT] = own
                else:
                    slot = 0
                    while users[slot]:
                        slot += 1
                    users[slot] = 1
                    table[place - loaded, ADJOINT] = slot
                    table[i, TO_A + side] = slot
        users[own] -= 1
    return rows


@inlined
def _cut(op, a, b, loaded, active):
    """Let no derivative be asked for below an instruction that has none."""
    if a >= loaded and op < LEFT and op != SPREAD:
        active[a - loaded] = 0
    if _is_binary(op) and b >= loaded and not RIGHT <= op < LEFT:
        active[b - loaded] = 0


@compiled
def _row(constant, rows, work):
    """Return the place of a constant's next Jacobian row, and how many rows there are now."""
    columns = work.columns
    first = columns[ROW_OF, constant]
    if columns[SEEN, constant] == 0:
        columns[SEEN, constant] = 1
        return -2 - first, rows
    columns[PARENT, rows] = first
    return -2 - rows, rows + 1
