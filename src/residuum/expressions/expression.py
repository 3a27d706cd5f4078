"""What a formula is: immutable prefix tokens and a vector of constants.

`2.5*x**2` is `("*", "#", "**", "x", "2")` with constants `(2.5,)`. A token is an operator of
the primitive table, `#` (the next constant), an integer literal (part of the structure, such as
an exponent) or the name of a variable.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from residuum.expressions.primitives import FUNCTIONS, PRIMITIVES

CONSTANT = "#"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}(@[0-9]+)?\Z")
INTEGER = re.compile(r"-?[0-9]{1,18}\Z")
MAX_EXPONENT = 64

T = TypeVar("T")


def arity(token: str) -> int:
    """Return how many operands a token takes: 0 for constants, literals and variables."""
    primitive = PRIMITIVES.get(token)
    return primitive.arity if primitive else 0


def is_variable(token: str) -> bool:
    """Tell whether a token is the name of a variable."""
    return token not in PRIMITIVES and NAME.match(token) is not None


def is_integer(token: str) -> bool:
    """Tell whether a token is an integer literal."""
    return INTEGER.match(token) is not None


@dataclass(frozen=True, slots=True)
class Expression:
    """A formula as prefix tokens and constants.

    Hashable and comparable; built from text by `expressions.parser.parse`, or from parts:

    >>> x = Expression.variable("x")
    >>> (Expression.number(2.5) * x ** Expression.integer(2)).infix()
    '2.5*x**2'

    Raises ValueError when tokens are not one well-formed prefix formula or the constants do not
    match its `#` tokens.
    """

    tokens: tuple[str, ...]
    constants: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", tuple(self.tokens))
        object.__setattr__(self, "constants", tuple(float(c) for c in self.constants))
        _check_prefix(self.tokens)
        if self.tokens.count(CONSTANT) != len(self.constants):
            raise ValueError(
                f"expected {self.tokens.count(CONSTANT)} constants, found {len(self.constants)}"
            )

    @classmethod
    def variable(cls, name: str) -> Expression:
        """Return the formula that is one variable."""
        return cls((name,))

    @classmethod
    def number(cls, value: float) -> Expression:
        """Return the formula that is one constant."""
        return cls((CONSTANT,), (value,))

    @classmethod
    def integer(cls, value: int) -> Expression:
        """Return the formula that is one integer literal, part of the structure."""
        return cls((str(int(value)),))

    @classmethod
    def apply(cls, operator: str, *operands: Expression) -> Expression:
        """Return `operator(operands)`; raises ValueError on a wrong number of operands."""
        if operator not in PRIMITIVES or PRIMITIVES[operator].arity != len(operands):
            raise ValueError(f"{operator!r} does not take {len(operands)} operands")
        return cls(
            (operator, *(t for part in operands for t in part.tokens)),
            tuple(c for part in operands for c in part.constants),
        )

    def __add__(self, other: Expression) -> Expression:
        return Expression.apply("+", self, other)

    def __sub__(self, other: Expression) -> Expression:
        return Expression.apply("-", self, other)

    def __mul__(self, other: Expression) -> Expression:
        return Expression.apply("*", self, other)

    def __truediv__(self, other: Expression) -> Expression:
        return Expression.apply("/", self, other)

    def __pow__(self, other: Expression) -> Expression:
        return Expression.apply("**", self, other)

    def __neg__(self) -> Expression:
        return Expression.apply("neg", self)

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables in order of first appearance."""
        return tuple(dict.fromkeys(t for t in self.tokens if is_variable(t)))

    @property
    def complexity(self) -> int:
        """Sum of the complexities of the tokens: 1 for a leaf, the table's figure for operators."""
        return sum(PRIMITIVES[t].complexity if t in PRIMITIVES else 1 for t in self.tokens)

    @property
    def head(self) -> str:
        """The outermost token."""
        return self.tokens[0]

    @property
    def operands(self) -> tuple[Expression, ...]:
        """The formulas under the outermost operator."""
        parts, start, used = [], 1, 0
        for _ in range(arity(self.head)):
            stop = _end(self.tokens, start)
            count = self.tokens[start:stop].count(CONSTANT)
            parts.append(Expression(self.tokens[start:stop], self.constants[used : used + count]))
            start, used = stop, used + count
        return tuple(parts)

    def with_constants(self, constants: Sequence[float]) -> Expression:
        """Return the same structure with other constants."""
        return Expression(self.tokens, tuple(constants))

    def substitute(self, replacements: Mapping[str, Expression]) -> Expression:
        """Return the formula with variables replaced by formulas, all at once."""
        tokens: list[str] = []
        constants: list[float] = []
        values = iter(self.constants)
        for token in self.tokens:
            part = replacements.get(token) if is_variable(token) else None
            if part is not None:
                tokens.extend(part.tokens)
                constants.extend(part.constants)
                continue
            tokens.append(token)
            if token == CONSTANT:
                constants.append(next(values))
        return Expression(tuple(tokens), tuple(constants))

    def rename(self, names: Mapping[str, str]) -> Expression:
        """Return the formula with variables renamed."""
        return Expression(tuple(names.get(t, t) for t in self.tokens), self.constants)

    def fold(self, leaf: Callable[[str, float | None], T], node: Callable[..., T]) -> T:
        """Return the value of the formula under an algebra, without recursion.

        `leaf(token, constant)` gives the value of a leaf (`constant` is its number where the
        token is `#`), `node(operator, *values)` that of an operator.
        """
        values = reversed(self.constants)
        stack: list[T] = []
        for token in reversed(self.tokens):
            count = arity(token)
            if count:
                operands = [stack.pop() for _ in range(count)]
                stack.append(node(token, *operands))
            else:
                stack.append(leaf(token, next(values) if token == CONSTANT else None))
        return stack[0]

    def walk(self) -> Iterator[Expression]:
        """Yield the formula and every formula inside it, outermost first."""
        pending = [self]
        while pending:
            part = pending.pop()
            yield part
            pending.extend(reversed(part.operands))

    def infix(self) -> str:
        """Return text in the equation language, in full precision; `parse` reads it back."""
        return self.fold(_infix_leaf, _infix_node)[0]

    def to_json(self) -> dict[str, Any]:
        """Return `{"tokens": [...], "constants": [...]}`, exact for finite constants."""
        return {"tokens": list(self.tokens), "constants": list(self.constants)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Expression:
        """Return the formula written by `to_json`; raises ValueError on anything else."""
        tokens, constants = value.get("tokens"), value.get("constants", [])
        if not isinstance(tokens, list) or not all(isinstance(t, str) for t in tokens):
            raise ValueError("expected a list of tokens")
        if not isinstance(constants, list) or not all(
            isinstance(c, int | float) and not isinstance(c, bool) for c in constants
        ):
            raise ValueError("expected a list of numbers as constants")
        return cls(tuple(tokens), tuple(constants))

    def __str__(self) -> str:
        return self.infix()


def _end(tokens: Sequence[str], start: int) -> int:
    """Return the index after the formula that starts at `start`."""
    needed = 1
    for index in range(start, len(tokens)):
        needed += arity(tokens[index]) - 1
        if needed == 0:
            return index + 1
    raise ValueError("tokens end inside a formula")


def _check_prefix(tokens: tuple[str, ...]) -> None:
    for token in tokens:
        known = token in PRIMITIVES or token == CONSTANT
        if not (known or INTEGER.match(token) or NAME.match(token)):
            raise ValueError(f"not a token: {token!r}")
    if not tokens or _end(tokens, 0) != len(tokens):
        raise ValueError("expected one well-formed prefix formula")


# Binding strengths of infix notation; a unary minus binds weaker than a power, as in Python.
_SUM, _PRODUCT, _UNARY, _POWER, _ATOM = 1, 2, 3, 4, 5


def _infix_leaf(token: str, constant: float | None) -> tuple[str, int]:
    if token == CONSTANT:
        assert constant is not None  # noqa: S101 (an invariant of fold, not user input)
        return _number(constant)
    return token, _UNARY if token.startswith("-") else _ATOM


def _number(value: float) -> tuple[str, int]:
    if not math.isfinite(value):
        return ("nan", _ATOM) if math.isnan(value) else (f"{'-' if value < 0 else ''}inf", _UNARY)
    negative = math.copysign(1.0, value) < 0
    return repr(value), _UNARY if negative else _ATOM


def _wrap(part: tuple[str, int], level: int) -> str:
    return part[0] if part[1] >= level else f"({part[0]})"


def _infix_node(operator: str, *parts: tuple[str, int]) -> tuple[str, int]:
    if operator in FUNCTIONS:
        return f"{operator}({', '.join(part[0] for part in parts)})", _ATOM
    if operator == "neg":
        return f"-{_wrap(parts[0], _POWER)}", _UNARY
    left, right = parts
    if operator in "+-":
        return f"{_wrap(left, _SUM)} {operator} {_wrap(right, _PRODUCT)}", _SUM
    if operator in "*/":
        return f"{_wrap(left, _PRODUCT)}{operator}{_wrap(right, _UNARY)}", _PRODUCT
    return f"{_wrap(left, _ATOM)}**{_wrap(right, _ATOM)}", _POWER
