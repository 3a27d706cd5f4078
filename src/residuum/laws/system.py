"""A law with unknown constants as arrays that the kernels run, and the data it is fitted to."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from residuum.data.observations import Experiment, Noise
from residuum.expressions.expression import CONSTANT, Expression
from residuum.expressions.primitives import PRIMITIVES
from residuum.expressions.program import INTEGER_POWER, Program, compile_program
from residuum.hidden.samples import Trajectory
from residuum.problem.problem import Problem

# A continuity defect of this share of a component's size counts as one unit.
DEFECT_SHARE = 0.01
ARITIES = {row.opcode: row.arity for row in PRIMITIVES.values()} | {INTEGER_POWER: 1}
EITHER_WAY = (PRIMITIVES["+"].opcode, PRIMITIVES["*"].opcode)
SUBTRACTION = PRIMITIVES["-"].opcode


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """The first-order right-hand sides of a completed law with unknowns `theta`.

    `unknowns` names the estimated parameters, then every constant of every hidden term as
    `TERM_c@k`. `program` is the tuple of arrays that `kernels.right_hand_side` runs on the vector
    (components, unknowns, inputs, t).
    """

    components: tuple[str, ...]
    unknowns: tuple[str, ...]
    start: np.ndarray
    low: np.ndarray
    high: np.ndarray
    logarithmic: np.ndarray
    program: tuple[np.ndarray, ...]


def constant_names(term: str, expression: Expression) -> list[str]:
    """Return the names of the constants of a hidden term's formula: `TERM_c@0`, ..."""
    return [f"{term}_c@{k}" for k in range(len(expression.constants))]


def with_named_constants(term: str, expression: Expression) -> Expression:
    """Return the formula with its constants as variables, so that they can be fitted."""
    names = iter(constant_names(term, expression))
    return Expression(tuple(next(names) if t == CONSTANT else t for t in expression.tokens))


def build_system(
    problem: Problem,
    hidden: Mapping[str, Expression],
    *,
    parameters: Mapping[str, float] | None = None,
    logarithmic: frozenset[str] = frozenset(),
) -> System:
    """Return the system of `problem` with formulas (in formal arguments) in its hidden terms.

    `parameters` gives starting values of estimated parameters; `logarithmic` names the components
    integrated as logarithms.
    """
    estimated = [p for p in problem.parameters if p.estimated]
    known = {name: Expression.number(value) for name, value in problem.known.items()}
    open_terms = {term: with_named_constants(term, e) for term, e in hidden.items()}
    sides = problem.first_order(problem.complete(open_terms))
    names = [c for term, e in hidden.items() for c in constant_names(term, e)]
    unknowns = (*(p.name for p in estimated), *names)
    bounds = [p.bounds or (-np.inf, np.inf) for p in estimated] + [(-np.inf, np.inf)] * len(names)
    values = [(parameters or {}).get(p.name, _middle(p.bounds)) for p in estimated]
    values += [c for e in hidden.values() for c in e.constants]
    low, high = np.array(bounds, dtype=float).reshape(-1, 2).T
    variables = (*problem.components, *unknowns, *problem.inputs, "t")
    program = compile_program([side.substitute(known) for side in sides], variables)
    return System(
        components=tuple(problem.components),
        unknowns=unknowns,
        start=np.clip(np.array(values, dtype=float), low, high),
        low=np.ascontiguousarray(low),
        high=np.ascontiguousarray(high),
        logarithmic=np.array([c in logarithmic for c in problem.components]),
        program=kernel_arrays(program),
    )


def _middle(bounds: tuple[float, float] | None) -> float:
    if bounds is None or not np.all(np.isfinite(bounds)):
        return 0.0
    return 0.5 * (bounds[0] + bounds[1])


def kernel_arrays(program: Program) -> tuple[np.ndarray, ...]:
    """Return (opcodes, operands, left, right, outputs, reached, offsets, constants).

    Instructions that say the same are one: what stands in several formulas, such as the distance
    of two bodies in the equations of both, is worked out once. `left` and `right` are the
    instructions whose values an operator takes (-1: none). Formula `i` is worth instruction
    `outputs[i]`, which asks for `reached[offsets[i]:offsets[i + 1]]`, the last ones first.
    """
    shared = _Shared()
    outputs, fixed = [], program.constants
    for start, stop in itertools.pairwise(program.offsets.tolist()):
        codes = zip(program.opcodes[start:stop], program.operands[start:stop], strict=True)
        outputs.append(shared.value_of((int(code), int(operand)) for code, operand in codes))
    reached = [shared.reached(place) for place in outputs]
    table = np.array(shared.rows, dtype=np.int64).reshape(-1, 4)
    return (
        *(np.ascontiguousarray(column) for column in table.T),
        np.array(outputs, dtype=np.int64),
        np.array([place for part in reached for place in part], dtype=np.int64),
        np.cumsum([0, *(len(part) for part in reached)]).astype(np.int64),
        fixed,
    )


