"""A system of so many bodies written out: one scalar equation for each body and axis.

What is made for systems of scalar equations (refits through the dynamics, intervals, exports)
then serves bodies too. A vector hidden term `force(v, s)` becomes the scalar function of `|v|` and
`s` times `v/|v|`; every pair of bodies is one more call of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce

from residuum.errors import UserError
from residuum.expressions.calculus import ZERO, add
from residuum.expressions.expression import Expression
from residuum.problem.body_problem import RECEIVER, SENDER, BodyProblem
from residuum.problem.hidden_term import Call, HiddenTerm
from residuum.problem.names import split_suffix
from residuum.problem.problem import Equation, Problem

AXIS_NAMES = "xyz"
TWO = Expression.integer(2)


def along(name: str, axis: int, body: str = "") -> str:
    """Return the name of a component along one axis.

    >>> along("position_t", 0)
    'position_x_t'
    """
    state, suffix = split_suffix(name) or (name, "")
    return "_".join(filter(None, (state, AXIS_NAMES[axis], body, suffix)))


@dataclass(frozen=True, slots=True)
class Expansion:
    """How the names of a problem of bodies are written for `bodies` bodies and `axes` axes."""

    bodies: int
    axes: int

    def component(self, name: str, body: int, axis: int) -> str:
        """Return the name of one component: `position_x_1_t` for `position_t` of the first body."""
        return along(name, axis, str(body + 1))

    def components(self, name: str) -> list[str]:
        """Return the names of a state of all bodies, axis by axis within a body."""
        places = ((b, k) for b in range(self.bodies) for k in range(self.axes))
        return [self.component(name, body, axis) for body, axis in places]

    def scalar(self, name: str, body: int) -> str:
        """Return the name of a scalar of one body: `mass_1`."""
        return f"{name}_{body + 1}"

    def presence(self, body: int) -> str:
        """Return the name of the input that is one where a body is there and zero where not."""
        return f"present_{body + 1}"


def expand(
    problem: BodyProblem,
    expansion: Expansion,
    *,
    receivers: Iterable[int] | None = None,
    ragged: bool = False,
) -> Problem:
    """Return the scalar problem of the bodies `receivers` (all if None).

    Scalars and the components of bodies that do not receive become inputs. Where systems are
    `ragged`, what a body sends is multiplied by the input that says whether it is there. Raises
    UserError where a vector hidden term has more than one vector among its arguments.
    """
    for term in problem.hidden_terms:
        _check_direction(term)
    writer = _Writer(problem, expansion, ragged)
    chosen = range(expansion.bodies) if receivers is None else tuple(receivers)
    rows = tuple(
        Equation(
            expansion.component(equation.state, body, axis),
            equation.order,
            writer.of(equation.rhs, axis, body, None),
            equation.text,
        )
        for equation in problem.equations
        for body in chosen
        for axis in range(expansion.axes)
    )
    return Problem(
        states=tuple(row.state for row in rows),
        equations=rows,
        parameters=problem.parameters,
        inputs=(*problem.inputs, *_inputs(problem, expansion, ragged, chosen)),
        hidden_terms=tuple(HiddenTerm(t.name, t.measures) for t in problem.hidden_terms),
        calls=tuple(writer.calls),
    )


def _check_direction(term: HiddenTerm) -> None:
    if term.vector and sum(term.vectors) != 1:
        raise UserError(
            f"hidden term {term.name!r} is a vector of {sum(term.vectors)} vectors",
            where="equations",
            expected="one vector among its arguments",
            hint="write it as a sum of hidden terms of one vector each",
        )


def _inputs(
    problem: BodyProblem, expansion: Expansion, ragged: bool, receivers: Collection[int]
) -> list[str]:
    bodies = range(expansion.bodies)
    scalars = [expansion.scalar(name, body) for name in problem.scalars for body in bodies]
    others = [
        expansion.component(name, body, axis)
        for name in problem.components
        for body in bodies
        if body not in receivers
        for axis in range(expansion.axes)
    ]
    present = [expansion.presence(body) for body in bodies] if ragged else []
    return [*scalars, *others, *present]


@dataclass(slots=True)
class _Writer:
    """Writes formulas out for one axis, one receiver and, inside a sum, one sender."""

    problem: BodyProblem
    expansion: Expansion
    ragged: bool
    calls: list[Call] = field(default_factory=list)

    def of(self, formula: Expression, axis: int, i: int, j: int | None) -> Expression:
        """Return a formula along one axis for receiver `i` and sender `j`."""
        return formula.substitute({n: self._name(n, axis, i, j) for n in formula.variables})

    def _name(self, name: str, axis: int, i: int, j: int | None) -> Expression:
        if "@" in name:
            return self._placeholder(name, axis, i, j)
        base, body = name[: -len(RECEIVER)], i if name.endswith(RECEIVER) else j
        if body is None or not name.endswith((RECEIVER, SENDER)):
            return Expression.variable(name)
        if base in self.problem.components:
            return Expression.variable(self.expansion.component(base, body, axis))
        if base in self.problem.scalars:
            return Expression.variable(self.expansion.scalar(base, body))
        return Expression.variable(name)

    def _placeholder(self, name: str, axis: int, i: int, j: int | None) -> Expression:
        for pair_sum in self.problem.sums:
            if pair_sum.placeholder == name:
                return self._sum(pair_sum.term, axis, i)
        for row in self.problem.vector_calls:
            if row.placeholder == name:
                product = self._dot(row.arguments[0], row.arguments[-1], i, j)
                return Expression.apply("sqrt", product) if row.kind == "norm" else product
        return self._hidden(self.problem.call(name), axis, i, j)

    def _sum(self, term: Expression, axis: int, i: int) -> Expression:
        total = ZERO
        for j in range(self.expansion.bodies):
            if j != i:
                part = self.of(term, axis, i, j)
                if self.ragged:
                    part = Expression.variable(self.expansion.presence(j)) * part
                total = add(total, part)
        return total

    def _dot(self, a: Expression, b: Expression, i: int, j: int | None) -> Expression:
        rows = [self.of(a, k, i, j) for k in range(self.expansion.axes)]
        if a == b:
            return reduce(add, [row**TWO for row in rows])
        other = [self.of(b, k, i, j) for k in range(self.expansion.axes)]
        return reduce(add, [x * y for x, y in zip(rows, other, strict=True)])

    def _length(self, v: Expression, i: int, j: int | None) -> Expression:
        return Expression.apply("sqrt", self._dot(v, v, i, j))

    def _hidden(self, call: Call, axis: int, i: int, j: int | None) -> Expression:
        term = self.problem.hidden_term(call.term)
        rows = list(zip(call.arguments, term.vectors, strict=True))
        measures = tuple(
            self._length(argument, i, j) if vector else self.of(argument, axis, i, j)
            for argument, vector in rows
        )
        value = Expression.variable(self._call(term.name, measures))
        if not term.vector:
            return value
        place = term.vectors.index(True)
        return value * self.of(rows[place][0], axis, i, j) / measures[place]

    def _call(self, term: str, arguments: Sequence[Expression]) -> str:
        """Return the placeholder of a call with these arguments; equal calls share one."""
        own = [call for call in self.calls if call.term == term]
        for call in own:
            if call.arguments == arguments:
                return call.placeholder
        self.calls.append(Call(term, f"{term}@{len(own)}", tuple(arguments)))
        return self.calls[-1].placeholder
