"""What an engine returns, and the scaling that float32 peers are given."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.symbolic.problem import Problem
from residuum.expressions.expression import Expression
from residuum.metrics.size import merged


@dataclass(frozen=True)
class Found:
    """A formula in the problem's units, its loss and complexity as the engine counts them."""

    expression: Expression
    loss: float
    complexity: float
    chosen: bool = False


@dataclass(frozen=True)
class Scaled:
    """A problem's numbers near one: `X/columns` and `y/value`, scales being powers of ten.

    Operon computes in float32, where 1e-39 is zero: without this it could not run at all on tables
    in SI units.
    """

    problem: Problem
    columns: np.ndarray
    value: float

    @classmethod
    def of(cls, problem: Problem) -> Scaled:
        """Return the scales of a problem: powers of ten near the medians of the sizes."""
        columns = np.array([_ten(x) for x in problem.X.T])
        return cls(problem, columns, _ten(problem.y))

    @property
    def X(self) -> np.ndarray:
        """The scaled arguments `[n, p]`."""
        return self.problem.X / self.columns

    @property
    def y(self) -> np.ndarray:
        """The scaled values `[n]`."""
        return self.problem.y / self.value

    @property
    def scaled(self) -> Problem:
        """The problem in scaled numbers, as far as fitting needs it."""
        return replace(self.problem, X=self.X, y=self.y)

    def back(self, expression: Expression) -> Expression:
        """Return a formula of scaled numbers in the problem's units, its numbers merged."""
        replacements = {
            name: Expression.number(1.0 / scale) * Expression.variable(name)
            for name, scale in zip(self.problem.variables, self.columns, strict=True)
            if scale != 1.0
        }
        found = expression.substitute(replacements)
        return merged(found if self.value == 1.0 else Expression.number(self.value) * found)


def _ten(x: np.ndarray) -> float:
    sizes = np.abs(x[x != 0])
    if not len(sizes):
        return 1.0
    power = float(np.round(np.median(np.log10(sizes))))
    # Ordinary numbers stay as they are.
    return 1.0 if abs(power) <= 1 else float(f"1e{power:.0f}")