@dataclass(slots=True)
class _Shared:
    """Instructions `(opcode, operand, left, right)`, each once, operands before operators."""

    rows: list[tuple[int, int, int, int]] = field(default_factory=list)
    places: dict[tuple[int, int, int, int], int] = field(default_factory=dict)

    def value_of(self, codes: Iterable[tuple[int, int]]) -> int:
        """Return the place of the value that postfix instructions leave."""
        stack: list[int] = []
        for opcode, operand in codes:
            count = ARITIES.get(opcode, 0)
            right = stack.pop() if count == 2 else -1
            left = stack.pop() if count else -1
            stack.append(self._place(opcode, operand, left, right))
        return stack[-1]

    def _place(self, opcode: int, operand: int, left: int, right: int) -> int:
        if opcode in EITHER_WAY and right < left:
            left, right = right, left
        if opcode == INTEGER_POWER and operand % 2 == 0:
            left = self._without_sign(left)
        return self._kept((opcode, operand, left, right))

    def _without_sign(self, place: int) -> int:
        """Return a value of the same even powers: a - b for b - a."""
        opcode, operand, left, right = self.rows[place]
        if opcode == SUBTRACTION and right < left:
            return self._kept((opcode, operand, right, left))
        return place

    def _kept(self, row: tuple[int, int, int, int]) -> int:
        if row not in self.places:
            self.places[row] = len(self.rows)
            self.rows.append(row)
        return self.places[row]

    def reached(self, place: int) -> list[int]:
        """Return a place and all that its value depends on, the last first."""
        found, pending = {place}, [place]
        while pending:
            new = {k for k in self.rows[pending.pop()][2:] if k >= 0} - found
            found |= new
            pending += new
        return sorted(found, reverse=True)


