r"""What a hidden term may be made of: a list of formulas in its arguments.

Monomials :math:`\prod_a x_a^{e_a}` with :math:`\sum_a e_a \le d`, the constant first, then every
function of one operand applied to every argument. The terms are formulas, so what a regression
finds is read from coefficients and never parsed from text.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np

from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression

ONE = Expression.integer(1)
ZERO = Expression.integer(0)


def build_library(
    arguments: Sequence[str], *, degree: int, functions: Sequence[str] = ()
) -> tuple[Expression, ...]:
    """Return the constant, the monomials by degree, then the functions of each argument.

    >>> [term.infix() for term in build_library(["x", "y"], degree=2, functions=["sin"])]
    ['1', 'x', 'y', 'x**2', 'x*y', 'y**2', 'sin(x)', 'sin(y)']
    """
    variables = [Expression.variable(name) for name in arguments]
    terms = [ONE]
    for total in range(1, degree + 1):
        choices = combinations_with_replacement(range(len(variables)), total)
        terms.extend(_monomial(variables, choice) for choice in choices)
    for function in dict.fromkeys(functions):
        terms.extend(Expression.apply(function, variable) for variable in variables)
    return tuple(terms)


def _monomial(variables: Sequence[Expression], choice: tuple[int, ...]) -> Expression:
    """Return the product of the chosen variables, repeated ones as a power."""
    product: Expression | None = None
    for index in dict.fromkeys(choice):
        factor, exponent = variables[index], choice.count(index)
        if exponent > 1:
            factor = factor ** Expression.integer(exponent)
        product = factor if product is None else product * factor
    return ONE if product is None else product


def evaluate_library(
    terms: Sequence[Expression], arguments: Sequence[str], X: np.ndarray
) -> np.ndarray:
    """Return the terms as columns, `[n, m]`, from arguments `X[n, a]`, both in the user's units.

    A term outside its domain is a column that is not finite.
    """
    values = {name: X[:, index] for index, name in enumerate(arguments)}
    columns = np.empty((len(X), len(terms)))
    for index, term in enumerate(terms):
        columns[:, index] = evaluate(term, values)
    return columns


def combine(coefficients: Sequence[float], terms: Sequence[Expression]) -> Expression:
    """Return the weighted sum of terms; the empty sum is the literal zero (nothing to refit).

    >>> x = Expression.variable("x")
    >>> combine([2.0, -0.5], [ONE, x]).infix()
    '2.0 + -0.5*x'
    """
    total: Expression | None = None
    for coefficient, term in zip(coefficients, terms, strict=True):
        number = Expression.number(float(coefficient))
        part = number if term == ONE else number * term
        total = part if total is None else total + part
    return ZERO if total is None else total
