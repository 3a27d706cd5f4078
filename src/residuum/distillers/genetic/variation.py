"""How a formula becomes another: crossover and ten mutations on postfix runs.

A genome is one tree for each unknown function of the hypothesis (usually one), one after the other.
A variation picks an instruction, which is the root of a subtree, and rewrites that run; crossover
takes the run of another formula, preferably one of the same unit, so that with units few children
are refused. Nothing here evaluates a formula; `constraints` refuses what is not allowed first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from residuum.distillers.genetic.compiled import compiled
from residuum.distillers.genetic.dimensions import infer
from residuum.distillers.genetic.random import below, choose, normal, uniform
from residuum.distillers.genetic.trees import (
    ADD,
    ARITY,
    CONSTANT,
    INTEGER_POWER,
    LITERAL,
    MUL,
    POW,
    VARIABLE,
    copy_run,
    emit,
    emit_constant,
    start_of,
)

CROSSOVER, SUBTREE, POINT, INSERT, DELETE, HOIST, SIMPLIFY, PERTURB, LOCAL, BACKSOLVE = range(10)
MUTATIONS = (
    "crossover",
    "subtree",
    "point",
    "insert",
    "delete",
    "hoist",
    "simplify",
    "perturb",
    "local",
    "backsolve",
)
# How often each is tried.
RATES = np.array([0.33, 0.10, 0.12, 0.14, 0.08, 0.03, 0.04, 0.06, 0.0, 0.10])


class Language(NamedTuple):
    """What formulas are made of: operators with their cumulative frequencies, exponents, formals.

    `formals[h]` is the number of arguments of unknown function `h` of the hypothesis.
    """

    unary: np.ndarray
    unary_weight: np.ndarray
    binary: np.ndarray
    binary_weight: np.ndarray
    powers: np.ndarray
    formals: np.ndarray
    constants: bool


class Blocks(NamedTuple):
    """Ready-made constant-free runs, sorted by unit: class `k` is `order[first[k]:first[k+1]]`."""

    codes: np.ndarray
    args: np.ndarray
    length: np.ndarray
    values: np.ndarray
    unit: np.ndarray
    order: np.ndarray
    first: np.ndarray


@compiled
def hole_of(codes, length, holes, node):
    """Return which tree of the genome an instruction belongs to, and where it begins and ends."""
    last = length - 1
    hole = holes - 1
    begin = start_of(codes, last)
    while node < begin:
        last = begin - 1
        begin = start_of(codes, last)
        hole -= 1
    return hole, begin, last


@compiled
def random_constant(state):
    """Return a number of moderate size and either sign; sizes near one are the most frequent."""
    size = np.exp(0.9 * normal(state))
    return size if uniform(state) < 0.65 else -size


@compiled
def _leaf(draft, language, hole, state):
    formals = language.formals[hole]
    if (language.constants and uniform(state) < 0.2) or formals == 0:
        emit_constant(draft, random_constant(state))
    else:
        emit(draft, VARIABLE, below(state, formals))


@compiled
def _apply_unary(draft, language, state):
    """Append an operator of one operand or a power."""
    count, powers = len(language.unary), len(language.powers)
    if powers and (count == 0 or uniform(state) < powers / (powers + 2.0 * count)):
        emit(draft, INTEGER_POWER, language.powers[below(state, powers)])
    elif count:
        emit(draft, language.unary[choose(state, language.unary_weight)], 0)


@compiled
def _apply_binary(draft, language, state):
    if len(language.binary) == 0:
        return False
    code = language.binary[choose(state, language.binary_weight)]
    if code == POW:
        return False
    emit(draft, code, 0)
    return True


@compiled
def _scaled_unary(draft, language, state):
    """Append an operator of one operand, often after a factor: sin(c*x), exp(c*x)."""
    if language.constants and uniform(state) < 0.5:
        emit_constant(draft, random_constant(state))
        emit(draft, MUL, 0)
    _apply_unary(draft, language, state)


@compiled
def grow(draft, language, hole, state):
    """Append a small random formula."""
    _leaf(draft, language, hole, state)
    u = uniform(state)
    if u < 0.25:
        return
    if u < 0.40:
        _scaled_unary(draft, language, state)
        return
    n = draft.size[0]
    _leaf(draft, language, hole, state)
    if u > 0.85:
        _scaled_unary(draft, language, state)
    if not _apply_binary(draft, language, state):
        draft.size[0] = n
        return
    if 0.65 < u < 0.85:
        _scaled_unary(draft, language, state)


@compiled
def _block(draft, blocks, unit_class, state):
    """Append a ready-made run of a class of units (any when negative); False if there is none."""
    if len(blocks.length) == 0:
        return False
    if unit_class < 0:
        # Blocks come by complexity: the square prefers the simple ones.
        index = int(uniform(state) ** 2 * len(blocks.length))
    else:
        low, high = blocks.first[unit_class], blocks.first[unit_class + 1]
        if high == low:
            return False
        index = blocks.order[low + int(uniform(state) ** 2 * (high - low))]
    for i in range(blocks.length[index]):
        emit(draft, blocks.codes[index, i], blocks.args[index, i])
    return True


@compiled
def class_of(unit, table):
    """Return the row of a table of units that equals `unit`, or -1."""
    for k in range(table.shape[0]):
        equal = True
        for d in range(table.shape[1]):
            if table[k, d] != unit[d]:
                equal = False
                break
        if equal:
            return k
    return -1


@compiled
def _new_run(draft, language, blocks, classes, hole, units, w, node, state):
    """Append a new run to stand in the place of `node`, of its unit where it has one."""
    unit_class = -1
    if units.known and not w.free[node]:
        unit_class = class_of(w.unit[node], classes)
    if uniform(state) < 0.6 and _block(draft, blocks, unit_class, state):
        if language.constants and uniform(state) < 0.25:
            emit_constant(draft, random_constant(state))
            emit(draft, MUL if uniform(state) < 0.7 else ADD, 0)
        return
    grow(draft, language, hole, state)


@compiled
def _donor(codes, args, length, holes, hole, units, wanted, free, w, state):
    """Return the last instruction of a run of another formula to take, or -1.

    Of a few tries the first of the wanted unit is taken; without units any will do.
    """
    found = -1
    for _ in range(6):
        node = below(state, length)
        if holes > 1 and hole_of(codes, length, holes, node)[0] != hole:
            continue
        found = node
        if not units.known or free or w.free[node]:
            break
        equal = True
        for d in range(len(wanted)):
            if w.unit[node, d] != wanted[d]:
                equal = False
                break
        if equal:
            break
    return found


@compiled
def _point(draft, codes, args, constants, local, length, language, hole, node, state):
    """Exchange one instruction for another of the same arity, or move a constant."""
    copy_run(draft, codes, args, constants, local, 0, node)
    code = codes[node]
    if code == CONSTANT:
        k = draft.size[1]
        copy_run(draft, codes, args, constants, local, node, node + 1)
        draft.constants[:, k] *= np.exp(0.5 * normal(state))
        if uniform(state) < 0.15:
            draft.constants[:, k] *= -1.0
    elif code == VARIABLE or code == LITERAL:
        _leaf(draft, language, hole, state)
    elif ARITY[code] == 1:
        n = draft.size[0]
        _apply_unary(draft, language, state)
        if draft.size[0] == n:
            emit(draft, code, args[node])
    elif not _apply_binary(draft, language, state):
        emit(draft, code, args[node])
    copy_run(draft, codes, args, constants, local, node + 1, length)


@compiled
def _insert(draft, codes, args, constants, local, length, language, blocks, hole, node, state):
    """Put an operator around a run: with a leaf or a ready-made run as its other operand."""
    begin = start_of(codes, node)
    copy_run(draft, codes, args, constants, local, 0, begin)
    u = uniform(state)
    if u < 0.3:
        copy_run(draft, codes, args, constants, local, begin, node + 1)
        _scaled_unary(draft, language, state)
    elif u < 0.5 and language.constants:
        copy_run(draft, codes, args, constants, local, begin, node + 1)
        emit_constant(draft, random_constant(state))
        v = uniform(state)
        emit(draft, MUL if v < 0.4 else ADD, 0)
    elif u < 0.75:
        copy_run(draft, codes, args, constants, local, begin, node + 1)
        n = draft.size[0]
        if uniform(state) < 0.5 or not _block(draft, blocks, -1, state):
            grow(draft, language, hole, state)
        if not _apply_binary(draft, language, state):
            draft.size[0] = n
    else:
        n = draft.size[0]
        if uniform(state) < 0.5 or not _block(draft, blocks, -1, state):
            grow(draft, language, hole, state)
        middle = draft.size[0]
        copy_run(draft, codes, args, constants, local, begin, node + 1)
        if not _apply_binary(draft, language, state):
            draft.size[0] = n
            copy_run(draft, codes, args, constants, local, begin, node + 1)
        elif middle == n:
            draft.size[0] -= 1
    copy_run(draft, codes, args, constants, local, node + 1, length)


@compiled
def _delete(draft, codes, args, constants, local, length, node, state):
    """Replace an operator by one of its operands."""
    begin = start_of(codes, node)
    copy_run(draft, codes, args, constants, local, 0, begin)
    arity = ARITY[codes[node]]
    if arity == 0:
        copy_run(draft, codes, args, constants, local, begin, length)
        return
    second = node - 1
    if arity == 2:
        middle = start_of(codes, second)
        if uniform(state) < 0.5:
            copy_run(draft, codes, args, constants, local, begin, middle)
        else:
            copy_run(draft, codes, args, constants, local, middle, node)
    else:
        copy_run(draft, codes, args, constants, local, begin, node)
    copy_run(draft, codes, args, constants, local, node + 1, length)


@compiled
def _replace_tree(draft, codes, args, constants, local, length, begin, last, node):
    """Write the genome with one of its trees replaced by a subtree of it."""
    copy_run(draft, codes, args, constants, local, 0, begin)
    copy_run(draft, codes, args, constants, local, start_of(codes, node), node + 1)
    copy_run(draft, codes, args, constants, local, last + 1, length)


@compiled
def _localise(draft, codes, args, constants, local, length, last, node, state):
    """Let a constant differ between experiments or not, or put one that does around a run."""
    if uniform(state) < 0.5:
        copy_run(draft, codes, args, constants, local, 0, length)
        if draft.size[1]:
            k = below(state, draft.size[1])
            draft.local[k] = not draft.local[k]
            if not draft.local[k]:
                draft.constants[:, k] = draft.constants[:, k].mean()
        return
    at = last if uniform(state) < 0.5 else node
    copy_run(draft, codes, args, constants, local, 0, at + 1)
    emit_constant(draft, random_constant(state))
    draft.local[draft.size[1] - 1] = True
    emit(draft, MUL if uniform(state) < 0.7 else ADD, 0)
    copy_run(draft, codes, args, constants, local, at + 1, length)


@compiled
def vary(draft, kind, mother, father, language, blocks, classes, units, w, state):
    """Write a child of `mother` to the draft; `father` lends a run to a crossover.

    A parent is `(codes, args, constants, local, length)`. Returns the instruction of the mother
    that was chosen.
    """
    codes, args, constants, local, length = mother
    holes = len(language.formals)
    node = below(state, length)
    hole, begin, last = hole_of(codes, length, holes, node)
    if kind == POINT:
        _point(draft, codes, args, constants, local, length, language, hole, node, state)
    elif kind == INSERT:
        _insert(draft, codes, args, constants, local, length, language, blocks, hole, node, state)
    elif kind == DELETE:
        _delete(draft, codes, args, constants, local, length, node, state)
    elif kind == HOIST:
        _replace_tree(draft, codes, args, constants, local, length, begin, last, node)
    elif kind == PERTURB:
        copy_run(draft, codes, args, constants, local, 0, length)
        for k in range(draft.size[1]):
            if uniform(state) < 0.3:
                draft.constants[:, k] = random_constant(state)
            else:
                draft.constants[:, k] *= np.exp(0.3 * normal(state))
    elif kind == LOCAL:
        _localise(draft, codes, args, constants, local, length, last, node, state)
    else:
        start = start_of(codes, node)
        copy_run(draft, codes, args, constants, local, 0, start)
        if units.known:
            infer(codes, args, length, units, w)
        if kind == SIMPLIFY:
            emit_constant(draft, random_constant(state))
        elif kind == CROSSOVER:
            _cross(draft, node, father, holes, hole, units, w, state)
        else:
            _new_run(draft, language, blocks, classes, hole, units, w, node, state)
        copy_run(draft, codes, args, constants, local, node + 1, length)
    return node


@compiled
def _cross(draft, node, father, holes, hole, units, w, state):
    """Append a run of the father."""
    codes, args, constants, local, length = father
    wanted, free = w.unit[node].copy(), w.free[node]
    if units.known:
        infer(codes, args, length, units, w)
    donor = _donor(codes, args, length, holes, hole, units, wanted, free, w, state)
    if donor < 0:
        # Only a run of the same unknown function has its arguments.
        donor = length - 1
        while hole_of(codes, length, holes, donor)[0] != hole:
            donor -= 1
    copy_run(draft, codes, args, constants, local, start_of(codes, donor), donor + 1)
