r"""Simplification by rules inside the search: every formula is kept in one normal form.

One pass over the instructions writes the simplified formula. Constants fold; a constant stands as
the second operand of a sum or product and moves outwards, :math:`(c\,a)\,b \to (a b)\,c`; signs and
reciprocals move outwards; equal operands without constants cancel or become powers. What is left
outermost, :math:`c_1 e + c_0`, belongs to the scale and the offset that every formula has.
"""

from __future__ import annotations

import math

import numpy as np

from residuum.distillers.genetic.compiled import compiled
from residuum.distillers.genetic.trees import (
    ABS,
    ADD,
    ARITY,
    CONSTANT,
    COS,
    COSH,
    DIV,
    DRAFT_NODES,
    EXP,
    INTEGER_POWER,
    LITERAL,
    LOG,
    MUL,
    NEG,
    SIGN,
    SIN,
    SINH,
    SQRT,
    SUB,
    TAN,
    TANH,
    clear,
    emit,
    emit_constant,
    renumber,
    same_run,
    start_of,
)

LARGEST_POWER = 6


@compiled
def _unary_value(code, arg, x):
    if code == NEG:
        return -x
    if code == INTEGER_POWER:
        return x ** float(arg)
    if code == SQRT:
        return math.sqrt(x) if x >= 0.0 else math.nan
    if code == EXP:
        return math.exp(min(x, 700.0))
    if code == LOG:
        return math.log(x) if x > 0.0 else math.nan
    if code == SIN:
        return math.sin(x)
    if code == COS:
        return math.cos(x)
    if code == TAN:
        return math.tan(x)
    if code == TANH:
        return math.tanh(x)
    if code == SINH:
        return math.sinh(min(max(x, -700.0), 700.0))
    if code == COSH:
        return math.cosh(min(max(x, -700.0), 700.0))
    if code == ABS:
        return abs(x)
    if code == SIGN:
        return float(np.sign(x))
    return math.nan


@compiled
def _binary_value(code, a, b):
    if code == ADD:
        return a + b
    if code == SUB:
        return a - b
    if code == MUL:
        return a * b
    if code == DIV:
        return a / b
    return math.nan


@compiled
def _is_constant(out, start, stop):
    return stop - start == 1 and out.codes[start] == CONSTANT


@compiled
def _ends_with(out, start, stop, code):
    """Tell whether the run is `inner constant code`."""
    return stop - start >= 3 and out.codes[stop - 1] == code and out.codes[stop - 2] == CONSTANT


@compiled
def _rotate(out, start, middle, stop):
    """Exchange the neighbouring runs `start..middle-1` and `middle..stop-1`."""
    codes, args = out.codes[start:stop].copy(), out.args[start:stop].copy()
    left = middle - start
    right = stop - middle
    out.codes[start : start + right] = codes[left:]
    out.args[start : start + right] = args[left:]
    out.codes[start + right : stop] = codes[:left]
    out.args[start + right : stop] = args[:left]


@compiled
def _delete(out, at):
    """Remove the instruction at a place."""
    n = out.size[0]
    for i in range(at, n - 1):
        out.codes[i] = out.codes[i + 1]
        out.args[i] = out.args[i + 1]
    out.size[0] = n - 1


@compiled
def _scale_by(out, slot, other, sign):
    """Multiply a constant by another to the power `sign`."""
    for e in range(out.constants.shape[0]):
        c = out.constants[e, other]
        out.constants[e, slot] *= c if sign > 0 else 1.0 / c
    out.local[slot] = out.local[slot] or out.local[other]


@compiled
def _shift_by(out, slot, other, sign):
    """Add `sign` times a constant to another."""
    for e in range(out.constants.shape[0]):
        out.constants[e, slot] += sign * out.constants[e, other]
    out.local[slot] = out.local[slot] or out.local[other]


@compiled
def _unary(out, code, arg, start):
    """Apply an operator to the last run, which begins at `start`."""
    n = out.size[0]
    if _is_constant(out, start, n):
        slot = out.args[start]
        for e in range(out.constants.shape[0]):
            out.constants[e, slot] = _unary_value(code, arg, out.constants[e, slot])
        return
    last = out.codes[n - 1]
    if code == NEG:
        if last == NEG:
            out.size[0] = n - 1
            return
        if _ends_with(out, start, n, MUL):
            out.constants[:, out.args[n - 2]] *= -1.0
            return
    elif code == INTEGER_POWER:
        _power(out, start, arg)
        return
    elif (code == LOG and last == EXP) or (code == EXP and last == LOG):
        out.size[0] = n - 1
        return
    emit(out, code, arg)


