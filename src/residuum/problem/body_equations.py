"""How equations with sums over pairs become a problem of bodies, every mistake one message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from residuum.errors import UserError
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.problem.body_kinds import SCALAR, VECTOR, Kind, Kinds, shown
from residuum.problem.body_problem import (
    RECEIVER,
    SENDER,
    BodyProblem,
    PairSum,
    VectorCall,
    arguments_of,
    reached,
)
from residuum.problem.declarations import (
    Names,
    check_names,
    check_states,
    check_used,
    components_of,
    left_sides,
    text_of,
)
from residuum.problem.dimensions import check_units
from residuum.problem.hidden_term import Call, CallCollector, HiddenTerm, plain_name
from residuum.problem.names import PAIR_SUM, check_name
from residuum.problem.problem import Equation, Parameter

OF_VECTORS = {"norm": 1, "dot": 2}
TOTAL = "total"


def read_body_problem(
    equations: Mapping[str, str],
    *,
    states: Sequence[str] | None = None,
    scalars: Sequence[str] = (),
    inputs: Sequence[str] = (),
    parameters: Mapping[str, Parameter] | None = None,
    units: Mapping[str, str] | None = None,
    where: str = "",
) -> BodyProblem:
    """Return the problem of bodies that equations write.

    `states` are the declared names, measured derivatives up to the order of the equation among
    them (`position_tt`: accelerations that are given); `scalars` are numbers that each body
    carries; `units` are those of states, scalars, inputs and `t`. Raises UserError on any mistake:
    names that nothing declares, `_j` outside a sum, vectors where scalars belong, hidden terms of
    which the kind cannot be told, units that do not fit.
    """
    at = f"{where}." if where else ""
    given = dict(parameters or {})
    lefts = left_sides(equations, states, f"{at}equations")
    orders = dict(lefts.values())
    check_states(states, orders, at, highest=1)
    _check_scalars(scalars, orders, at)
    check_names(orders, (*inputs, *scalars), given, at)
    reader = _Reader(orders, tuple(scalars), tuple(inputs), tuple(given), tuple(lefts))
    rows = tuple(
        reader.equation(state, order, text_of(equations[left]), f"{at}equations.{left}")
        for left, (state, order) in lefts.items()
    )
    problem = reader.problem(rows, tuple(given.values()), at)
    check_used(given, _formulas(problem), at)
    if units or any(parameter.unit is not None for parameter in given.values()):
        check_units(problem, units or {}, where=where)
    return problem


def _check_scalars(scalars: Sequence[str], orders: Mapping[str, int], at: str) -> None:
    for name in scalars:
        where = f"{at}data.scalars.{name}"
        check_name(name, what="scalar of a body", where=where)
        if name in components_of(orders):
            raise UserError(f"scalar {name!r} is also a state", where=where, hint="rename one")


def _formulas(problem: BodyProblem) -> list[Expression]:
    """Return every formula of a problem."""
    called = arguments_of(problem.calls, problem.vector_calls)
    return [
        *(equation.rhs for equation in problem.equations),
        *(row.term for row in problem.sums),
        *(argument for arguments in called.values() for argument in arguments),
    ]


@dataclass(slots=True)
class _Reader:
    """Reads the equations of one problem; collects sums, lengths, products and hidden calls."""

    orders: Mapping[str, int]
    scalars: tuple[str, ...]
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    lefts: tuple[str, ...]
    sums: list[PairSum] = field(default_factory=list)
    vector_calls: list[VectorCall] = field(default_factory=list)
    collector: CallCollector = field(init=False)
    names: Names = field(init=False)

    def __post_init__(self) -> None:
        variables = {
            f"{name}{body}": meaning
            for names, meaning in (
                (components_of(self.orders), "a state of a body"),
                (self.scalars, "a scalar of a body"),
            )
            for name in names
            for body in (RECEIVER, SENDER)
        }
        self.names = Names(self.orders, variables, self.inputs, self.parameters)
        taken = self.names.kinds | dict.fromkeys(self.lefts, "the left-hand side")
        allowed = (*OF_VECTORS, PAIR_SUM)
        self.collector = CallCollector(taken, name_of=_argument_name, allowed=allowed)

    def equation(self, state: str, order: int, text: str, where: str) -> Equation:
        rhs = parse(text, where=where, on_call=partial(self.call, where=where))
        self.names.check(rhs, where)
        outside = self._senders([rhs])
        if outside:
            raise UserError(
                f"{outside[0]!r} outside a sum",
                where=where,
                expected="names of other bodies, NAME_j, inside sum(...)",
                hint=f"write {outside[0][:-2]}{RECEIVER} for the body itself",
            )
        return Equation(state, order, rhs, text)

    def call(
        self,
        name: str,
        arguments: tuple[Expression, ...],
        keywords: Mapping[str, Expression],
        where: str,
    ) -> Expression:
        given = (*arguments, *keywords.values())
        known = name == PAIR_SUM or name in OF_VECTORS
        for argument in given:
            self.names.check(argument, where, term="" if known else name)
        if not known:
            return self.collector.call(name, arguments, keywords, where)
        wanted = OF_VECTORS.get(name, 1)
        if keywords or len(arguments) != wanted:
            raise UserError(
                f"{name} called with {len(given)} arguments", where=where, expected=f"{wanted}"
            )
        if name == PAIR_SUM:
            return self._sum(arguments[0], where)
        return self._vector_call(name, arguments, where)

    def _sum(self, term: Expression, where: str) -> Expression:
        if any(name.startswith(f"{PAIR_SUM}@") for name in self._reached([term])):
            raise UserError("a sum inside a sum", where=where, expected="sums over pairs of bodies")
        found = next((row for row in self.sums if row.term == term), None)
        if found is None:
            found = PairSum(f"{PAIR_SUM}@{len(self.sums)}", term)
            self.sums.append(found)
        return Expression.variable(found.placeholder)

    def _vector_call(self, kind: str, arguments: tuple[Expression, ...], where: str) -> Expression:
        hidden = [n for n in self._reached(arguments) if self._is_hidden(n)]
        if hidden:
            raise UserError(
                f"{kind}(...) of the hidden term {hidden[0].partition('@')[0]!r}",
                where=where,
                expected="states and scalars of bodies, inputs and parameters in it",
            )
        for row in self.vector_calls:
            if (row.kind, row.arguments) == (kind, arguments):
                return Expression.variable(row.placeholder)
        count = sum(row.kind == kind for row in self.vector_calls)
        row = VectorCall(f"{kind}@{count}", kind, arguments)  # type: ignore[arg-type]
        self.vector_calls.append(row)
        return Expression.variable(row.placeholder)

    def _is_hidden(self, name: str) -> bool:
        own = {*OF_VECTORS, PAIR_SUM}
        return "@" in name and name.partition("@")[0] not in own

    def _senders(self, formulas: Sequence[Expression]) -> list[str]:
        """Return the names of other bodies that formulas hold, those under sums left out."""
        return [n for n in self._reached(formulas) if n.endswith(SENDER) and n in self.names.kinds]

    def _reached(self, formulas: Sequence[Expression]) -> tuple[str, ...]:
        """Return all names in formulas and in what they call, sums not opened."""
        return reached(formulas, arguments_of(self.collector.calls, self.vector_calls))

    def problem(
        self, rows: tuple[Equation, ...], parameters: tuple[Parameter, ...], at: str
    ) -> BodyProblem:
        terms, calls = self.collector.finish()
        kinds = self._kinds(rows, calls, at)
        return BodyProblem(
            states=tuple(self.orders),
            scalars=self.scalars,
            equations=rows,
            sums=tuple(self.sums),
            vector_calls=tuple(self.vector_calls),
            parameters=parameters,
            inputs=self.inputs,
            hidden_terms=tuple(_with_kinds(term, calls, kinds, f"{at}equations") for term in terms),
            calls=calls,
        )

    def _kinds(self, rows: Sequence[Equation], calls: Sequence[Call], at: str) -> Kinds:
        vectors = {f"{n}{b}" for n in components_of(self.orders) for b in (RECEIVER, SENDER)}
        known: dict[str, Kind] = dict.fromkeys(vectors, VECTOR)
        known |= dict.fromkeys((row.placeholder for row in self.vector_calls), SCALAR)
        kinds = Kinds(
            known,
            inner={row.placeholder: row.term for row in self.sums},
            open={call.placeholder: call.term for call in calls},
        )
        for equation in rows:
            kinds.demand(equation.rhs, VECTOR, f"{at}equations.{equation.left}")
        for row in self.vector_calls:
            for argument in row.arguments:
                kinds.demand(argument, VECTOR, f"{at}equations: {row.kind}({shown(argument)})")
        # Calls inside sums were met first, so what calls others is settled before what it calls.
        for call in reversed(calls):
            kinds.settle(call.term, call.arguments, f"{at}equations: {call.term}(...)")
        return kinds


def _with_kinds(term: HiddenTerm, calls: Sequence[Call], kinds: Kinds, where: str) -> HiddenTerm:
    """Return a hidden term with the kinds of its arguments and value."""
    rows = {
        tuple(kinds.kind(argument) == VECTOR for argument in call.arguments)
        for call in calls
        if call.term == term.name
    }
    if len(rows) > 1:
        raise UserError(
            f"hidden term {term.name!r} is called with vectors and scalars in the same place",
            where=where,
        )
    (vectors,) = rows
    vector = kinds.settled.get(term.name) == VECTOR
    if vector and not any(vectors):
        raise UserError(
            f"hidden term {term.name!r} stands for a vector but has no vector among its arguments",
            where=where,
            expected="a vector that gives it a direction, such as position_j - position_i",
            hint=f"or multiply it by one: {term.name}(...)*(position_j - position_i)",
        )
    return replace(term, vectors=vectors, vector=vector)


def _argument_name(argument: Expression) -> str | None:
    """Return what an argument is called: `position_ij` for `position_j - position_i`.

    A sum over pairs is a total.
    """
    plain = plain_name(argument)
    if len(argument.tokens) == 1 and argument.head.startswith(f"{PAIR_SUM}@"):
        return TOTAL
    if plain is not None or argument.head != "-":
        return plain
    sender, receiver = (plain_name(operand) for operand in argument.operands)
    if sender is None or receiver is None or not sender.endswith(SENDER):
        return None
    base = sender[: -len(SENDER)]
    return f"{base}_ij" if receiver == base + RECEIVER else None
