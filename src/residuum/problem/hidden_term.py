"""What is unknown: named functions of named arguments, and where equations call them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from residuum.errors import UserError
from residuum.expressions.expression import Expression
from residuum.problem.names import NAME, PAIR_SUM, check_name

# What other languages call an operator; as hidden terms these would be mistakes.
ALIASES = {"ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "pow": "**"}


def sum_without_bodies(where: str) -> UserError:
    """Return what is said of a sum over pairs where no bodies were measured."""
    return UserError(
        "sum(...) runs over bodies, and these data have none",
        where=where,
        hint="name the column that tells bodies apart: data: {body: COLUMN}",
    )


@dataclass(frozen=True, slots=True)
class HiddenTerm:
    """An unknown function by name, with the names of its formal arguments.

    In a system of bodies `vectors` tells which arguments are vectors, and `vector` whether the
    value is one: a function of lengths and scalars times a direction.
    """

    name: str
    arguments: tuple[str, ...]
    vectors: tuple[bool, ...] = ()
    vector: bool = False

    @property
    def measures(self) -> tuple[str, ...]:
        """The arguments as numbers: the name of a vector's length stands for the vector."""
        if not any(self.vectors):
            return self.arguments
        rows = zip(self.arguments, self.vectors, strict=True)
        names = [_length(name) if vector else name for name, vector in rows]
        return tuple(
            f"{name}_length" if vector and names.count(found) > 1 else found
            for name, found, vector in zip(self.arguments, names, self.vectors, strict=True)
        )


def _length(name: str) -> str:
    """Return what the length of a vector is called."""
    if not re.search(r"_ij\Z|_[ij]\Z", name):
        return f"{name}_length"
    base = re.sub(r"_ij\Z|_[ij]\Z", "", name)
    if base.endswith("_t"):
        return "speed"
    return "distance" if name.endswith("_ij") else f"{name}_length"


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a hidden term: `term(arguments)` stands in equations as `placeholder`.

    `arguments` are formulas in components, `t`, inputs and parameters, in the order of the
    term's formal arguments.
    """

    term: str
    placeholder: str
    arguments: tuple[Expression, ...]


def plain_name(argument: Expression) -> str | None:
    """Return the name that an argument consists of, or None."""
    name = argument.head
    return name if len(argument.tokens) == 1 and NAME.match(name) else None


@dataclass(slots=True)
class CallCollector:
    """Takes the calls that the parser meets, gives each a placeholder, and settles their form.

    Equal calls share one placeholder. Formal arguments carry the names of keywords; positional
    ones what `name_of` calls them in every call alike, else `arg1`, `arg2`, ... Arguments may hold
    the placeholders `allowed`, by their names before the @.
    """

    taken: Mapping[str, str]
    name_of: Callable[[Expression], str | None] = plain_name
    allowed: tuple[str, ...] = ()
    _calls: list[Call] = field(default_factory=list)
    _keywords: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _where: dict[str, str] = field(default_factory=dict)

    def call(
        self,
        name: str,
        arguments: Sequence[Expression],
        keywords: Mapping[str, Expression],
        where: str,
    ) -> Expression:
        """Return the placeholder that stands for a call; raise UserError on a malformed one."""
        self._check_term(name, where)
        self._check_arguments(name, [*arguments, *keywords.values()], where)
        for keyword in keywords:
            check_name(keyword, what=f"argument of hidden term {name!r}", where=where)
        order = self._keywords.setdefault(name, tuple(keywords))
        given = (*arguments, *(keywords[k] for k in order if k in keywords))
        self._check_agreement(name, len(given), set(keywords), where)
        return Expression.variable(self._placeholder(name, given))

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls met so far."""
        return tuple(self._calls)

    def finish(self) -> tuple[tuple[HiddenTerm, ...], tuple[Call, ...]]:
        """Return the hidden terms in order of first appearance, and all calls."""
        names = tuple(dict.fromkeys(call.term for call in self._calls))
        terms = tuple(HiddenTerm(name, self._formal(name)) for name in names)
        return terms, tuple(self._calls)

    def _placeholder(self, name: str, given: tuple[Expression, ...]) -> str:
        own = [call for call in self._calls if call.term == name]
        for call in own:
            if call.arguments == given:
                return call.placeholder
        self._calls.append(Call(name, f"{name}@{len(own)}", given))
        return self._calls[-1].placeholder

    def _check_term(self, name: str, where: str) -> None:
        if name == PAIR_SUM:
            raise sum_without_bodies(where)
        if name in self.taken:
            kind = self.taken[name]
            raise UserError(
                f"{name!r} is called like a hidden term, but it is {kind}",
                where=where,
                hint=f"write {name}*(...) for a product, or give the hidden term another name",
            )
        if name in ALIASES:
            raise UserError(
                f"unknown operator {name!r}", where=where, hint=f"write {ALIASES[name]}"
            )
        check_name(name, what="hidden term", where=where)
        self._where.setdefault(name, where)

    def _check_arguments(self, name: str, given: Sequence[Expression], where: str) -> None:
        if not given:
            raise UserError(
                f"hidden term {name!r} has no arguments",
                where=where,
                expected=f"{name}(...) with what it may depend on",
                hint="an unknown number is a parameter: declare it under parameters:",
            )
        names = (variable.partition("@") for part in given for variable in part.variables)
        if any(mark and name not in self.allowed for name, mark, _ in names):
            raise UserError(
                f"hidden term {name!r} has a hidden term as its argument",
                where=where,
                expected="arguments made of states, t, inputs and parameters",
                hint="between bodies a sum over pairs may stand there: f(sum(g(...)))"
                if PAIR_SUM in self.allowed
                else None,
            )

    def _check_agreement(self, name: str, count: int, keywords: set[str], where: str) -> None:
        first = next((call for call in self._calls if call.term == name), None)
        order = self._keywords[name]
        if first is None or (count == len(first.arguments) and keywords == set(order)):
            return
        named = f" with keywords {', '.join(order)}" if order else ", none by keyword"
        raise UserError(
            f"hidden term {name!r} is called in two different ways",
            where=where,
            expected=f"{len(first.arguments)} arguments{named}, as at {self._where[name]}",
            found=f"{count} arguments, keywords {', '.join(sorted(keywords)) or 'none'}",
        )

    def _formal(self, name: str) -> tuple[str, ...]:
        calls = [call for call in self._calls if call.term == name]
        keywords = self._keywords[name]
        positional = len(calls[0].arguments) - len(keywords)
        given = {tuple(self.name_of(a) for a in call.arguments[:positional]) for call in calls}
        plain = given.pop() if len(given) == 1 else (None,) * positional
        names = [p for p in plain if p is not None]
        if len(names) < positional:
            names = [f"arg{index + 1}" for index in range(positional)]
        formal = (*names, *keywords)
        if len(set(formal)) < len(formal):
            raise UserError(
                f"hidden term {name!r} has the same argument twice: {', '.join(formal)}",
                where=self._where[name],
                hint="name the arguments by keyword, such as f(a=x, b=x)",
            )
        return formal
