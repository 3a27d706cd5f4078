"""What is exported of bodies: the rates of any number of them as formulas with sums over pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from residuum.errors import UserError
from residuum.expressions.expression import Expression
from residuum.laws.export.system import title_of, values_of
from residuum.laws.law import Law
from residuum.problem.body_problem import RECEIVER, SENDER, BodyProblem, reached
from residuum.problem.names import derivative


@dataclass(frozen=True, slots=True)
class BodySystem:
    """A function from t, the components and scalars of bodies, and inputs to rates.

    `law` has no hidden term left; `parameters` have values. `notes` are for a comment.
    """

    title: str
    law: BodyProblem
    parameters: Mapping[str, float]
    notes: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments in order: t, components, scalars, inputs."""
        return ("t", *self.law.components, *self.law.scalars, *self.law.inputs)

    @property
    def shared(self) -> tuple[str, ...]:
        """The arguments that all bodies share: t, inputs and parameters."""
        return ("t", *self.law.inputs, *self.parameters)

    @property
    def rates(self) -> dict[str, Expression]:
        """The time derivative of each component, by its name."""
        found: dict[str, Expression] = {}
        for equation in self.law.equations:
            for order in range(1, equation.order):
                name = derivative(equation.state, order)
                found[name] = Expression.variable(f"{name}{RECEIVER}")
            found[equation.left] = equation.rhs
        return found

    def described(self, names: Mapping[str, str]) -> list[str]:
        """Return what stands in a comment: the results, and the shapes of the arguments."""
        law, rates = self.law, self.rates
        shapes = {
            f"[{len(rates)}, n, d]": list(rates),
            "[n, d]": [names[name] for name in law.components],
            "[n]": [names[name] for name in law.scalars],
        }
        lines = [f"{', '.join(row)}: {shape}" for shape, row in shapes.items() if row]
        first = f"results, of n bodies along d axes: {lines[0]}"
        return [first, *lines[1:], *(f"estimated: {note}" for note in self.notes)]

    def split(self, name: str) -> tuple[str, str] | None:
        """Return a component or scalar and `_i` or `_j`, None for a name that bodies share."""
        base, body = name[: -len(RECEIVER)], name[-len(RECEIVER) :]
        own = base in self.law.components or base in self.law.scalars
        return (base, body) if own and body in (RECEIVER, SENDER) else None

    def of_pairs(self, formula: Expression) -> bool:
        """Tell whether a formula, sums not opened, holds anything of another body."""
        opened = {k: v for k, v in self.law.opened.items() if not k.startswith("sum@")}
        splits = map(self.split, reached([formula], opened))
        return any(found is not None and found[1] == SENDER for found in splits)


def system_of_bodies(law: Law) -> BodySystem:
    """Return a law of bodies as a system of the first order."""
    problem = law.bodies
    if problem is None:
        raise UserError("no law of bodies", where=law.dataset)
    used = {parameter.name for parameter in problem.parameters}
    values = values_of(law)
    return BodySystem(
        title_of(law, problem.components),
        problem,
        {name: value for name, value in values.items() if name in used},
        tuple(f"{name} = {value!r}" for name, value in values.items() if name not in used),
    )