@compiled
def _power(out, start, arg):
    """Raise the last run to an integer power; signs, factors, roots and powers in it merge."""
    slot, negative = -1, False
    while True:
        n = out.size[0]
        last = out.codes[n - 1]
        if last == INTEGER_POWER and abs(arg * out.args[n - 1]) <= LARGEST_POWER:
            arg *= out.args[n - 1]
            out.size[0] = n - 1
        elif last == SQRT and arg % 2 == 0:
            arg //= 2
            out.size[0] = n - 1
        elif last == NEG:
            negative = negative != (arg % 2 != 0)
            out.size[0] = n - 1
        elif _ends_with(out, start, n, MUL):
            own = out.args[n - 2]
            for e in range(out.constants.shape[0]):
                out.constants[e, own] = out.constants[e, own] ** float(arg)
            if slot >= 0:
                _scale_by(out, slot, own, 1)
            else:
                slot = own
            out.size[0] = n - 2
        else:
            break
    if arg != 1:
        emit(out, INTEGER_POWER, arg)
    _scaled(out, slot, negative)


@compiled
def _scaled(out, slot, negative):
    """Write the factor of the last run: a constant, where there is a slot, or a sign."""
    if slot >= 0:
        if negative:
            out.constants[:, slot] *= -1.0
        emit(out, CONSTANT, slot)
        emit(out, MUL, 0)
    elif negative:
        emit(out, NEG, 0)


@compiled
def _with_constant(out, code, start, middle):
    """Combine `a` (a run) with the constant after it by a sum or product."""
    n = out.size[0]
    slot = out.args[n - 1]
    if code == SUB:
        out.constants[:, slot] *= -1.0
        code = ADD
    elif code == DIV:
        for e in range(out.constants.shape[0]):
            out.constants[e, slot] = 1.0 / out.constants[e, slot]
        code = MUL
    if code == MUL and out.codes[middle - 1] == NEG and middle - start > 1:
        out.constants[:, slot] *= -1.0
        _delete(out, middle - 1)
        middle -= 1
    if _ends_with(out, start, middle, code):
        inner = out.args[middle - 2]
        if code == ADD:
            _shift_by(out, inner, slot, 1.0)
        else:
            _scale_by(out, inner, slot, 1)
        out.size[0] = middle
        return
    if code == ADD and _is_difference_from_constant(out, start, middle):
        _shift_by(out, out.args[start], slot, 1.0)
        out.size[0] = middle
        return
    emit(out, code, 0)


@compiled
def _is_difference_from_constant(out, start, stop):
    """Tell whether the run is `constant inner -`."""
    return (
        stop - start >= 3
        and out.codes[stop - 1] == SUB
        and out.codes[start] == CONSTANT
        and start_of(out.codes, stop - 2) == start + 1
    )


@compiled
def _constant_first(out, code, start, middle):
    """Combine a constant with the run after it: sums and products commute, c - a and c/a turn."""
    n = out.size[0]
    if code == SUB:
        if _ends_with(out, middle, n, ADD):
            _shift_by(out, out.args[start], out.args[n - 2], -1.0)
            out.size[0] = n - 2
        if out.codes[out.size[0] - 1] != NEG or out.size[0] - middle == 1:
            emit(out, SUB, 0)
            return
        out.size[0] -= 1
        code = ADD
    elif code == DIV:
        _power(out, middle, -1)
        code = MUL
    n = out.size[0]
    _rotate(out, start, middle, n)
    _with_constant(out, code, start, n - (middle - start))


@compiled
def _base_and_power(out, start, stop):
    if out.codes[stop - 1] == INTEGER_POWER and stop - start > 1:
        return stop - 1, int(out.args[stop - 1])
    return stop, 1


@compiled
def _equal_operands(out, code, start, middle):
    """Return whether two operands are powers of the same run and were combined."""
    n = out.size[0]
    if code == ADD or code == SUB:
        if n - middle != middle - start:
            return False
        if not same_run(out.codes, out.args, start, middle, middle - start):
            return False
        out.size[0] = middle if code == ADD else start
        emit_constant(out, 2.0 if code == ADD else 0.0)
        if code == ADD:
            emit(out, MUL, 0)
        return True
    if code != MUL and code != DIV:
        return False
    a_stop, p = _base_and_power(out, start, middle)
    b_stop, q = _base_and_power(out, middle, n)
    if a_stop - start != b_stop - middle:
        return False
    if not same_run(out.codes, out.args, start, middle, a_stop - start):
        return False
    power = p + q if code == MUL else p - q
    if abs(power) > LARGEST_POWER:
        return False
    out.size[0] = a_stop
    if power == 0:
        out.size[0] = start
        emit_constant(out, 1.0)
    else:
        _power(out, start, power)
    return True


