"""A formula as an expression of a programming language."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from residuum.expressions.expression import CONSTANT, Expression, is_integer, is_variable

_SUM, _PRODUCT, _UNARY, _ATOM = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one language writes what differs: calls, powers, names that it keeps for itself.

    `calls[operator]` is the function's name (the operator's own where it is missing);
    `power(base, exponent)` gets operands that need no more parentheses. `operand(text, constant)`
    may change an operand of a call, such as a plain number where a tensor must stand.
    """

    calls: Mapping[str, str]
    power: Callable[[str, str], str]
    reserved: frozenset[str] = frozenset()
    operand: Callable[[str, bool], str] = field(default=lambda text, constant: text)

    def name(self, name: str) -> str:
        """Return a name that the language does not keep for itself."""
        return f"{name}_" if name in self.reserved else name

    def write(self, expression: Expression, names: Mapping[str, str] | None = None) -> str:
        """Return the formula as one expression, its numbers in full precision.

        `names` say what stands for variables, whole operands each.
        """

        def leaf(token: str, constant: float | None) -> tuple[str, int, bool]:
            if is_variable(token):
                return self.name(token) if names is None else names[token], _ATOM, False
            number = constant if token == CONSTANT and constant is not None else float(token)
            text = str(token) if is_integer(token) and abs(number) > 2**53 else repr(number)
            return text, _UNARY if text.startswith("-") else _ATOM, True

        return expression.fold(leaf, self._node)[0]

    def _node(self, operator: str, *parts: tuple[str, int, bool]) -> tuple[str, int, bool]:
        constant = all(part[2] for part in parts)
        if operator == "neg":
            return f"-{_wrap(parts[0], _ATOM)}", _UNARY, constant
        if operator in ("+", "-"):
            text = f"{_wrap(parts[0], _SUM)} {operator} {_wrap(parts[1], _PRODUCT)}"
            return text, _SUM, constant
        if operator in ("*", "/"):
            text = f"{_wrap(parts[0], _PRODUCT)}{operator}{_wrap(parts[1], _ATOM)}"
            return text, _PRODUCT, constant
        if operator == "**":
            text = self.power(*(f"({part[0]})" if part[1] < _ATOM else part[0] for part in parts))
            return f"({text})", _ATOM, constant
        inside = ", ".join(self.operand(part[0], part[2]) for part in parts)
        return f"{self.calls.get(operator, operator)}({inside})", _ATOM, constant


def fresh(name: str, taken: Collection[str]) -> str:
    """Return the name, or the first one with underscores after it that is not taken.

    >>> fresh("n", {"n", "n_"})
    'n__'
    """
    while name in taken:
        name += "_"
    return name


def _wrap(part: tuple[str, int, bool], level: int) -> str:
    return part[0] if part[1] >= level else f"({part[0]})"
