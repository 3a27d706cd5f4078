"""Individuals a second, with five steps on their constants, beside pyoperon's on the same trees.

Both fit a coefficient on every variable and every constant of random trees of + - * / sin cos exp
(pyoperon 0.6, Levenberg-Marquardt in float32; ours in float64), one call from python a tree. The
two alternate in one process, so that a busy machine slows both; the ratio is taken in pairs.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

import numba
import numpy as np

from benchmarks.machine import describe
from benchmarks.records import write_result
from residuum.distillers.genetic.levenberg import fit
from residuum.distillers.genetic.workspace import Data, Work, data_of, make_work
from residuum.distillers.regression import Table
from residuum.expressions.primitives import PRIMITIVES
from residuum.expressions.program import CONSTANT, VARIABLE
from residuum.seeds import generator

ROWS, STEPS, TREES = 400, 5, 400
NODES = (5, 26)
MOST = 128  # nodes of ours for 25 of pyoperon's: a coefficient is two more
MUL = PRIMITIVES["*"].opcode


class Peer(NamedTuple):
    """pyoperon's side; `parts` keeps alive what its objects only point to."""

    trees: list[Any]
    random: Any
    optimizer: Any
    columns: dict[int, int]
    parts: tuple[Any, ...]


class Individual(NamedTuple):
    """A program with the constants it starts from."""

    codes: np.ndarray
    args: np.ndarray
    constants: np.ndarray
    local: np.ndarray
    nodes: int


def measure(*, draws: int, seed: int, result: Path) -> None:
    """Time both on `TREES` trees, `draws` times in turn; write rates and paired ratios."""
    import pyoperon as op

    table = _table(seed)
    them = _peer(op, table, seed)
    ours = [_individual(op, tree, them.columns) for tree in them.trees]
    data = data_of(table)
    longest, most = max(len(i.codes) for i in ours), max(i.constants.shape[1] for i in ours)
    work = make_work(ROWS, max(longest, MOST), most, 1)
    _ours(ours[:2], data, work)
    _compiled(_stack(ours[:2]), data, work)
    stacked = _stack(ours)
    rows = []
    for _ in range(draws):
        peer = [_timed(lambda t=t: them.optimizer(them.random, t)) for t in them.trees]
        mine = _ours(ours, data, work)
        whole = _timed(lambda: _compiled(stacked, data, work))
        rows.append(_row(peer, mine, whole))
        print(rows[-1], flush=True)
    nodes = [individual.nodes for individual in ours]
    ratios = [row["ratio"] for row in rows]
    write_result(
        result,
        {
            "machine": describe(),
            "rows": rows,
            "ratio": median(ratios),
            "quartiles": quantiles(ratios, n=4) if len(ratios) > 1 else [],
            "nodes": {"mean": float(np.mean(nodes)), "least": min(nodes), "most": max(nodes)},
            "table_rows": ROWS,
            "steps": STEPS,
        },
    )


def _row(peer: list[float], mine: list[float], whole: float) -> dict[str, float]:
    """Return rates, the ratio of the rates, and the median over trees of each tree's ratio."""
    count = len(peer)
    return {
        "pyoperon": count / sum(peer),
        "residuum": count / sum(mine),
        "residuum_compiled": count / whole,
        "ratio": median(p / m for p, m in zip(peer, mine, strict=True)),
        "ratio_of_rates": sum(peer) / sum(mine),
        "ratio_of_rates_compiled": sum(peer) / whole,
    }


def _table(seed: int) -> Table:
    X = generator(seed, "individuals").uniform(0.2, 2.0, (ROWS, 3))
    return Table.of(("x", "y", "z"), X, X[:, 0] * X[:, 1] - 0.5 * np.sin(X[:, 2]))


