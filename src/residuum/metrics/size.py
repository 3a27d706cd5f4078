"""How large a formula is, once its numbers are merged."""

from __future__ import annotations

from residuum.expressions.expression import Expression
from residuum.metrics.sums import Unsuitable, sum_of
from residuum.metrics.writing import written


def merged(expression: Expression) -> Expression:
    """Return the formula with numbers folded and what is trivially redundant merged.

    Numbers fold and move out of products, quotients, powers, `exp` and `log`; equal factors
    become one power, equal terms one term, factors common to all terms of a sum stand once; signs
    become differences; `log a + log b` is `log(a*b)`, `exp a * exp b` is `exp(a + b)`, `x**0.5` is
    `sqrt(x)`, a phase of a multiple of pi/2 is the other of `sin` and `cos`. Nothing is expanded.
    A formula whose numbers leave the range of a float64 is returned as it is.
    """
    try:
        found = written(sum_of(expression))
    except Unsuitable:
        return expression
    return found if len(found.tokens) <= len(expression.tokens) else expression


def size(expression: Expression) -> int:
    """Return the number of tokens of `merged(expression)`: operators, numbers and variables.

    >>> from residuum.expressions.parser import parse
    >>> [size(parse(text)) for text in ("2*x", "x*x*x", "log(x) + log(y)", "1/(2 + 4*x)")]
    [3, 3, 4, 5]
    """
    return len(merged(expression).tokens)
