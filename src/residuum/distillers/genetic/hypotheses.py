"""A form to fill in, such as `x*g(y)`: what is fixed becomes columns, what is unknown holes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from residuum.distillers.genetic.evolve import HOLE, Hypothesis
from residuum.distillers.genetic.trees import INTEGER_POWER, VARIABLE
from residuum.errors import UserError
from residuum.expressions.expression import Expression, is_integer
from residuum.expressions.parser import parse
from residuum.expressions.primitives import PRIMITIVES

_MARK = "@"


@dataclass(frozen=True, slots=True)
class Form:
    """A hypothesis and the columns it needs beyond the variables, as formulas of these.

    `formals[h]` is the number of arguments of unknown function `h`.
    """

    hypothesis: Hypothesis
    columns: tuple[Expression, ...]
    formals: np.ndarray


def free_form(variables: Sequence[str]) -> Form:
    """Return the form that says nothing: any formula of all variables."""
    nothing = np.zeros(0, np.int16)
    hypothesis = Hypothesis(
        nothing,
        nothing,
        np.zeros(0, np.int64),
        np.zeros((0, 1), np.int16),
        np.full(1, -1, np.int64),
        True,
        -1,
    )
    columns = tuple(Expression.variable(name) for name in variables)
    return Form(hypothesis, columns, np.array([len(variables)], np.int64))


def read_form(text: str, variables: Sequence[str]) -> Form:
    """Return the form that a hypothesis writes; its unknown functions are the calls in it.

    Raises UserError where nothing in it is unknown, or where a function is called with different
    numbers of arguments.
    """
    calls: list[tuple[str, tuple[Expression, ...]]] = []

    def on_call(
        name: str, arguments: tuple[Expression, ...], keywords: Mapping[str, Expression]
    ) -> Expression:
        if keywords or not arguments:
            raise UserError(f"{name} needs arguments by position", where=f"hypothesis {text!r}")
        calls.append((name, arguments))
        return Expression.variable(f"{name}{_MARK}{len(calls) - 1}")

    whole = parse(text, where=f"hypothesis {text!r}", on_call=on_call)
    if not calls:
        raise UserError(
            "nothing is unknown in this hypothesis",
            where=f"hypothesis {text!r}",
            expected="a call of an unknown function, such as x*g(y)",
        )
    return _Builder(text, variables, calls).build(whole)


class _Builder:
    """Collects columns, holes and instructions of one hypothesis."""

    def __init__(
        self, text: str, variables: Sequence[str], calls: list[tuple[str, tuple[Expression, ...]]]
    ) -> None:
        self.text, self.calls = text, calls
        self.columns = [Expression.variable(name) for name in variables]
        self.names = list(dict.fromkeys(name for name, _ in calls))
        self.steps: list[tuple[int, int, int, tuple[int, ...]]] = []

    def build(self, whole: Expression) -> Form:
        formals = [{len(a) for name, a in self.calls if name == own} for own in self.names]
        if any(len(counts) != 1 for counts in formals):
            raise UserError(
                "a function is called with different numbers of arguments",
                where=f"hypothesis {self.text!r}",
            )
        self.write(whole)
        widest = max(len(row[3]) for row in self.steps) or 1
        calls = np.zeros((len(self.steps), widest), np.int16)
        for at, row in enumerate(self.steps):
            calls[at, : len(row[3])] = row[3]
        hypothesis = Hypothesis(
            np.array([row[0] for row in self.steps], np.int16),
            np.array([row[1] for row in self.steps], np.int16),
            np.array([row[2] for row in self.steps], np.int64),
            calls,
            self.factors(whole),
            False,
            0,
        )
        counts = np.array([counts.pop() for counts in formals], np.int64)
        return Form(hypothesis, tuple(self.columns), counts)

    def write(self, part: Expression) -> None:
        """Append the instructions of a part, what has no hole as one column."""
        if not any(_MARK in token for token in part.tokens):
            self.steps.append((VARIABLE, self.column(part), 0, ()))
            return
        if _MARK in part.head:
            name, arguments = self.calls[int(part.head.split(_MARK)[1])]
            places = tuple(self.column(argument) for argument in arguments)
            self.steps.append((HOLE, 0, self.names.index(name), places))
            return
        operands = part.operands
        self.write(operands[0])
        if part.head == "**" and is_integer(operands[1].head):
            self.steps.append((INTEGER_POWER, int(operands[1].head), 0, ()))
            return
        if len(operands) == 2:
            self.write(operands[1])
        self.steps.append((PRIMITIVES[part.head].opcode, 0, 0, ()))

    def factors(self, whole: Expression) -> np.ndarray:
        """Return which constant scales each function, -1 where another in its products does."""
        scaled: list[str] = []
        pending = [(whole, True)]
        while pending:
            part, outermost = pending.pop()
            inside = part.head in ("*", "/", "neg")
            if outermost:
                # Of the functions in one product a single one needs a factor.
                names = [self.calls[int(t.split(_MARK)[1])][0] for t in _factors(part)]
                if names and not set(names) & set(scaled):
                    scaled.append(names[0])
            pending.extend((operand, not inside) for operand in reversed(part.operands))
        return np.array([scaled.index(n) if n in scaled else -1 for n in self.names], np.int64)

    def column(self, part: Expression) -> int:
        if any(_MARK in token for token in part.tokens):
            raise UserError(
                "an unknown function inside the argument of another",
                where=f"hypothesis {self.text!r}",
                hint="write one function of all the arguments",
            )
        if part not in self.columns:
            self.columns.append(part)
        return self.columns.index(part)


def _factors(part: Expression) -> list[str]:
    """Return the unknown functions that are factors of a product."""
    if part.head in ("*", "/", "neg"):
        return [name for operand in part.operands for name in _factors(operand)]
    return [part.head] if _MARK in part.head else []
