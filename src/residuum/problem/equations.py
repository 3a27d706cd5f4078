"""How the equations that a user wrote become a problem, with every check before anything runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
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
from residuum.problem.hidden_term import Call, CallCollector, HiddenTerm, sum_without_bodies
from residuum.problem.names import PAIR_SUM
from residuum.problem.problem import Equation, Parameter, Problem

PAIR_SUM_CALL = re.compile(rf"\b{PAIR_SUM}\s*\(")


def read_problem(
    equations: Mapping[str, str],
    *,
    states: Sequence[str] | None = None,
    inputs: Sequence[str] = (),
    parameters: Mapping[str, Parameter] | None = None,
    units: Mapping[str, str] | None = None,
    where: str = "",
) -> Problem:
    """Return the problem that equations write: `{"hare_t": "alpha*hare - predation(hare, lynx)"}`.

    `states` are the declared names, measured derivatives such as `theta_t` among them; None
    takes the states from the left-hand sides. `units` gives the units of states, inputs and `t`.
    `where` is the YAML path of the section that holds `equations` and `parameters`.

    Raises UserError on any mistake: unknown or misspelt names, a state without or with two
    equations, unused parameters, malformed hidden terms, units that do not fit.
    """
    at = f"{where}." if where else ""
    given = dict(parameters or {})
    lefts = left_sides(equations, states, f"{at}equations")
    orders = dict(lefts.values())
    check_states(states, orders, at)
    check_names(orders, inputs, given, at)
    names = Names(orders, dict.fromkeys(components_of(orders), "a state"), inputs, given)
    rows, terms, calls = _read_right_sides(equations, lefts, names, at)
    check_used(given, [*(row.rhs for row in rows), *(a for c in calls for a in c.arguments)], at)
    problem = Problem(tuple(orders), rows, tuple(given.values()), tuple(inputs), terms, calls)
    if units or any(parameter.unit is not None for parameter in given.values()):
        check_units(problem, units or {}, where=where)
    return problem


def _read_right_sides(
    equations: Mapping[str, str], lefts: Mapping[str, tuple[str, int]], names: Names, at: str
) -> tuple[tuple[Equation, ...], tuple[HiddenTerm, ...], tuple[Call, ...]]:
    collector = CallCollector(names.kinds | dict.fromkeys(lefts, "the left-hand side"))
    rows = []
    for left, (state, order) in lefts.items():
        where, text = f"{at}equations.{left}", text_of(equations[left])
        if PAIR_SUM_CALL.search(str(text)):
            # Before the names inside it, which nothing declares either.
            raise sum_without_bodies(where)

        def on_call(
            name: str,
            arguments: tuple[Expression, ...],
            keywords: Mapping[str, Expression],
            where: str = where,
        ) -> Expression:
            for argument in (*arguments, *keywords.values()):
                names.check(argument, where, term=name)
            return collector.call(name, arguments, keywords, where)

        rhs = parse(text, where=where, on_call=on_call)
        names.check(rhs, where)
        rows.append(Equation(state, order, rhs, text))
    return (tuple(rows), *collector.finish())
