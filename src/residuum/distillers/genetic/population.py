"""An island: its formulas, its memory, and what other islands may have of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from residuum.distillers.genetic.decoding import postfix_formula, with_linear
from residuum.distillers.genetic.evolve import (
    BEHAVIOURS,
    HOLE,
    Memory,
    Starts,
    Store,
    Tools,
    epoch,
    new_memory,
    new_store,
    new_tools,
)
from residuum.distillers.genetic.hypotheses import Form, free_form, read_form
from residuum.distillers.genetic.random import new_state
from residuum.distillers.genetic.ranking import ranks
from residuum.distillers.genetic.scene import Setting
from residuum.distillers.genetic.seeding import Instruction
from residuum.distillers.genetic.trees import (
    CONSTANT,
    DRAFT_NODES,
    MAX_CONSTANTS,
    MAX_NODES,
    MUL,
    VARIABLE,
    start_of,
)
from residuum.distillers.genetic.workspace import Work, make_work
from residuum.distillers.journal import Best
from residuum.expressions.expression import Expression

_ROWS = Store._fields


@dataclass(frozen=True, slots=True)
class GeneticIsland:
    """The formulas of one island: `arrays` holds the rows of population and niches and the memory.

    `size` rows of the population are filled; `evaluations` counts fitted formulas.
    """

    arrays: Mapping[str, np.ndarray]
    size: int
    evaluations: int
    number: int

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return everything as arrays."""
        own = np.array([self.size, self.evaluations, self.number], np.int64)
        return {**self.arrays, "counts": own}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> GeneticIsland:
        """Return the island that `to_arrays` wrote."""
        size, evaluations, number = (int(x) for x in arrays["counts"])
        rest = {name: array for name, array in arrays.items() if name != "counts"}
        return cls(rest, size, evaluations, number)

    def emigrants(self, count: int) -> dict[str, np.ndarray]:
        """Return up to `count` formulas of the first front of the niches, spread over it."""
        front = self.front()
        places = np.linspace(0, max(len(front) - 1, 0), min(count, len(front)))
        rows = front[np.unique(places.round().astype(int))]
        return {name: self.arrays[name][rows] for name in _ROWS} | {
            "form": np.full(len(rows), self.arrays["form"][0])
        }

    def accepts(self, newcomers: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return which newcomers fill the same hypothesis with no more wildcards than allowed."""
        same = newcomers["form"] == self.arrays["form"][0]
        return np.asarray(same & (newcomers["carrying"] <= self.arrays["wildcards"][0]))

    def receive(self, newcomers: Mapping[str, np.ndarray]) -> GeneticIsland:
        """Return the island with newcomers in its empty rows, then in the place of its worst."""
        population = int(self.arrays["wildcards"][1])
        count = min(len(newcomers["loss"]), population)
        size = min(population, self.size + count)
        rank, crowd = self.arrays["rank"][: self.size], self.arrays["crowd"][: self.size]
        worst = np.lexsort((crowd, -rank))
        rows = np.concatenate([np.arange(self.size, size), worst])[:count]
        arrays = dict(self.arrays)
        for name in _ROWS:
            arrays[name] = self.arrays[name].copy()
            arrays[name][rows] = newcomers[name][:count]
        arrays["rank"][rows] = 0
        arrays["age"][rows] = 0
        return replace(self, arrays=arrays, size=size)

    def front(self) -> np.ndarray:
        """Return the rows that no other beats in both complexity and loss, simplest first."""
        loss, complexity = self.arrays["loss"], self.arrays["complexity"]
        rank = np.zeros(len(loss), np.int64)
        alive = np.isfinite(loss)
        if not alive.any():
            return np.zeros(0, np.int64)
        ranks(loss, complexity, alive, rank)
        rows = np.flatnonzero(rank == 0)
        return rows[np.argsort(complexity[rows], kind="stable")]

    def best(self) -> Sequence[Best]:
        """Return the front as text, in scaled columns and without scale and offset."""
        form = form_of(self)
        return [
            Best(
                int(self.arrays["complexity"][row]),
                float(self.arrays["loss"][row]),
                formula(self.arrays, row, form).infix(),
            )
            for row in self.front()
        ]


def form_of(island: GeneticIsland) -> Form:
    """Return the hypothesis that the island's formulas fill in."""
    names = [str(name) for name in island.arrays["names"]]
    text = str(island.arrays["hypothesis"][0])
    return read_form(text, names) if text else free_form(names)


def formula(
    arrays: Mapping[str, np.ndarray], row: int, form: Form, local: Mapping[int, str] | None = None
) -> Expression:
    """Return the formula of a row, the hypothesis filled in, over the form's columns.

    `local` names constants that differ between experiments, by place; without it they stand with
    their values in the first.
    """
    codes, args = whole_of(arrays, row, form)
    constants: list[float | Expression] = [float(x) for x in arrays["constants"][row][0]]
    for place, name in (local or {}).items():
        constants[place] = Expression.variable(name)
    core = postfix_formula(codes, args, constants, form.columns)
    scale, offset = (float(x) for x in arrays["linear"][row])
    return with_linear(core, scale, offset, int(arrays["wrap"][row]))


def locals_of(arrays: Mapping[str, np.ndarray], row: int) -> dict[int, tuple[float, ...]]:
    """Return the constants of a row that differ between experiments: their values, by place."""
    constants, count = arrays["constants"][row], int(arrays["count"][row])
    if len(constants) == 1:
        return {}
    return {
        k: tuple(float(x) for x in constants[:, k]) for k in range(count) if arrays["local"][row][k]
    }


def whole_of(arrays: Mapping[str, np.ndarray], row: int, form: Form) -> tuple[list[int], list[int]]:
    """Return the instructions of a row with the trees of the genome in the holes."""
    length = int(arrays["length"][row])
    codes = [int(c) for c in arrays["codes"][row][:length]]
    args = [int(a) for a in arrays["args"][row][:length]]
    shape = form.hypothesis
    if shape.identity:
        return codes, args
    trees: list[tuple[int, int]] = []
    last = length - 1
    for _ in form.formals:
        first = int(start_of(np.array(codes, np.int16), last))
        trees.insert(0, (first, last + 1))
        last = first - 1
    whole: list[tuple[int, int]] = []
    count = codes.count(CONSTANT)
    for at, code in enumerate(shape.codes):
        if code != HOLE:
            whole.append((int(code), int(shape.args[at])))
            continue
        first, stop = trees[shape.hole[at]]
        for c, a in zip(codes[first:stop], args[first:stop], strict=True):
            whole.append((c, int(shape.calls[at, a]) if c == VARIABLE else a))
        factor = int(shape.factor[shape.hole[at]])
        if factor >= 0:
            whole += [(CONSTANT, count + factor), (MUL, 0)]
    return [c for c, _ in whole], [a for _, a in whole]


@dataclass(frozen=True, slots=True)
class Evolution:
    """The function that evolves islands; `settings[k]` is that of island `k`."""

    settings: tuple[Setting, ...]
    target: float

    def __call__(self, island: GeneticIsland, *, evaluations: int, seed: int) -> GeneticIsland:
        """Return the island after so many more evaluations."""
        setting = self.settings[island.number % len(self.settings)]
        store, memory = _opened(island)
        bench = new_bench(setting)
        done, size = epoch(
            store, memory, setting.scene, bench.tools, setting.data, setting.sample, bench.work,
            _starts(()), island.size, evaluations, self.target, new_state(seed),
        )  # fmt: skip
        return _closed(island, store, memory, int(size), island.evaluations + int(done))


@dataclass(frozen=True, slots=True)
class Bench:
    """Scratch memory."""

    tools: Tools
    work: Work


def new_bench(setting: Setting) -> Bench:
    """Return scratch memory for a setting."""
    experiments = len(setting.data.starts) - 1
    dimensions = setting.scene.units.given.shape[1]
    tools = new_tools(experiments, dimensions, len(setting.scene.probe_values))
    rows = max(len(setting.data.y), len(setting.scene.shape.data.y))
    work = make_work(rows, MAX_NODES, MAX_CONSTANTS, experiments, len(setting.data.target))
    return Bench(tools, work)


def found_island(
    setting: Setting,
    starts: Sequence[Sequence[Instruction]],
    *,
    number: int,
    names: Sequence[str],
    hypothesis: str,
    form: int,
    target: float,
) -> GeneticIsland:
    """Return an island of the formulas to start from, as far as the rules allow them."""
    scene = setting.scene
    niches = (scene.rules.complexity + 12) * BEHAVIOURS
    store = new_store(scene.population, niches, len(setting.data.starts) - 1)
    memory, bench = new_memory(), new_bench(setting)
    done, size = epoch(
        store, memory, scene, bench.tools, setting.data, setting.sample, bench.work,
        _starts(starts), 0, 0, target, new_state(number),
    )  # fmt: skip
    rows = scene.population + niches
    arrays = {name: array[:rows] for name, array in store._asdict().items()}
    arrays |= {
        "keys": memory.keys,
        "visits": memory.visits,
        "wildcards": np.array([scene.units.wildcards, scene.population], np.int64),
        "form": np.array([form], np.int64),
        "names": np.array(list(names)),
        "hypothesis": np.array([hypothesis]),
    }
    return GeneticIsland(arrays, int(size), int(done), number)


def _starts(formulas: Sequence[Sequence[Instruction]]) -> Starts:
    """Return formulas to start from as arrays; those that are too long are left out."""
    usable = [steps for steps in formulas if len(steps) <= DRAFT_NODES // 2]
    codes = np.zeros((len(usable), DRAFT_NODES // 2), np.int16)
    values = np.zeros((len(usable), DRAFT_NODES // 2))
    for row, steps in enumerate(usable):
        codes[row, : len(steps)] = [code for code, _ in steps]
        values[row, : len(steps)] = [value for _, value in steps]
    length = np.array([len(steps) for steps in usable], np.int64)
    return Starts(codes, values, length, 1)


def _opened(island: GeneticIsland) -> tuple[Store, Memory]:
    """Return copies that may be changed, with room for children."""
    population = int(island.arrays["wildcards"][1])
    rows = []
    for name in _ROWS:
        kept = island.arrays[name]
        room = np.zeros((population, *kept.shape[1:]), kept.dtype)
        rows.append(np.ascontiguousarray(np.concatenate([kept, room])))
    store = Store(*rows)
    return store, Memory(island.arrays["keys"].copy(), island.arrays["visits"].copy())


def _closed(
    island: GeneticIsland, store: Store, memory: Memory, size: int, evaluations: int
) -> GeneticIsland:
    rows = len(island.arrays["loss"])
    arrays = dict(island.arrays)
    arrays |= {name: array[:rows].copy() for name, array in store._asdict().items()}
    arrays |= {"keys": memory.keys, "visits": memory.visits}
    return replace(island, arrays=arrays, size=size, evaluations=evaluations)
