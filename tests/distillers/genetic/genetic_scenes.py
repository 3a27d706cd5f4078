"""What tests of the genetic engine share: random formulas, and an independent look at units."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from residuum.distillers.genetic.decoding import postfix_formula
from residuum.distillers.genetic.dimensions import Units
from residuum.distillers.genetic.folding import fold, strip
from residuum.distillers.genetic.trees import (
    ARITY,
    CONSTANT,
    DRAFT_NODES,
    INTEGER_POWER,
    LITERAL,
    VARIABLE,
    Draft,
    emit,
    emit_constant,
    new_draft,
)
from residuum.distillers.genetic.variation import Language
from residuum.distillers.regression import Table
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.expressions.primitives import PRIMITIVES

NAMES = ("x", "y", "z")
OPERATORS = ("+", "-", "*", "/", "neg", "sqrt", "exp", "log", "sin", "cos", "tanh")
RULES = {row.opcode: row.units for row in PRIMITIVES.values()}


def language_of(operators=OPERATORS, *, variables=3, constants=True, powers=(2, 3, -1, -2)):
    """Return a language in which every operator is as frequent as any other."""
    unary = [PRIMITIVES[s].opcode for s in operators if PRIMITIVES[s].arity == 1]
    binary = [PRIMITIVES[s].opcode for s in operators if PRIMITIVES[s].arity == 2]
    return Language(
        np.array(unary, np.int16),
        np.cumsum(np.ones(len(unary))),
        np.array(binary, np.int16),
        np.cumsum(np.ones(len(binary))),
        np.array(powers, np.int16),
        np.array([variables], np.int64),
        constants,
    )


def no_units(variables=3) -> Units:
    return Units(False, np.zeros((variables, 1), np.int64), np.zeros(1, np.int64), 3)


def draft_of(*steps, experiments=1) -> Draft:
    """Return a draft of words: names of variables, numbers (constants), operators, ('^', power)."""
    draft = new_draft(experiments)
    for step in steps:
        if isinstance(step, tuple):
            emit(draft, {"^": INTEGER_POWER, "literal": LITERAL}[step[0]], step[1])
        elif isinstance(step, float):
            emit_constant(draft, step)
        elif step in PRIMITIVES:
            emit(draft, PRIMITIVES[step].opcode, 0)
        else:
            emit(draft, VARIABLE, NAMES.index(step))
    return draft


def random_draft(seed: int, *, leaves: int = 6, operators=OPERATORS) -> Draft:
    """Return a random formula of up to so many leaves, constants and repetitions in plenty."""
    rng = np.random.default_rng(seed)
    unary = [s for s in operators if PRIMITIVES[s].arity == 1]
    binary = [s for s in operators if PRIMITIVES[s].arity == 2]

    def build(count: int) -> list:
        if rng.uniform() < 0.35:
            power = int(rng.choice([-2, -1, 2, 3]))
            return [*build(count), ("^", power) if rng.uniform() < 0.3 else str(rng.choice(unary))]
        if count == 1:
            u = rng.uniform()
            if u < 0.4:
                return [float(np.round(rng.normal() * 2, 2)) or 1.0]
            return [("literal", 1)] if u < 0.45 else [str(rng.choice(NAMES[:2]))]
        left = int(rng.integers(1, count))
        a = build(left)
        b = a if rng.uniform() < 0.15 else build(count - left)
        return [*a, *b, str(rng.choice(binary))]

    return draft_of(*build(int(rng.integers(1, leaves + 1))))


def folded(draft: Draft) -> tuple[Draft, bool]:
    """Return the normal form without its outermost constants, and whether it lost an offset."""
    out = new_draft(draft.constants.shape[0])
    fold(draft, out, np.zeros(DRAFT_NODES, np.int64))
    return out, bool(strip(out))


def copied(draft: Draft) -> Draft:
    return Draft(*(array.copy() for array in draft))


def words(draft: Draft) -> tuple[list[int], list[int]]:
    n = int(draft.size[0])
    return draft.codes[:n].tolist(), draft.args[:n].tolist()


def expression_of(draft: Draft, experiment: int = 0) -> Expression:
    columns = [Expression.variable(name) for name in NAMES]
    return postfix_formula(*words(draft), draft.constants[experiment], columns)


def values_of(draft: Draft, points: np.ndarray) -> np.ndarray:
    """Return the values of a draft on `points[p, m]`."""
    return values_at(expression_of(draft), points)


def values_at(expression: Expression, points: np.ndarray) -> np.ndarray:
    values = evaluate(expression, dict(zip(NAMES, points, strict=False)))
    return np.broadcast_to(values, points.shape[1:]).astype(float)


def parent_of(draft: Draft) -> tuple:
    """Return a draft as `variation.vary` takes it."""
    n, k = (int(x) for x in draft.size)
    return draft.codes, draft.args, draft.constants[:, : max(k, 1)], draft.local, n


def table_with_units(variables, X, y, units, unit) -> Table:
    """Return a table whose units are rows of exponents."""
    rows = tuple(tuple(Fraction(a).limit_denominator(12) for a in row) for row in units)
    value = tuple(Fraction(a).limit_denominator(12) for a in unit)
    return Table(variables, X, y, np.zeros(len(y), np.int64), units=rows, unit=value)


def consistent(codes, args, given, value, wrap: int) -> bool:
    """Tell whether units of the constants exist that make a formula consistent.

    The unit of a subtree is linear in the unknown units of the constants, `A @ u + b`: every
    operator adds equations, and the formula is consistent if they have a solution. `given[p, d]`
    and `value[d]` are exponents; a scale (`wrap` 1) and an offset (2) have units of their own.
    """
    places = sorted({a for c, a in zip(codes, args, strict=True) if c == CONSTANT})
    given, value = np.asarray(given, float), np.asarray(value, float)
    width, count = given.shape[1], len(places) + 2
    equations: list[tuple[np.ndarray, np.ndarray]] = []

    def unknown(place: int) -> tuple[np.ndarray, np.ndarray]:
        return np.eye(count)[place], np.zeros(width)

    def equal(a, b) -> None:
        equations.append((a[0] - b[0], a[1] - b[1]))

    pure = np.zeros(count), np.zeros(width)
    stack: list[tuple[np.ndarray, np.ndarray]] = []
    for code, arg in zip(codes, args, strict=True):
        if code == VARIABLE:
            stack.append((np.zeros(count), given[arg]))
        elif code == CONSTANT:
            stack.append(unknown(places.index(arg)))
        elif code == LITERAL:
            stack.append(pure)
        elif code == INTEGER_POWER:
            a = stack.pop()
            stack.append((a[0] * arg, a[1] * arg))
        else:
            b = stack.pop()
            a = stack.pop() if ARITY[code] == 2 else b
            rule = RULES[code]
            if rule == "same":
                equal(a, b)
                stack.append(a)
            elif rule in ("product", "quotient"):
                sign = 1 if rule == "product" else -1
                stack.append((a[0] + sign * b[0], a[1] + sign * b[1]))
            elif rule == "keep":
                stack.append(a)
            elif rule == "root":
                stack.append((a[0] / 2, a[1] / 2))
            elif rule == "sign":
                stack.append(pure)
            else:  # dimensionless; a power with an exponent that is no integer
                equal(a, pure)
                equal(b, pure)
                stack.append(pure)
    (whole,) = stack
    if wrap:
        scale = unknown(count - 2)
        whole = (whole[0] + scale[0], whole[1] + scale[1])
    if wrap == 2:
        equal(whole, unknown(count - 1))
    equal(whole, (np.zeros(count), value))
    A = np.array([row for row, _ in equations])
    b = -np.array([right for _, right in equations])
    solution = np.linalg.lstsq(A, b, rcond=None)[0]
    return bool(np.allclose(A @ solution, b, atol=1e-9))
