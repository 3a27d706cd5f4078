"""From a table and settings to the arrays that the compiled engine reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from residuum.distillers.genetic.blocks import PROBES, build_blocks
from residuum.distillers.genetic.constraints import Rules
from residuum.distillers.genetic.dimensions import TWELFTHS, Units
from residuum.distillers.genetic.evolve import Sample, Scene
from residuum.distillers.genetic.hypotheses import Form, free_form, read_form
from residuum.distillers.genetic.probing import find_probes
from residuum.distillers.genetic.reading import read_parts
from residuum.distillers.genetic.shape import Shape
from residuum.distillers.genetic.trees import (
    CODES,
    INTEGER_POWER,
    MAX_CONSTANTS,
)
from residuum.distillers.genetic.variation import BACKSOLVE, LOCAL, RATES, Language
from residuum.distillers.genetic.workspace import LOGARITHMIC, POISSON, RELATIVE, Data, data_of
from residuum.distillers.regression import Dimensions, Table
from residuum.distillers.settings import GeneticSettings
from residuum.errors import UserError
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression, is_integer
from residuum.expressions.primitives import PRIMITIVES
from residuum.seeds import generator

SAMPLE = 8  # rows on which structures are told apart
POWERS = (2, 3, -1, -2)
# Operators that no formula starts to be tried with as often as the four of arithmetic.
WEIGHTS = {"+": 3.0, "*": 3.0, "-": 2.0, "/": 2.0, "neg": 0.3, "min": 0.3, "max": 0.3}


@dataclass(frozen=True, slots=True)
class Setting:
    """The scene of an island and the data it fits, in scaled columns.

    A column is `columns[k]` of the variables over `scales[k]`, a value is over `size`.
    """

    scene: Scene
    data: Data
    sample: Sample
    form: Form
    scales: np.ndarray
    size: float
    complexity: np.ndarray


def build_setting(table: Table, settings: GeneticSettings, *, island: int, seed: int) -> Setting:
    """Return the setting of one island; islands take turns in hypotheses and strictness.

    Raises UserError for units that are not made of twelfths of base dimensions.
    """
    forms = settings.hypotheses
    form = (
        read_form(forms[island % len(forms)], table.variables)
        if forms
        else free_form(table.variables)
    )
    columns = _columns(form.columns, table)
    units = _units(form.columns, table, wildcards=_wildcards(settings, island))
    scales, size = _scales(columns, table, units, form)
    scaled = np.ascontiguousarray((columns / scales).T)
    data = _data(scaled, table, size, settings)
    language = _language(settings, form)
    rules = _rules(settings, table, int((form.hypothesis.factor >= 0).sum()))
    probes = _probe_rows(table, seed)
    blocks, classes, complexity = build_blocks(
        np.ascontiguousarray(scaled[:, probes]),
        language,
        units,
        rules.cost,
        most=4000 if form.hypothesis.identity else 1,
        seed=seed,
    )
    scene = Scene(
        language=language,
        rules=rules,
        units=units,
        hypothesis=form.hypothesis,
        shape=_shape(form.columns, table, settings, data, scales),
        blocks=blocks,
        classes=classes,
        rates=_rates(settings, form),
        probes=np.ascontiguousarray(scaled[:, probes]),
        probe_values=np.ascontiguousarray(table.y[probes] / size),
        probe_weight=np.ascontiguousarray(_weights(table, data)[probes]),
        offset=settings.max_constants > 0,
        population=settings.population,
        age_limit=60,
    )
    return Setting(scene, data, _sample(data, probes[:SAMPLE]), form, scales, size, complexity)


def _sample(data: Data, rows: np.ndarray) -> Sample:
    """Return the rows on which structures are told apart."""
    n = len(rows)
    few = data._replace(
        XT=np.ascontiguousarray(data.XT[:, rows]),
        y=np.zeros(n),
        weight=np.ones(n),
        whitening=np.zeros((0, n)),
        target=np.zeros(0),
        starts=np.array([0, n], dtype=np.int64),
    )
    stand_ins = (0.7310585786 + 0.6180339887 * np.arange(MAX_CONSTANTS))[None]
    return Sample(few, stand_ins, np.zeros(n))


def _columns(formulas: Sequence[Expression], table: Table) -> np.ndarray:
    values = {name: table.X[:, k] for k, name in enumerate(table.variables)}
    rows = [np.broadcast_to(evaluate(f, values), len(table.y)) for f in formulas]
    return np.stack(rows, axis=1) if rows else np.zeros((len(table.y), 0))


def _wildcards(settings: GeneticSettings, island: int) -> int:
    """Every other island allows at most one constant with units: most laws have none or one."""
    return settings.wildcards if island % 2 == 0 else min(1, settings.wildcards)


def _units(formulas: Sequence[Expression], table: Table, *, wildcards: int) -> Units:
    if table.units is None or table.unit is None:
        return Units(
            False, np.zeros((len(formulas), 1), np.int64), np.zeros(1, np.int64), wildcards
        )
    known = dict(zip(table.variables, table.units, strict=True))
    rows = [_twelfths(_dimensions_of(f, known, len(table.unit))) for f in formulas]
    width = max(1, len(table.unit))
    given = np.zeros((len(rows), width), np.int64)
    for k, row in enumerate(rows):
        given[k, : len(row)] = row
    value = np.zeros(width, np.int64)
    value[: len(table.unit)] = _twelfths(table.unit)
    return Units(True, given, value, wildcards)


def _dimensions_of(
    formula: Expression, known: dict[str, Dimensions], width: int
) -> tuple[float, ...]:
    """Return the dimensions of a fixed part of a hypothesis."""
    if not formula.operands:
        return tuple(float(x) for x in known.get(formula.head, (0,) * width))
    parts = [_dimensions_of(part, known, width) for part in formula.operands]
    rule, a, b = PRIMITIVES[formula.head].units, parts[0], parts[-1]
    if rule == "product":
        return tuple(x + y for x, y in zip(a, b, strict=True))
    if rule == "quotient":
        return tuple(x - y for x, y in zip(a, b, strict=True))
    if rule == "root":
        return tuple(x / 2 for x in a)
    if rule == "power" and is_integer(formula.operands[1].head):
        return tuple(x * int(formula.operands[1].head) for x in a)
    return a if rule in ("same", "keep") else (0.0,) * width


def _twelfths(row: Sequence[object]) -> list[int]:
    found = []
    for power in row:
        twelfths = float(power) * TWELFTHS  # type: ignore[arg-type]
        if abs(twelfths - round(twelfths)) > 1e-9:
            raise UserError("a unit is no root of a twelfth of base units", where="units")
        found.append(round(twelfths))
    return found


def _scales(
    columns: np.ndarray, table: Table, units: Units, form: Form
) -> tuple[np.ndarray, float]:
    """Return the scale of every column and of the values, so that numbers are near one.

    With units a scale belongs to a base dimension: sums stay sums. Without, columns of similar
    size share a power of a thousand, for the same reason; numbers in a hypothesis are meant as
    they stand, so there is nothing to scale.
    """
    if not units.known and not form.hypothesis.identity:
        return np.ones(columns.shape[1]), 1.0
    sizes = np.array([_size(column) for column in (*columns.T, table.y)])
    logs = np.log10(sizes)
    if not units.known:
        scales = 10.0 ** (3 * np.round(logs / 3))
        return scales[:-1], float(scales[-1])
    rows = np.vstack([units.given, units.value]) / TWELFTHS
    keep = rows.any(axis=1)
    bases = np.linalg.lstsq(rows[keep], logs[keep], rcond=1e-6)[0] if keep.any() else rows[0] * 0
    scales = 10.0 ** (rows @ bases)
    return scales[:-1], float(scales[-1])


def _size(values: np.ndarray) -> float:
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.exp(np.mean(np.log(size)))) if len(size) else 1.0


def _data(scaled: np.ndarray, table: Table, size: float, settings: GeneticSettings) -> Data:
    """Return the scaled table as the kernels read it, with weights whose mean square is one."""
    # Correlated errors would tie the constants of different experiments together.
    plain = settings.loss == "squared" and not settings.local_constants
    correlated = table.whitening is not None and plain
    precision = table.precision
    if precision is None and table.whitening is not None and not correlated:
        precision = np.sum(table.whitening**2, axis=0)
    rescaled = replace(
        table,
        X=scaled.T,
        y=table.y / size,
        precision=None if precision is None else precision / float(np.mean(precision)),
        whitening=table.whitening * size if table.whitening is not None and correlated else None,
        target=table.target if correlated else None,
        experiment=table.experiment if settings.local_constants else table.experiment * 0,
    )
    return data_of(rescaled, settings.loss)


def _weights(table: Table, data: Data) -> np.ndarray:
    """Return how much each row counts on its own, for regressions on the probe rows."""
    if len(data.target):
        return np.sqrt(np.sum(data.whitening**2, axis=0))
    if data.loss in (RELATIVE, LOGARITHMIC):
        return data.weight / np.abs(data.y)
    if data.loss == POISSON:
        return data.weight / np.sqrt(np.maximum(data.y, float(np.mean(data.y)) * 1e-3))
    return data.weight


def _language(settings: GeneticSettings, form: Form) -> Language:
    weights = {name: settings.frequencies.get(name, WEIGHTS.get(name, 1.0)) for name in PRIMITIVES}
    used = [s for s in settings.operators if weights[s] > 0]
    unary = [s for s in used if PRIMITIVES[s].arity == 1]
    binary = [s for s in used if PRIMITIVES[s].arity == 2 and s != "**"]
    return Language(
        unary=np.array([PRIMITIVES[s].opcode for s in unary], np.int16),
        unary_weight=np.cumsum([weights[s] for s in unary]),
        binary=np.array([PRIMITIVES[s].opcode for s in binary], np.int16),
        binary_weight=np.cumsum([weights[s] for s in binary]),
        powers=np.array(POWERS if "**" in used else (), np.int16),
        formals=form.formals,
        constants=settings.max_constants > 0,
    )


def _rules(settings: GeneticSettings, table: Table, factors: int) -> Rules:
    """Return the limits; `factors` constants of a hypothesis come on top of the user's."""
    cost = np.ones(CODES, np.int64)
    for row in PRIMITIVES.values():
        cost[row.opcode] = settings.costs.get(row.symbol, row.complexity)
    cost[INTEGER_POWER] = settings.costs.get("**", 2)
    argument = np.full(CODES, -1, np.int64)
    for name, limit in settings.arguments.items():
        argument[PRIMITIVES[name].opcode] = limit
    argument[INTEGER_POWER] = argument[PRIMITIVES["**"].opcode]
    nesting = np.full((CODES, CODES), -1, np.int64)
    for outer, inner in settings.nesting.items():
        for name, most in inner.items():
            for a in _opcodes(outer):
                for b in _opcodes(name):
                    nesting[a, b] = most
    return Rules(
        cost=cost,
        complexity=settings.complexity,
        constants=min(settings.max_constants + factors, MAX_CONSTANTS),
        local=settings.local_constants,
        argument=argument,
        nesting=nesting,
        nested=bool(settings.nesting),
        forbidden=read_parts(settings.forbidden, table.variables, "forbidden"),
        required=read_parts(settings.required, table.variables, "required"),
    )


