"""A problem of bodies with formulas in its hidden terms, and equations as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from residuum.expressions.calculus import ONE, multiply
from residuum.expressions.expression import Expression
from residuum.problem.body_problem import BodyProblem, VectorCall, arguments_of
from residuum.problem.hidden_term import Call

PLACEHOLDER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*@[0-9]+")


def complete(problem: BodyProblem, formulas: Mapping[str, Expression]) -> BodyProblem:
    """Return the problem with formulas, written in the terms' `measures`, in its hidden terms.

    A vector term becomes its formula times the direction of its vector argument, written without
    the length where the formula is a product of it. Raises KeyError when a term has no formula.
    """
    lengths = _Lengths(list(problem.vector_calls))
    put = {
        call.placeholder: _value(problem, call, formulas[call.term], lengths)
        for call in problem.calls
    }
    return replace(
        problem,
        equations=tuple(replace(e, rhs=e.rhs.substitute(put)) for e in problem.equations),
        sums=tuple(replace(row, term=row.term.substitute(put)) for row in problem.sums),
        vector_calls=tuple(lengths.calls),
        hidden_terms=(),
        calls=(),
    )


def written(problem: BodyProblem) -> dict[str, str]:
    """Return the right-hand side of every equation as text in the equation language."""
    opened = arguments_of(problem.calls, problem.vector_calls)
    opened |= {row.placeholder: (row.term,) for row in problem.sums}

    def text(formula: Expression) -> str:
        return PLACEHOLDER.sub(lambda found: called(found.group()), formula.infix())

    def called(placeholder: str) -> str:
        arguments = ", ".join(text(argument) for argument in opened[placeholder])
        return f"{placeholder.partition('@')[0]}({arguments})"

    return {equation.left: text(equation.rhs) for equation in problem.equations}


@dataclass(slots=True)
class _Lengths:
    """The lengths and products of vectors; new ones are added as they are asked for."""

    calls: list[VectorCall]

    def of(self, vector: Expression) -> Expression:
        own = [call for call in self.calls if call.kind == "norm"]
        for call in own:
            if call.arguments == (vector,):
                return Expression.variable(call.placeholder)
        self.calls.append(VectorCall(f"norm@{len(own)}", "norm", (vector,)))
        return Expression.variable(self.calls[-1].placeholder)


def _value(problem: BodyProblem, call: Call, formula: Expression, lengths: _Lengths) -> Expression:
    term = problem.hidden_term(call.term)
    rows = list(zip(call.arguments, term.vectors, strict=True))
    measures = [lengths.of(argument) if vector else argument for argument, vector in rows]
    value = formula.substitute(dict(zip(term.measures, measures, strict=True)))
    if not term.vector:
        return value
    place = term.vectors.index(True)
    rest = divided(formula, term.measures[place])
    if rest is None:
        return value * rows[place][0] / measures[place]
    rest = rest.substitute(dict(zip(term.measures, measures, strict=True)))
    return multiply(rest, rows[place][0])


def divided(formula: Expression, name: str) -> Expression | None:
    """Return a formula without the factor `name`; None where it is not written as a product of it.

    >>> from residuum.expressions.parser import parse
    >>> divided(parse("-2*r**2/m"), "r").infix()
    '-2.0*r/m'
    """
    head, operands = formula.head, formula.operands
    if head == name:
        return ONE
    if head in ("+", "-", "neg"):
        parts = [divided(operand, name) for operand in operands]
        whole = [part for part in parts if part is not None]
        return Expression.apply(head, *whole) if len(whole) == len(parts) else None
    if head == "**" and operands[0].head == name and operands[1].tokens == ("2",):
        return operands[0]
    for place, operand in enumerate(operands[: {"*": 2, "/": 1}.get(head, 0)]):
        rest = divided(operand, name)
        if rest is not None and head == "*":
            return multiply(*(rest if k == place else part for k, part in enumerate(operands)))
        if rest is not None:
            # Text has no integers: what is written reads back as it stands.
            return (Expression.number(1.0) if rest == ONE else rest) / operands[1]
    return None