def _peer(op: Any, table: Table, seed: int) -> Peer:
    """Return pyoperon's random trees and its optimiser of their coefficients."""
    columns = np.asfortranarray(np.column_stack([table.X, table.y]).astype(np.float32))
    dataset = op.Dataset(columns)
    variables = sorted(dataset.Variables, key=lambda v: v.Index)
    inputs = [v.Hash for v in variables[:3]]
    problem = op.Problem(dataset)
    problem.TrainingRange = op.Range(0, ROWS)
    problem.TestRange = op.Range(ROWS - 1, ROWS)
    problem.Target, problem.InputHashes = variables[-1], inputs
    names = ("Add", "Sub", "Mul", "Div", "Sin", "Cos", "Exp", "Constant", "Variable")
    chosen = 0
    for name in names:
        chosen |= int(getattr(op.NodeType, name))
    problem.ConfigurePrimitiveSet(chosen)
    primitives = problem.PrimitiveSet
    creator = op.BalancedTreeCreator(primitives, inputs, 0.0)
    coefficients = op.NormalCoefficientInitializer()
    coefficients.ParameterizeDistribution(0, 1)
    random = op.RandomGenerator(np.uint64(seed + 1))
    sizes = generator(seed, "sizes").integers(*NODES, TREES)
    trees = [creator(random, int(size), 1, 10) for size in sizes]
    for tree in trees:
        coefficients(random, tree)
    dispatch = op.DispatchTable()
    levenberg = op.LMOptimizer(dispatch, problem, STEPS, ROWS)
    return Peer(
        trees,
        random,
        op.CoefficientOptimizer(levenberg),
        {h: column for column, h in enumerate(inputs)},
        (columns, dataset, variables, problem, primitives, dispatch, levenberg),
    )


def _individual(op: Any, tree: Any, columns: dict[int, int]) -> Individual:
    """Return a pyoperon tree as a program: each variable with its coefficient as a product."""
    names = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "Sin": "sin", "Cos": "cos"}
    opcodes = {getattr(op.NodeType, k): PRIMITIVES[v].opcode for k, v in names.items()}
    opcodes[op.NodeType.Exp] = PRIMITIVES["exp"].opcode
    stack: list[list[tuple[int, float]]] = []
    for node in tree.Nodes:
        if node.IsVariable:
            leaf = [(CONSTANT, node.Value), (VARIABLE, columns[node.HashValue]), (MUL, 0)]
            stack.append(leaf)
        elif node.IsConstant:
            stack.append([(CONSTANT, node.Value)])
        else:
            # pyoperon's postfix lists the first operand last
            parts = [stack.pop() for _ in range(node.Arity)]
            joined = [step for part in parts for step in part]
            joined += [(opcodes[node.Type], 0)] * max(1, node.Arity - 1)
            stack.append(joined)
    (steps,) = stack
    return _numbered(steps, len(tree.Nodes))


def _numbered(steps: list[tuple[int, float]], nodes: int) -> Individual:
    values = [value for code, value in steps if code == CONSTANT]
    places = iter(range(len(values)))
    args = [next(places) if code == CONSTANT else int(value) for code, value in steps]
    return Individual(
        np.array([code for code, _ in steps], dtype=np.int16),
        np.array(args, dtype=np.int16),
        np.array([values], dtype=np.float64),
        np.zeros(len(values), dtype=np.bool_),
        nodes,
    )


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _ours(individuals: list[Individual], data: Data, work: Work) -> list[float]:
    """Return the seconds of each fit, called from python."""
    seconds, linear = [], np.ones(2)
    for codes, args, start, local, _ in individuals:
        constants = start.copy()
        n, k = len(codes), len(local)
        began = time.perf_counter()
        fit(codes, args, n, constants, local, k, 0, linear, data, STEPS, work)
        seconds.append(time.perf_counter() - began)
    return seconds


def _stack(individuals: list[Individual]) -> tuple[np.ndarray, ...]:
    """Return all programs as rows of arrays."""
    n, most = max(len(i.codes) for i in individuals), max(len(i.local) for i in individuals)
    codes = np.zeros((len(individuals), n), np.int16)
    args, constants = np.zeros_like(codes), np.zeros((len(individuals), 1, most))
    for row, one in enumerate(individuals):
        codes[row, : len(one.codes)], args[row, : len(one.args)] = one.codes, one.args
        constants[row, :, : len(one.local)] = one.constants
    lengths = np.array([len(i.codes) for i in individuals])
    counts = np.array([len(i.local) for i in individuals])
    return codes, args, constants, lengths, counts


@numba.njit
def _compiled(stacked, data, work):  # type: ignore[no-untyped-def]
    codes, args, constants, lengths, counts = stacked
    local, linear = np.zeros(constants.shape[2], np.bool_), np.ones(2)
    total = 0
    for i in range(len(lengths)):
        start = constants[i].copy()
        found = fit(
            codes[i], args[i], lengths[i], start, local, counts[i], 0, linear, data, STEPS, work
        )
        total += found[1]
    return total
