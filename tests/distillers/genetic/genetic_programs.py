"""Random formulas of the whole language, and what numpy makes of them."""

import numpy as np

from residuum.distillers.genetic.codes import program_arrays
from residuum.distillers.genetic.machine import evaluate
from residuum.distillers.genetic.workspace import data_of, make_work
from residuum.distillers.regression import Table
from residuum.expressions.expression import Expression
from residuum.expressions.primitives import PRIMITIVES

NAMES = ("x", "y", "z")


def random_expression(rng, size):
    """A formula of about `size` tokens with every operator of the language."""
    if size <= 1:
        kind = rng.integers(4)
        if kind == 0:
            return Expression.number(float(rng.normal()))
        if kind == 1:
            return Expression.integer(int(rng.integers(-3, 4)))
        return Expression.variable(NAMES[rng.integers(3)])
    symbol = list(PRIMITIVES)[rng.integers(len(PRIMITIVES))]
    if rng.random() < 0.1:
        return random_expression(rng, size - 1) ** Expression.integer(int(rng.integers(-4, 6)))
    if PRIMITIVES[symbol].arity == 1:
        return Expression.apply(symbol, random_expression(rng, size - 1))
    left = int(rng.integers(1, size)) if size > 2 else 1
    parts = random_expression(rng, left), random_expression(rng, size - 1 - left)
    return Expression.apply(symbol, *parts)


def table_for(rows, seed=0, y=None):
    X = np.random.default_rng(seed).uniform(-2.0, 3.0, (rows, 3))
    return Table.of(NAMES, X, X[:, 0] if y is None else y(X))


def values(expression, table, **changed):
    """The formula's values by the compiled machine; `changed` replaces scratch arrays."""
    codes, args, constants = program_arrays(expression, table.variables)
    data, n = data_of(table), len(table.y)
    work = make_work(n, len(codes), max(1, len(constants)), 1)._replace(**changed)
    out = np.empty(n)
    evaluate(codes, args, len(codes), constants[None, :], data, work, out)
    return out
