"""Which names of a problem have a unit, and which of them mean the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from residuum.expressions.expression import Expression
from residuum.problem.body_problem import RECEIVER, SENDER, BodyProblem
from residuum.problem.problem import Problem


@dataclass(frozen=True, slots=True)
class UnitNames:
    """The names of one problem, as units see them.

    `declared` may have a unit, `scalars` of bodies among them. `of_bodies` says what `mass_i` and
    `mass_j` are names of; `products` of which formulas the units of sums, lengths and products of
    vectors are the product.
    """

    declared: tuple[str, ...]
    scalars: tuple[str, ...]
    of_bodies: Mapping[str, str]
    products: Mapping[str, tuple[Expression, ...]]

    @classmethod
    def of(cls, problem: Problem | BodyProblem) -> UnitNames:
        """Return the names of a problem."""
        common = ("t", *problem.components, *problem.inputs)
        if not isinstance(problem, BodyProblem):
            return cls(common, (), {}, {})
        rates = (equation.left for equation in problem.equations)
        named = (*problem.components, *problem.scalars)
        calls = {call.placeholder for call in problem.calls}
        return cls(
            tuple(dict.fromkeys((*common, *problem.scalars, *rates))),
            problem.scalars,
            {f"{name}{body}": name for name in named for body in (RECEIVER, SENDER)},
            {name: formulas for name, formulas in problem.opened.items() if name not in calls},
        )