@compiled
def _product(out, code, start, middle):
    """Multiply or divide two runs; their constant factors and signs go outside."""
    slot, negative = -1, False
    stop = out.size[0]
    if _ends_with(out, middle, stop, MUL):
        slot = out.args[stop - 2]
        if code == DIV:
            for e in range(out.constants.shape[0]):
                out.constants[e, slot] = 1.0 / out.constants[e, slot]
        out.size[0] = stop - 2
    elif out.codes[stop - 1] == NEG and stop - middle > 1:
        negative = not negative
        out.size[0] = stop - 1
    if _ends_with(out, start, middle, MUL):
        inner = out.args[middle - 2]
        if slot >= 0:
            _scale_by(out, slot, inner, 1)
        else:
            slot = inner
        _delete(out, middle - 1)
        _delete(out, middle - 2)
        middle -= 2
    elif out.codes[middle - 1] == NEG and middle - start > 1:
        negative = not negative
        _delete(out, middle - 1)
        middle -= 1
    if not _equal_operands(out, code, start, middle):
        n = out.size[0]
        if out.codes[n - 1] == INTEGER_POWER and out.args[n - 1] == -1:
            out.size[0] = n - 1
            code = DIV if code == MUL else MUL
        emit(out, code, 0)
    if out.codes[out.size[0] - 1] == NEG:
        negative = not negative
        out.size[0] -= 1
    if not _is_constant(out, start, out.size[0]):
        _scaled(out, slot, negative)
        return
    if negative:
        out.constants[:, out.args[start]] *= -1.0
    if slot >= 0:
        _scale_by(out, out.args[start], slot, 1)


@compiled
def _sum(out, code, start, middle):
    """Add or subtract two runs; their constant parts go outside."""
    slot = -1
    while True:
        stop = out.size[0]
        if _ends_with(out, middle, stop, ADD):
            own = out.args[stop - 2]
            if code == SUB:
                out.constants[:, own] *= -1.0
            if slot >= 0:
                _shift_by(out, slot, own, 1.0)
            else:
                slot = own
            out.size[0] = stop - 2
        elif out.codes[stop - 1] == NEG:
            out.size[0] = stop - 1
            code = SUB if code == ADD else ADD
        else:
            break
    if _ends_with(out, start, middle, ADD):
        inner = out.args[middle - 2]
        if slot >= 0:
            _shift_by(out, slot, inner, 1.0)
        else:
            slot = inner
        _delete(out, middle - 1)
        _delete(out, middle - 2)
        middle -= 2
    if not _equal_operands(out, code, start, middle):
        emit(out, code, 0)
    if slot >= 0:
        if _is_constant(out, start, out.size[0]):
            _shift_by(out, out.args[start], slot, 1.0)
        else:
            emit(out, CONSTANT, slot)
            emit(out, ADD, 0)


@compiled
def _binary(out, code, start, middle):
    n = out.size[0]
    first, second = _is_constant(out, start, middle), _is_constant(out, middle, n)
    arithmetic = code == ADD or code == SUB or code == MUL or code == DIV
    if first and second and arithmetic:
        a, b = out.args[start], out.args[middle]
        for e in range(out.constants.shape[0]):
            out.constants[e, a] = _binary_value(code, out.constants[e, a], out.constants[e, b])
        out.local[a] = out.local[a] or out.local[b]
        out.size[0] = start + 1
    elif second and arithmetic:
        _with_constant(out, code, start, middle)
    elif first and arithmetic:
        _constant_first(out, code, start, middle)
    elif code == MUL or code == DIV:
        _product(out, code, start, middle)
    elif code == ADD or code == SUB:
        _sum(out, code, start, middle)
    else:
        emit(out, code, 0)


@compiled
def fold(draft, out, stack):
    """Write the normal form of a draft to `out`; `stack[DRAFT_NODES]` is scratch."""
    clear(out)
    out.constants[:] = draft.constants
    out.local[:] = draft.local
    out.size[1] = draft.size[1]
    top = 0
    for i in range(draft.size[0]):
        code, arg = draft.codes[i], draft.args[i]
        arity = ARITY[code]
        if arity == 0:
            stack[top] = out.size[0]
            top += 1
            if code == LITERAL and arg != 1:
                emit_constant(out, float(arg))
            else:
                emit(out, code, arg)
        elif arity == 1:
            _unary(out, code, arg, stack[top - 1])
        else:
            _binary(out, code, stack[top - 2], stack[top - 1])
            top -= 1
        if out.size[0] >= DRAFT_NODES - 4:
            break


@compiled
def strip(out):
    """Remove the outermost constants and sign; return whether an offset stood among them.

    A constant that differs between experiments stays, and what stands inside it.
    """
    offset = False
    while True:
        if _removed_factor(out):
            continue
        n = out.size[0]
        if n > 2 and out.codes[n - 2] == CONSTANT and out.codes[n - 1] == ADD:
            if out.local[out.args[n - 2]]:
                break
            out.size[0] = n - 2
        elif _is_difference_from_constant(out, 0, n) and not out.local[out.args[0]]:
            out.size[0] = n - 1
            _delete(out, 0)
        else:
            break
        offset = True
    renumber(out)
    return offset


@compiled
def strip_scale(out):
    """Remove the outermost factors and signs, but no constant that differs between experiments."""
    while _removed_factor(out):
        pass


@compiled
def _removed_factor(out):
    """Remove the outermost sign or factor; False where none stands there."""
    n = out.size[0]
    if n > 1 and out.codes[n - 1] == NEG:
        out.size[0] = n - 1
        return True
    scaled = n > 2 and out.codes[n - 2] == CONSTANT and out.codes[n - 1] == MUL
    if scaled and not out.local[out.args[n - 2]]:
        out.size[0] = n - 2
        return True
    return False