@dataclass(frozen=True, slots=True, eq=False)
class FitData:
    """Observations as the shooting kernels want them; experiments one after the other.

    `observed[N, n]` and `weights[N, n]` (zero where missing) are in the integrated variable: the
    logarithm of a logarithmic component. `groups[n]` tells components that share one noise level,
    `known[n]` is that level where it is given (else 0); both in units of one over the weight.
    `spread[n]` is the size of each component; `nodes[N, n]` is where a refit starts. `starts` are
    the first rows of paths with a start of their own: experiments, or windows of them, whose
    experiments are then bounded by `runs`.
    """

    names: tuple[str, ...]
    t: np.ndarray
    starts: np.ndarray
    inputs: np.ndarray
    observed: np.ndarray
    weights: np.ndarray
    groups: np.ndarray
    known: np.ndarray
    spread: np.ndarray
    logarithmic: np.ndarray
    nodes: np.ndarray
    runs: np.ndarray | None = None

    @property
    def bounds(self) -> np.ndarray:
        """Where each experiment begins, and where the last one ends."""
        return self.starts if self.runs is None else self.runs

    @property
    def count(self) -> int:
        """Number of observed values."""
        return int((self.weights > 0).sum())

    def arrays(self, steps: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the tuple that the kernels take."""
        return self.t, self.starts, self.inputs, steps, self.observed, self.weights

    def experiment(self, name: str) -> FitData:
        """Return the arrays of one experiment."""
        place = self.names.index(name)
        rows = slice(self.bounds[place], self.bounds[place + 1])
        own = (self.starts >= rows.start) & (self.starts <= rows.stop)
        return replace(
            self,
            names=(name,),
            t=self.t[rows],
            starts=self.starts[own] - rows.start,
            runs=np.array([0, rows.stop - rows.start], dtype=np.int64),
            inputs=np.ascontiguousarray(self.inputs[rows]),
            observed=np.ascontiguousarray(self.observed[rows]),
            weights=np.ascontiguousarray(self.weights[rows]),
            nodes=np.ascontiguousarray(self.nodes[rows]),
        )

    @property
    def initial_values(self) -> int:
        """How many initial values are fitted beside the constants: a state for each path."""
        paths = sum(bool((self.weights[a:b] > 0).any()) for a, b in itertools.pairwise(self.starts))
        return paths * self.nodes.shape[1]

    def whole(self) -> FitData:
        """Return the same with one start for each experiment."""
        return replace(self, starts=self.bounds, runs=None)

    @property
    def defect_tolerance(self) -> np.ndarray:
        """The unit in which the kernels measure continuity defects and steps, `[n]`."""
        return DEFECT_SHARE * self.spread

    def noise_arrays(self, floor: float) -> tuple[np.ndarray, ...]:
        """Return (groups, known, floor of the noise level, defect tolerance)."""
        return self.groups, self.known, np.full(len(self.groups), floor), self.defect_tolerance


def logarithmic_components(problem: Problem, noise: Noise) -> frozenset[str]:
    """Return the states whose logarithm is what was measured with Gaussian noise."""
    return frozenset(problem.states) if noise.kind == "lognormal" else frozenset()


def fit_data(
    problem: Problem,
    experiments: Sequence[Experiment],
    trajectories: Mapping[str, Trajectory],
    noise: Noise,
) -> FitData:
    """Return the arrays of `experiments`; nodes start on the surrogate's `trajectories`."""
    components, logarithmic = problem.components, logarithmic_components(problem, noise)
    is_log = np.array([c in logarithmic for c in components])
    observed = np.concatenate([_observed(e, components) for e in experiments])
    nodes = np.concatenate([_nodes(e, trajectories[e.name], components) for e in experiments])
    size = np.sqrt(np.mean(nodes**2, axis=0)) + 1e-300
    with np.errstate(all="ignore"):
        observed = np.where(is_log, np.log(observed), observed)
        nodes = np.where(is_log, np.log(np.maximum(nodes, 1e-12 * size)), nodes)
    base = np.array([_noise_unit(c, noise, experiments, logarithmic) for c in components])
    weights = np.where(np.isfinite(observed), 1.0 / base, 0.0)
    lengths = [len(e.t) for e in experiments]
    return FitData(
        names=tuple(e.name for e in experiments),
        t=np.concatenate([e.t for e in experiments]).astype(float),
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        inputs=np.concatenate([_inputs(e, problem.inputs) for e in experiments]),
        observed=np.where(weights > 0, observed, 0.0),
        weights=weights,
        groups=_groups(components, noise),
        known=_known(components, noise, base),
        spread=np.where(is_log, 1.0, size),
        logarithmic=is_log,
        nodes=np.ascontiguousarray(nodes),
    )


def _observed(experiment: Experiment, components: Sequence[str]) -> np.ndarray:
    missing = np.full(len(experiment.t), np.nan)
    return np.stack([experiment.states.get(c, missing) for c in components], axis=1)


def _nodes(experiment: Experiment, trajectory: Trajectory, names: Sequence[str]) -> np.ndarray:
    columns = [np.interp(experiment.t, trajectory.t, trajectory.components[c]) for c in names]
    return np.stack(columns, axis=1)


def _inputs(experiment: Experiment, names: Sequence[str]) -> np.ndarray:
    columns = [experiment.input_at(name, experiment.t) for name in names]
    return np.stack(columns, axis=1) if columns else np.zeros((len(experiment.t), 0))


def _noise_unit(
    component: str, noise: Noise, experiments: Sequence[Experiment], logarithmic: frozenset[str]
) -> float:
    """Return what one unit of noise level means for a component, in its own unit."""
    values = [e.states[component] for e in experiments if component in e.states]
    joined = np.concatenate([np.zeros(0), *values])
    # Of bodies one may be absent from all experiments that a law is fitted to.
    if component in logarithmic or not np.isfinite(joined).any():
        return 1.0
    if noise.kind == "relative":
        return float(np.nanmean(np.abs(joined))) or 1.0
    return float(np.sqrt(np.nanmean(joined**2))) or 1.0


def _groups(components: Sequence[str], noise: Noise) -> np.ndarray:
    if noise.kind == "relative":
        return np.zeros(len(components), dtype=np.int64)
    return np.arange(len(components), dtype=np.int64)


def _known(components: Sequence[str], noise: Noise, base: np.ndarray) -> np.ndarray:
    unit = base if noise.kind == "gaussian" else np.ones_like(base)
    return np.array([noise.size_of(c) or 0.0 for c in components]) / unit