def _opcodes(name: str) -> tuple[int, ...]:
    own = int(PRIMITIVES[name].opcode)
    return (own, INTEGER_POWER) if name == "**" else (own,)


def _shape(
    formulas: Sequence[Expression],
    table: Table,
    settings: GeneticSettings,
    data: Data,
    scales: np.ndarray,
) -> Shape:
    """Return the probes in scaled columns, once for each experiment."""
    probes, experiments = find_probes(table, settings), len(data.starts) - 1
    m = len(probes.X)
    values = dict(zip(table.variables, probes.X.T, strict=True))
    columns = np.array([np.broadcast_to(evaluate(f, values), m) for f in formulas])
    scaled = columns.reshape(len(formulas), m) / scales[:, None]
    places = [probes.repeated(e) for e in range(experiments)]
    rows = data._replace(
        XT=np.ascontiguousarray(np.tile(scaled, experiments)),
        y=np.zeros(m * experiments),
        weight=np.ones(m * experiments),
        whitening=np.zeros((0, m * experiments)),
        target=np.zeros(0),
        starts=m * np.arange(experiments + 1, dtype=np.int64),
    )
    return Shape(
        rows,
        np.concatenate([first for first, _ in places]),
        np.concatenate([second for _, second in places]),
        np.tile(probes.kind, experiments),
        float(np.sqrt(np.mean(data.y**2))),
    )


def _rates(settings: GeneticSettings, form: Form) -> np.ndarray:
    rates = RATES.copy()
    rates[LOCAL] = 0.05 if settings.local_constants else 0.0
    if not form.hypothesis.identity:
        rates[BACKSOLVE] = 0.0
    return np.cumsum(rates)


def _probe_rows(table: Table, seed: int) -> np.ndarray:
    """Return rows for probing, spread over all."""
    n = len(table.y)
    rows = generator(seed, "probes").permutation(n)
    return rows[: min(n, PROBES)]
