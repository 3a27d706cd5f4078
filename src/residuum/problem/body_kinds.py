"""Which formulas of a system of bodies are vectors and which are scalars.

A right-hand side is a vector. What stands in it follows: the terms of a sum are of its kind, one
factor of a product of a vector is a vector, operators take and give scalars. So the kind of a
hidden term follows from where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from residuum.errors import UserError
from residuum.expressions.expression import Expression

Kind = Literal["vector", "scalar"]
VECTOR: Kind = "vector"
SCALAR: Kind = "scalar"


@dataclass(slots=True)
class Kinds:
    """The kinds of names; `inner[name]` is the formula that a sum's placeholder stands for.

    `open` names the placeholders of hidden terms, whose kind is settled by the first use.
    """

    known: dict[str, Kind]
    inner: Mapping[str, Expression]
    open: Mapping[str, str]
    settled: dict[str, Kind] = field(default_factory=dict)

    def demand(self, formula: Expression, wanted: Kind, where: str) -> None:
        """Settle the hidden terms in a formula so that it is of a kind; UserError if it is not."""
        head, operands = formula.head, formula.operands
        if not operands:
            self._leaf(formula, wanted, where)
        elif head in ("+", "-", "neg"):
            for operand in operands:
                self.demand(operand, wanted, where)
        elif head == "*" and wanted == VECTOR:
            vector = self._vector_factor(operands, where)
            for index, operand in enumerate(operands):
                self.demand(operand, VECTOR if index == vector else SCALAR, where)
        elif head == "/":
            self.demand(operands[0], wanted, where)
            self.demand(operands[1], SCALAR, where)
        elif wanted == VECTOR:
            raise self._mistake(formula, wanted, where)
        else:
            for operand in operands:
                self.demand(operand, SCALAR, where)

    def settle(self, term: str, arguments: tuple[Expression, ...], where: str) -> None:
        """Settle what stands in a hidden term's arguments.

        A sum of another hidden term may be either where nothing else tells: it is a vector where
        the outer term is one and needs it for its direction, and a scalar otherwise.
        """
        kinds = [self.kind(argument) for argument in arguments]
        needed = self.settled.get(term) == VECTOR and VECTOR not in kinds
        if needed and kinds.count(None) > 1:
            raise UserError(
                f"hidden term {term!r} holds several sums of hidden terms",
                where=where,
                expected="one that may be its direction",
                hint="write norm(...) of those that are to be scalars",
            )
        for argument, kind in zip(arguments, kinds, strict=True):
            self.demand(argument, kind or (VECTOR if needed else SCALAR), where)

    def kind(self, formula: Expression) -> Kind | None:
        """Return the kind of a formula, None while it hangs on a hidden term not yet settled."""
        head, operands = formula.head, formula.operands
        if not operands:
            return self._kind_of_leaf(head)
        kinds = [self.kind(operand) for operand in operands]
        if head in ("+", "-", "neg"):
            return next((k for k in kinds if k is not None), None)
        if head == "/":
            return kinds[0]
        if head == "*":
            return VECTOR if VECTOR in kinds else (None if None in kinds else SCALAR)
        return SCALAR

    def _kind_of_leaf(self, name: str) -> Kind | None:
        if name in self.open:
            return self.settled.get(self.open[name])
        if name in self.inner:
            return self.kind(self.inner[name])
        return self.known.get(name, SCALAR)

    def _leaf(self, leaf: Expression, wanted: Kind, where: str) -> None:
        name = leaf.head
        if name in self.inner:
            self.demand(self.inner[name], wanted, where)
        elif name in self.open:
            if self.settled.setdefault(self.open[name], wanted) != wanted:
                raise UserError(
                    f"hidden term {self.open[name]!r} is used as a vector and as a scalar",
                    where=where,
                    hint="give one of them another name",
                )
        elif self.known.get(name, SCALAR) != wanted and leaf.constants != (0.0,):
            raise self._mistake(leaf, wanted, where)

    def _vector_factor(self, factors: tuple[Expression, ...], where: str) -> int:
        """Return which factor of a product that is a vector is the vector."""
        kinds = [self.kind(factor) for factor in factors]
        if VECTOR in kinds:
            return kinds.index(VECTOR)
        if kinds.count(None) == 1:
            return kinds.index(None)
        if None not in kinds:
            raise self._mistake(factors[0] * factors[1], VECTOR, where)
        raise UserError(
            "a product of two unknown functions, one of them a vector",
            where=where,
            hint="write it as one hidden term of all their arguments",
        )

    def _mistake(self, formula: Expression, wanted: Kind, where: str) -> UserError:
        found = SCALAR if wanted == VECTOR else VECTOR
        hint = "norm(v) is the length of a vector, dot(a, b) the product of two"
        return UserError(
            f"{shown(formula)!r} is a {found}",
            where=where,
            expected=f"a {wanted} there",
            hint=hint if wanted == SCALAR else None,
        )


def shown(formula: Expression) -> str:
    """Return a formula as text with what is called in it as `force(...)`."""
    return re.sub(r"@[0-9]+", "(...)", formula.infix())
