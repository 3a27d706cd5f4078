"""How text becomes a formula: Python's grammar, cut down to a whitelist of nodes.

No text is ever evaluated: `ast` gives a tree, and only numbers, names, `+ - * / **`, unary
signs and calls of known operators are taken from it. A call of any other name is a hidden term
and goes to the caller's `on_call`.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from collections.abc import Callable, Mapping

from residuum.errors import UserError, unknown_name
from residuum.expressions.expression import CONSTANT, MAX_EXPONENT, NAME, Expression
from residuum.expressions.primitives import FUNCTIONS, PRIMITIVES

OnCall = Callable[[str, tuple[Expression, ...], Mapping[str, Expression]], Expression]

MAX_LENGTH = 20_000
MAX_DEPTH = 200
# What float("...") reads as a number would be lost as a name.
NOT_NAMES = frozenset({"inf", "nan"})

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}


def parse(text: str, *, where: str = "", on_call: OnCall | None = None) -> Expression:
    """Return the formula that `text` writes in the equation language.

    An exponent written as an integer becomes part of the structure; every other number is a
    constant, its sign included. So `parse(e.infix()) == e` for every formula that `parse` gives;
    formulas built otherwise (integer literals outside exponents, the sign of a constant as an
    operator) read back equal in value. `on_call(name, arguments, keywords)` gives the formula
    that stands for a hidden term.

    Raises UserError, located at `where`, on anything outside the language.

    >>> parse("-2*x**2 + sin(y)").infix()
    '-2.0*x**2 + sin(y)'
    """
    return _Reader(text, where, on_call).read()


class _Reader:
    """Reads one text; holds what every message needs: the text, where it stands, the callback."""

    def __init__(self, text: str, where: str, on_call: OnCall | None) -> None:
        # Text from a YAML block may run over several lines.
        self.text = " ".join(text.split()) if isinstance(text, str) else ""
        self.where, self.on_call = where, on_call

    def read(self) -> Expression:
        if not self.text:
            raise self.error("empty expression", expected="a formula such as alpha*x - f(x, y)")
        if len(self.text) > MAX_LENGTH:
            raise self.error(f"expression longer than {MAX_LENGTH} characters")
        if "#" in self.text:
            raise self.error("'#' is not part of the equation language")
        _check_nesting(self)
        try:
            tree = ast.parse(self.text, mode="eval")
        except (SyntaxError, ValueError, MemoryError, RecursionError) as problem:
            raise self.unreadable(problem) from None
        return self.convert(tree.body, 0)

    def unreadable(self, problem: Exception) -> UserError:
        words = re.findall(r"[A-Za-z_]\w*", self.text)
        reserved = next((word for word in words if keyword.iskeyword(word)), None)
        hint = f"{reserved!r} is a reserved word: choose another name, such as {reserved}_"
        detail = getattr(problem, "msg", None) or "not a formula"
        return self.error(f"cannot read {self.text!r}: {detail}", hint=hint if reserved else None)

    def error(
        self, what: str, *, expected: str | None = None, hint: str | None = None
    ) -> UserError:
        return UserError(what, where=self.where or None, expected=expected, hint=hint)

    def convert(self, node: ast.expr, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise self.error(f"expression nested deeper than {MAX_DEPTH} levels")
        if isinstance(node, ast.Constant):
            return self.number(node.value)
        if isinstance(node, ast.Name):
            return self.variable(node.id)
        if isinstance(node, ast.UnaryOp):
            return self.unary(node, depth)
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            return self.binary(node, depth)
        if isinstance(node, ast.Call):
            return self.call(node, depth)
        raise self.refuse(node)

    def refuse(self, node: ast.AST) -> UserError:
        piece = ast.get_source_segment(self.text, node) or type(node).__name__
        hint = "write powers as **" if isinstance(getattr(node, "op", None), ast.BitXor) else None
        return self.error(
            f"{piece!r} is not part of the equation language",
            expected="numbers, names, + - * / **, operators and hidden terms",
            hint=hint,
        )

    def number(self, value: object) -> Expression:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(f"{value!r} is not a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.error("number too large for a float64")
        return Expression.number(number)

    def variable(self, name: str) -> Expression:
        if name in PRIMITIVES:
            raise self.error(f"operator {name!r} used as a name", hint=f"write {name}(...)")
        if not NAME.match(name) or "__" in name or name in NOT_NAMES:
            raise self.error(
                f"{name!r} cannot be a name",
                expected="letters, digits and single underscores, at most 64 of them",
            )
        return Expression.variable(name)

    def unary(self, node: ast.UnaryOp, depth: int) -> Expression:
        if not isinstance(node.op, ast.USub | ast.UAdd):
            raise self.refuse(node)
        operand = self.convert(node.operand, depth + 1)
        if isinstance(node.op, ast.UAdd):
            return operand
        number = operand.head == CONSTANT
        return Expression.number(-operand.constants[0]) if number else -operand

    def binary(self, node: ast.BinOp, depth: int) -> Expression:
        operator = _BINARY[type(node.op)]
        left = self.convert(node.left, depth + 1)
        if operator == "**":
            return left ** self.exponent(node.right, depth)
        right = self.convert(node.right, depth + 1)
        return Expression.apply(operator, left, right)

    def exponent(self, node: ast.expr, depth: int) -> Expression:
        right = self.convert(node, depth + 1)
        if "**" in right.tokens and not right.variables:
            piece = ast.get_source_segment(self.text, node)
            raise self.error(f"exponent {piece} is a power of numbers", expected="one number")
        if right.head != CONSTANT or _written_as_float(node):
            return right
        value = right.constants[0]
        if abs(value) > MAX_EXPONENT:
            raise self.error(
                f"exponent {value:.0f} is out of range", expected=f"at most {MAX_EXPONENT} in size"
            )
        return Expression.integer(int(value))

    def call(self, node: ast.Call, depth: int) -> Expression:
        if not isinstance(node.func, ast.Name):
            raise self.refuse(node)
        name = node.func.id
        if any(isinstance(a, ast.Starred) for a in node.args) or any(
            k.arg is None for k in node.keywords
        ):
            raise self.refuse(node)
        if name not in FUNCTIONS:
            self.variable(name)
        arguments = tuple(self.convert(a, depth + 1) for a in node.args)
        keywords = {str(k.arg): self.convert(k.value, depth + 1) for k in node.keywords}
        if name in FUNCTIONS:
            return self.operator(name, arguments, keywords)
        if self.on_call is None:
            raise unknown_name(name, FUNCTIONS, what="operator", where=self.where)
        return self.on_call(name, arguments, keywords)

    def operator(
        self, name: str, arguments: tuple[Expression, ...], keywords: Mapping[str, Expression]
    ) -> Expression:
        wanted = PRIMITIVES[name].arity
        if keywords or len(arguments) != wanted:
            raise self.error(
                f"{name} called with {len(arguments) + len(keywords)} arguments",
                expected=f"{wanted}",
            )
        return Expression.apply(name, *arguments)


def _written_as_float(node: ast.expr) -> bool:
    while isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


def _check_nesting(reader: _Reader) -> None:
    """Refuse what would exhaust the stack of Python's own parser."""
    depth = 0
    for character in reader.text:
        depth += (character == "(") - (character == ")")
        if depth > MAX_DEPTH:
            raise reader.error(f"expression nested deeper than {MAX_DEPTH} levels")
