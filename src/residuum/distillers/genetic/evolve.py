"""One epoch of one island, compiled whole: breed, refuse, fit, rank, keep.

The store of an island holds three groups of rows one after the other: the population, the niches
(the best formula of each complexity and behaviour ever seen) and the children. Refused children
cost nothing: rules, units and the memory of what was tried are asked before anything is evaluated.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from residuum.distillers.genetic.backsolve import emit_backsolved, wanted_values
from residuum.distillers.genetic.blocks import BLOCK_NODES
from residuum.distillers.genetic.compiled import compiled
from residuum.distillers.genetic.constraints import Rules, allowed
from residuum.distillers.genetic.dimensions import Units, UnitScratch, infer
from residuum.distillers.genetic.folding import fold, strip, strip_scale
from residuum.distillers.genetic.levenberg import fit
from residuum.distillers.genetic.machine import evaluate
from residuum.distillers.genetic.random import below, choose, mix, uniform
from residuum.distillers.genetic.ranking import survivors
from residuum.distillers.genetic.shape import Shape, keeps
from residuum.distillers.genetic.trees import (
    CONSTANT,
    DRAFT_NODES,
    MAX_CONSTANTS,
    MAX_NODES,
    MUL,
    VARIABLE,
    Draft,
    clear,
    complexity_of,
    copy_run,
    emit,
    emit_constant,
    new_draft,
    start_of,
    structural_hash,
)
from residuum.distillers.genetic.variation import (
    BACKSOLVE,
    CROSSOVER,
    LOCAL,
    PERTURB,
    Blocks,
    Language,
    grow,
    vary,
)
from residuum.distillers.genetic.workspace import Data

BEHAVIOURS = 4
HOLE = 4  # in a hypothesis: the place of an unknown function
TRIES = 40  # children that may be refused before a new random formula takes their place
# How often a structure is fitted: without constants, with (each time from other values), and when
# only its constants are varied.
ONCE, VISITS, OFTEN = np.int64(1), np.int64(4), np.int64(100)
STEPS, MORE_STEPS = np.int64(5), np.int64(12)
PROMISING = 3.0  # times the loss of its niche, below which a formula gets more steps
FRESH = 0.02
MOST_REFUSED = 200  # children refused for each one fitted, beyond which an epoch ends


class Store(NamedTuple):
    """The formulas of an island, one a row: population, niches, children."""

    codes: np.ndarray
    args: np.ndarray
    length: np.ndarray
    constants: np.ndarray
    count: np.ndarray  # type: ignore[assignment]
    local: np.ndarray
    wrap: np.ndarray
    linear: np.ndarray
    loss: np.ndarray
    complexity: np.ndarray
    carrying: np.ndarray
    age: np.ndarray
    rank: np.ndarray
    crowd: np.ndarray


class Sample(NamedTuple):
    """A few rows on which structures are told apart, with stand-in constants, and scratch."""

    data: Data
    constants: np.ndarray
    values: np.ndarray


class Starts(NamedTuple):
    """Formulas to start from: instructions, with arguments or constants as `values`."""

    codes: np.ndarray
    values: np.ndarray
    length: np.ndarray
    wrap: int


class Memory(NamedTuple):
    """What was tried: a table of hashes, each with how often; a newer one replaces an older."""

    keys: np.ndarray
    visits: np.ndarray


class Hypothesis(NamedTuple):
    """The form to fill in: postfix instructions with `HOLE`; `calls[c]` maps formals to columns.

    Unknown function `h` has a factor of its own, the constant `factor[h]` after those of the
    genome, unless that is -1.
    """

    codes: np.ndarray
    args: np.ndarray
    hole: np.ndarray
    calls: np.ndarray
    factor: np.ndarray
    identity: bool
    wrap: int


class Scene(NamedTuple):
    """Everything an epoch reads and does not change."""

    language: Language
    rules: Rules
    units: Units
    hypothesis: Hypothesis
    shape: Shape
    blocks: Blocks
    classes: np.ndarray
    rates: np.ndarray
    probes: np.ndarray
    probe_values: np.ndarray
    probe_weight: np.ndarray
    offset: bool
    population: int
    age_limit: int


class Tools(NamedTuple):
    """Scratch memory of an epoch."""

    draft: Draft
    child: Draft
    whole: Draft
    tree: Draft
    stack: np.ndarray
    hashes: np.ndarray
    units: UnitScratch
    table: np.ndarray
    target: np.ndarray
    slope: np.ndarray


def new_store(population: int, niches: int, experiments: int) -> Store:
    """Return an empty store: every loss is infinite."""
    n = 2 * population + niches
    return Store(
        np.zeros((n, MAX_NODES), np.int16),
        np.zeros((n, MAX_NODES), np.int16),
        np.zeros(n, np.int64),
        np.zeros((n, experiments, MAX_CONSTANTS)),
        np.zeros(n, np.int64),
        np.zeros((n, MAX_CONSTANTS), np.bool_),
        np.zeros(n, np.int64),
        np.zeros((n, 2)),
        np.full(n, np.inf),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n),
    )


def new_memory(bits: int = 16) -> Memory:
    """Return a memory of `2**bits` entries."""
    return Memory(np.zeros(1 << bits, np.uint64), np.zeros(1 << bits, np.uint8))


def new_tools(experiments: int, dimensions: int, probes: int) -> Tools:
    """Return the scratch of an epoch."""
    from residuum.distillers.genetic.dimensions import new_unit_scratch

    return Tools(
        new_draft(experiments),
        new_draft(experiments),
        new_draft(experiments),
        new_draft(experiments),
        np.zeros(DRAFT_NODES, np.int64),
        np.zeros(DRAFT_NODES, np.uint64),
        new_unit_scratch(dimensions),
        np.zeros((MAX_NODES, probes)),
        np.zeros(probes),
        np.zeros(probes),
    )


@compiled
def _parent(store, row):
    return (
        store.codes[row],
        store.args[row],
        store.constants[row],
        store.local[row],
        store.length[row],
    )


@compiled
def _pick(store, scene, size, niches, state):
    """Return a row to breed from: a niche, or the winner of a tournament."""
    population = scene.population
    if uniform(state) < 0.35 or size == 0:
        for _ in range(16):
            row = population + below(state, niches)
            if math.isfinite(store.loss[row]):
                return row
    if size == 0:
        return -1
    a, b = below(state, size), below(state, size)
    if store.rank[a] != store.rank[b]:
        return a if store.rank[a] < store.rank[b] else b
    return a if store.crowd[a] >= store.crowd[b] else b


@compiled
def _backsolved(draft, mother, wrap, linear, scene, tools, state):
    """Write a child in which one subtree is what the data ask for there; False if none fits."""
    codes, args, constants, local, length = mother
    if not scene.hypothesis.identity or linear[0] == 0.0 or length < 2:
        return False
    node = below(state, length - 1)
    m = len(scene.probe_values)
    for j in range(m):
        tools.target[j] = (scene.probe_values[j] - linear[1]) / linear[0]
        tools.slope[j] = scene.probe_weight[j]
    if not wanted_values(
        codes, args, constants, length, node, scene.probes, tools.table, tools.target, tools.slope
    ):
        return False
    for j in range(m):
        tools.slope[j] *= tools.slope[j]
    free, w = True, tools.units
    if scene.units.known:
        infer(codes, args, length, scene.units, w)
        free = w.free[node]
    copy_run(draft, codes, args, constants, local, 0, start_of(codes, node))
    if not emit_backsolved(
        draft, scene.blocks, scene.classes, w.unit[node], free, scene.units.known,
        tools.target, tools.slope, scene.language.constants, state,
    ):  # fmt: skip
        return False
    copy_run(draft, codes, args, constants, local, node + 1, length)
    return True


@compiled
def _fresh(draft, scene, state):
    """Write a new random formula, one tree for each unknown function."""
    blocks = scene.blocks
    for hole in range(len(scene.language.formals)):
        if scene.hypothesis.identity and len(blocks.length) and uniform(state) < 0.5:
            index = int(uniform(state) ** 2 * len(blocks.length))
            for i in range(min(blocks.length[index], BLOCK_NODES)):
                emit(draft, blocks.codes[index, i], blocks.args[index, i])
        else:
            grow(draft, scene.language, hole, state)


@compiled
def _normal_form(tools, scene):
    """Fold the draft into the child; return whether it lost an offset. Trees fold one by one."""
    draft, child = tools.draft, tools.child
    if scene.hypothesis.identity:
        fold(draft, child, tools.stack)
        return strip(child)
    clear(child)
    if draft.size[0] >= DRAFT_NODES:
        return False
    start = 0
    last = _last_of(draft, len(scene.language.formals))
    for h in range(len(last)):
        tree, folded = tools.tree, tools.whole
        clear(tree)
        copy_run(tree, draft.codes, draft.args, draft.constants, draft.local, start, last[h] + 1)
        start = last[h] + 1
        fold(tree, folded, tools.stack)
        if scene.hypothesis.factor[h] >= 0:
            strip_scale(folded)
        copy_run(
            child, folded.codes, folded.args, folded.constants, folded.local, 0, folded.size[0]
        )
    return False


@compiled
def _last_of(genome, holes):
    """Return the last instruction of each tree of a genome."""
    last = np.zeros(holes, np.int64)
    at = genome.size[0] - 1
    for h in range(holes - 1, -1, -1):
        last[h] = at
        at = start_of(genome.codes, at) - 1
    return last


@compiled
def expand(child, scene, whole):
    """Write the whole formula: the hypothesis with the trees of the genome in its holes.

    Constants keep their places, so an unknown function that is called twice is the same twice.
    """
    clear(whole)
    form = scene.hypothesis
    n, k = child.size[0], child.size[1]
    whole.constants[:] = child.constants
    whole.local[:] = child.local
    whole.size[1] = k
    if form.identity:
        for i in range(n):
            emit(whole, child.codes[i], child.args[i])
        return
    for factor in form.factor:
        if factor >= 0:
            whole.constants[:, k + factor] = 1.0
            whole.local[k + factor] = False
            whole.size[1] += 1
    last = _last_of(child, len(scene.language.formals))
    for c in range(len(form.codes)):
        if form.codes[c] != HOLE:
            emit(whole, form.codes[c], form.args[c])
            continue
        hole = form.hole[c]
        for i in range(start_of(child.codes, last[hole]), last[hole] + 1):
            code, arg = child.codes[i], child.args[i]
            emit(whole, code, form.calls[c, arg] if code == VARIABLE else arg)
        if form.factor[hole] >= 0:
            emit(whole, CONSTANT, k + form.factor[hole])
            emit(whole, MUL, 0)


@compiled
def _visits(memory, key):
    at = key & np.uint64(len(memory.keys) - 1)
    return int(memory.visits[at]) if memory.keys[at] == key else 0


@compiled
def _remember(memory, key):
    at = key & np.uint64(len(memory.keys) - 1)
    if memory.keys[at] == key:
        memory.visits[at] = min(int(memory.visits[at]) + 1, 255)
    else:
        memory.keys[at] = key
        memory.visits[at] = 1


@compiled
def _key(whole, sample, work, hashes, wrap):
    """Return a hash of the structure: numeric on a few rows with stand-in constants or formal."""
    n = whole.size[0]
    total, scale, key = 0.0, 0.0, np.uint64(77 + wrap)
    values = sample.values
    evaluate(whole.codes, whole.args, n, sample.constants, sample.data, work, values)
    for j in range(len(values)):
        total += values[j]
        scale = max(scale, abs(values[j]))
    if not (math.isfinite(total) and 1e-100 < scale < 1e100):
        return mix(structural_hash(whole.codes, whole.args, n, hashes) + key) | np.uint64(1)
    # With constants, which of them stands where matters only up to their number.
    key = mix(key + np.uint64(whole.size[1]))
    for k in range(whole.size[1]):
        if whole.local[k]:
            key = mix(key + np.uint64(1000 + k))
    lead = values[0] if values[0] != 0.0 else 1.0
    for j in range(len(values)):
        x = min(max(values[j] / lead, -1e9), 1e9)
        key = mix(key ^ np.uint64(np.int64(np.round(x * 1e7)) + 4611686018427387904))
    return key | np.uint64(1)


@compiled
def _behaviour(whole, size):
    mask = 0
    for i in range(size):
        if whole.codes[i] == VARIABLE:
            mask |= 1 << (whole.args[i] % 30)
    return int(mix(np.uint64(mask)) % np.uint64(BEHAVIOURS))


@compiled
def copy_row(store, source, target):
    """Copy a formula from one row to another."""
    store.codes[target] = store.codes[source]
    store.args[target] = store.args[source]
    store.length[target] = store.length[source]
    store.constants[target] = store.constants[source]
    store.count[target] = store.count[source]
    store.local[target] = store.local[source]
    store.wrap[target] = store.wrap[source]
    store.linear[target] = store.linear[source]
    store.loss[target] = store.loss[source]
    store.complexity[target] = store.complexity[source]
    store.carrying[target] = store.carrying[source]
    store.age[target] = store.age[source]


@compiled
def write(store, row, child, whole, wrap, complexity, carrying, age):
    n = child.size[0]
    store.codes[row, :n] = child.codes[:n]
    store.args[row, :n] = child.args[:n]
    store.length[row] = n
    for k in range(MAX_CONSTANTS):
        store.constants[row, :, k] = whole.constants[:, k]
        store.local[row, k] = whole.local[k]
    store.count[row] = whole.size[1]
    store.wrap[row] = wrap
    store.complexity[row] = complexity
    store.carrying[row] = carrying
    store.age[row] = age


@compiled
def _niche_of(store, row, whole, scene, niches):
    """Return the row of the niche of a formula."""
    bins = niches // BEHAVIOURS
    at = min(store.complexity[row], bins - 1) * BEHAVIOURS
    return scene.population + at + _behaviour(whole, whole.size[0])


@compiled
def measure(store, row, whole, wrap, data, best, target, shape, work):
    """Fit the formula's constants; write scale, offset and loss to a row.

    `best` is the loss above which no more steps than a few are worth it; a formula that breaks
    the `shape` has an infinite one.
    """
    n, count = whole.size[0], whole.size[1]
    linear = store.linear[row]
    linear[0], linear[1] = 1.0, 0.0
    steps, loss = STEPS, math.inf
    for _ in range(2):
        loss = fit(
            whole.codes, whole.args, n, whole.constants, whole.local, count, wrap, linear, data,
            steps, work,
        )[0]  # fmt: skip
        if not (loss < best and count):
            break
        steps = MORE_STEPS
    # Below the target residuals are rounding: formulas there are equally good, the simplest stays.
    fine = math.isfinite(loss) and keeps(
        whole.codes, whole.args, n, whole.constants, wrap, linear, shape, work
    )
    store.loss[row] = max(loss, target) if fine else math.inf


@compiled
def _breed(store, scene, tools, size, niches, kind, state):
    """Write a child to the draft; return the wrap it inherits and its age, or (-1, 0)."""
    clear(tools.draft)
    if kind < 0:
        _fresh(tools.draft, scene, state)
        return 1 + int(scene.offset and uniform(state) < 0.3), 0
    row = _pick(store, scene, size, niches, state)
    if row < 0:
        return -1, 0
    mother = _parent(store, row)
    wrap, age = store.wrap[row], store.age[row]
    if kind == BACKSOLVE:
        if not _backsolved(tools.draft, mother, wrap, store.linear[row], scene, tools, state):
            return -1, 0
        return wrap, age
    father = mother
    if kind == CROSSOVER:
        other = _pick(store, scene, size, niches, state)
        father = _parent(store, other)
        age = max(age, store.age[other])
    vary(
        tools.draft, kind, mother, father, scene.language, scene.blocks, scene.classes,
        scene.units, tools.units, state,
    )  # fmt: skip
    return wrap, age


@compiled
def check(tools, scene, wrap, offset):
    """Fold the draft, fill in the hypothesis, ask the rules; return wrap, complexity and wildcards.

    The wrap is -1 where the formula breaks a rule.
    """
    found = _normal_form(tools, scene)
    if tools.child.size[0] == 0 or tools.child.size[0] > MAX_NODES:
        return -1, 0, 0
    if tools.child.size[1] > MAX_CONSTANTS:
        return -1, 0, 0
    if scene.hypothesis.wrap >= 0:
        wrap = scene.hypothesis.wrap
    else:
        wrap = 2 if (offset or found) and scene.offset else 1
    expand(tools.child, scene, tools.whole)
    size = tools.whole.size[0]
    if size > MAX_NODES or tools.whole.size[1] > MAX_CONSTANTS:
        return -1, 0, 0
    rules = scene.rules
    complexity = complexity_of(tools.whole.codes, size, rules.cost) + 2 * wrap
    carrying = allowed(tools.whole, complexity, wrap, rules, scene.units, tools.units)
    if carrying < 0:
        return -1, 0, 0
    return wrap, complexity + 2 * carrying, carrying


@compiled
def _propose(store, scene, memory, tools, sample, work, size, niches, state):
    """Put an allowed formula that was not tried too often into the tools, in `TRIES` tries.

    Returns its wrap (-1 if there was none), complexity, wildcards, age, and how many were refused.
    """
    kind = -1
    if size > 0 and uniform(state) > FRESH:
        kind = choose(state, scene.rates)
    for refused in range(TRIES):
        wrap, age = _breed(store, scene, tools, size, niches, kind, state)
        if wrap < 0:
            kind = CROSSOVER if kind == BACKSOLVE else kind
            continue
        offset = (wrap == 2) != (uniform(state) < 0.08)
        wrap, complexity, carrying = check(tools, scene, wrap, offset)
        if wrap < 0:
            continue
        most = VISITS if tools.whole.size[1] else ONCE
        if kind == PERTURB or kind == LOCAL:
            most = OFTEN
        if _is_new(tools, sample, memory, wrap, most, work):
            return wrap, complexity, carrying, age, refused
    return -1, 0, 0, 0, TRIES


@compiled
def _is_new(tools, sample, memory, wrap, most, work):
    """Tell whether a structure was tried less than `most` times, and remember that it was."""
    key = _key(tools.whole, sample, work, tools.hashes, wrap)
    if _visits(memory, key) >= most:
        return False
    _remember(memory, key)
    return True


@compiled
def _adopt(store, row, tools, wrap, complexity, carrying, age, scene, data, target, niches, work):
    """Fit the formula in the tools, write it to a row, and to its niche if it is the best there."""
    store.complexity[row] = complexity
    niche = _niche_of(store, row, tools.whole, scene, niches)
    measure(
        store, row, tools.whole, wrap, data, store.loss[niche] * PROMISING, target, scene.shape,
        work,
    )  # fmt: skip
    write(store, row, tools.child, tools.whole, wrap, complexity, carrying, age)
    if store.loss[row] < store.loss[niche]:
        copy_row(store, row, niche)


@compiled
def _given(starts, index, draft):
    """Write a formula to start from to the draft."""
    clear(draft)
    for i in range(starts.length[index]):
        if starts.codes[index, i] == CONSTANT:
            emit_constant(draft, starts.values[index, i])
        else:
            emit(draft, starts.codes[index, i], np.int64(starts.values[index, i]))


@compiled
def epoch(
    store, memory, scene, tools, data, sample, work, starts, size, evaluations, target, state
):
    """Fit all formulas to start from, then breed until `evaluations` are done.

    Returns how many formulas were fitted and the new size of the population. Losses below
    `target` count as equal. Ends early where hardly any child is allowed.
    """
    population = scene.population
    niches = len(store.loss) - 2 * population
    first_child = population + niches
    done, refused, given = 0, 0, 0
    age = 0
    while given < len(starts.length) or (
        done < evaluations and refused < MOST_REFUSED * (done + 100)
    ):
        children = 0
        while children < population:
            if given < len(starts.length):
                _given(starts, given, tools.draft)
                given += 1
                age = 0
                wrap, complexity, carrying = check(tools, scene, starts.wrap, starts.wrap == 2)
                if wrap < 0 or not _is_new(tools, sample, memory, wrap, VISITS, work):
                    continue
            elif done + children < evaluations and refused < MOST_REFUSED * (done + 100):
                wrap, complexity, carrying, age, tries = _propose(
                    store, scene, memory, tools, sample, work, size, niches, state
                )
                refused += tries
                if wrap < 0:
                    continue
            else:
                break
            row = first_child + children
            _adopt(
                store, row, tools, wrap, complexity, carrying, age, scene, data, target, niches,
                work,
            )  # fmt: skip
            children += 1
        done += children
        for row in range(size):
            store.age[row] += 1
        size = select(store, scene, size, children, niches)
        if children == 0:
            break
    return done, size


@compiled
def select(store, scene, size, children, niches):
    """Keep the best of population and children; return the new size of the population."""
    population = scene.population
    first_child = population + niches
    total = size + children
    rows = np.empty(total, np.int64)
    for i in range(size):
        rows[i] = i
    for i in range(children):
        rows[size + i] = first_child + i
    loss, complexity, age = store.loss[rows], store.complexity[rows], store.age[rows]
    rank, crowd = np.zeros(total, np.int64), np.zeros(total)
    chosen = np.zeros(population, np.int64)
    kept = survivors(loss, complexity, age, scene.age_limit, population, rank, crowd, chosen)
    # Move survivors into the rows of those that go, so that nothing is overwritten too soon.
    stays = np.zeros(size, np.bool_)
    for i in range(kept):
        if chosen[i] < size:
            stays[chosen[i]] = True
    free = 0
    for i in range(kept):
        source = chosen[i]
        if source < size:
            store.rank[source], store.crowd[source] = rank[source], crowd[source]
            continue
        while free < size and stays[free]:
            free += 1
        copy_row(store, rows[source], free)
        store.rank[free], store.crowd[free] = rank[source], crowd[source]
        if free < size:
            stays[free] = True
        free += 1
    # Fewer than before may stay: close the gaps.
    filled = 0
    top = max(size, free)
    for i in range(top):
        alive = stays[i] if i < size else True
        if alive and i < top:
            if i != filled:
                copy_row(store, i, filled)
                store.rank[filled], store.crowd[filled] = store.rank[i], store.crowd[i]
            filled += 1
    return min(filled, population)
