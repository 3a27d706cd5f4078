"""How a formula looks on paper: LaTeX and presentation MathML from one walk.

The walk gathers sums of signed terms and products over one fraction bar; a notation says how each
piece is written. Numbers are rounded for the eye; `infix` is the text that keeps every digit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from residuum.errors import unknown_name
from residuum.expressions.expression import (
    CONSTANT,
    Expression,
    arity,
    is_integer,
    is_variable,
)
from residuum.expressions.notation import LATEX, MATHML, Notation
from residuum.expressions.parser import parse

DIGITS = 4


def latex(expression: Expression, *, digits: int = DIGITS) -> str:
    r"""Return the formula in LaTeX, numbers to `digits` significant digits.

    >>> from residuum.expressions.parser import parse
    >>> latex(parse("-1.0*x/2.0 + 0.98765432*sin(theta)**2"))
    '-\\frac{x}{2} + 0.9877 \\, \\sin^{2}\\left(\\theta\\right)'
    """
    return _sum(expression, LATEX, digits)


def mathml(expression: Expression, *, digits: int = DIGITS) -> str:
    """Return the formula as a presentation MathML element `<math>`, complete in itself."""
    body = _sum(expression, MATHML, digits)
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{body}</math>'


def latex_of_bodies(text: str, *, digits: int = DIGITS) -> str:
    r"""Return an equation of bodies in LaTeX, with its sums, lengths and products of vectors.

    >>> latex_of_bodies("sum(norm(x_j))/m_i")
    '\\frac{\\sum_{j \\neq i} \\left\\lVert x_{j} \\right\\rVert}{m_{i}}'
    """
    return _of_bodies(text, LATEX, digits)


def mathml_of_bodies(text: str, *, digits: int = DIGITS) -> str:
    """Return an equation of bodies as a MathML element `<math>`, see `latex_of_bodies`."""
    body = _of_bodies(text, MATHML, digits)
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{body}</math>'


def _of_bodies(text: str, notation: Notation, digits: int) -> str:
    """Return a text's markup; what is called in it is written before what holds it."""
    written: dict[str, str] = {}
    wide = notation.with_written(written)

    def on_call(
        name: str, arguments: tuple[Expression, ...], _: Mapping[str, Expression]
    ) -> Expression:
        parts = [_sum(argument, wide, digits) for argument in arguments]
        signed = len(_signed_terms(arguments[0])) > 1 or _gather(arguments[0]).negative
        if name == "sum" and signed:
            parts = [wide.fenced(parts[0])]
        forms = {"sum": wide.over_bodies, "norm": wide.length, "dot": wide.dot}
        if name not in forms:
            raise unknown_name(name, forms, what="operator")
        placeholder = f"{name}@{len(written)}"
        written[placeholder] = forms[name](*parts)  # type: ignore[operator]
        return Expression.variable(placeholder)

    return _sum(parse(text, on_call=on_call), wide, digits)


@dataclass(slots=True)
class _Product:
    """A product with its sign, its numbers and its factors above and below the fraction bar."""

    negative: bool = False
    number: float = 1.0
    divisor: float = 1.0
    over: list[Expression] = field(default_factory=list)
    under: list[Expression] = field(default_factory=list)


def _sum(expression: Expression, notation: Notation, digits: int) -> str:
    parts = []
    for flip, term in _signed_terms(expression):
        product = _gather(term)
        text = _product(product, notation, digits)
        parts.append((product.negative != flip, text))
    return notation.sum(parts)


def _signed_terms(expression: Expression) -> list[tuple[bool, Expression]]:
    found, stack = [], [(False, expression)]
    while stack:
        flip, part = stack.pop()
        if part.head in ("+", "-"):
            left, right = part.operands
            stack += [(flip != (part.head == "-"), right), (flip, left)]
        elif part.head == "neg":
            stack.append((not flip, part.operands[0]))
        else:
            found.append((flip, part))
    return found


def _gather(expression: Expression) -> _Product:
    product, stack = _Product(), [(True, expression)]
    while stack:
        above, part = stack.pop()
        if part.head in ("*", "/"):
            left, right = part.operands
            stack += [(above == (part.head == "*"), right), (above, left)]
        elif part.head == "neg":
            product.negative = not product.negative
            stack.append((above, part.operands[0]))
        elif (number := _number_of(part)) is not None:
            _take_number(product, number, above)
        elif part.head == "**" and _is_negative_literal(part.operands[1]):
            base, exponent = part.operands
            power = base ** Expression.integer(-int(exponent.head))
            (product.under if above else product.over).append(power)
        else:
            (product.over if above else product.under).append(part)
    return _settle(product)


def _take_number(product: _Product, number: float, above: bool) -> None:
    product.negative = product.negative != (number < 0)
    if above:
        product.number *= abs(number)
    else:
        product.divisor *= abs(number)


def _settle(product: _Product) -> _Product:
    """Divide numbers out unless both are whole, and put plain names before functions."""
    whole = product.number.is_integer() and product.divisor.is_integer()
    if not whole and product.divisor != 0:
        product.number, product.divisor = product.number / product.divisor, 1.0
    for factors in (product.over, product.under):
        factors.sort(key=lambda factor: not is_variable(factor.head) and factor.head != "**")
    return product


def _product(product: _Product, notation: Notation, digits: int) -> str:
    fraction = bool(product.under) or product.divisor != 1
    over = _side(product.number, product.over, notation, digits, fraction)
    if not fraction:
        return over
    under = _side(product.divisor, product.under, notation, digits, fraction)
    return notation.fraction(over, under)


def _side(
    number: float, factors: list[Expression], notation: Notation, digits: int, fraction: bool
) -> str:
    """Return one side of a fraction or a whole product; sums among the factors are fenced."""
    if not factors:
        return notation.number(number, digits)
    if number == 1 and len(factors) == 1 and fraction and factors[0].head in ("+", "-"):
        return _sum(factors[0], notation, digits)
    written = [_factor(factor, notation, digits) for factor in factors]
    return notation.product(([] if number == 1 else [notation.number(number, digits)]) + written)


def _factor(expression: Expression, notation: Notation, digits: int) -> str:
    head, operands = expression.head, expression.operands
    if is_variable(head):
        return notation.variable(head)
    if head in ("+", "-", "*", "/", "neg"):
        return notation.fenced(_sum(expression, notation, digits))
    if arity(head) == 0:
        number = _number_of(expression) or 0.0
        text = notation.number(abs(number), digits)
        return notation.fenced(notation.sum([(True, text)])) if number < 0 else text
    if head == "**":
        return _power(operands[0], operands[1], notation, digits)
    return notation.call(head, [_sum(operand, notation, digits) for operand in operands])


def _power(base: Expression, exponent: Expression, notation: Notation, digits: int) -> str:
    upper = _sum(exponent, notation, digits)
    if exponent.head == "1":
        return _factor(base, notation, digits)
    if is_integer(exponent.head) and base.head in notation.raised:
        inner = [_sum(operand, notation, digits) for operand in base.operands]
        return notation.call(base.head, inner, power=upper)
    below = _factor(base, notation, digits)
    if base.head in ("**", "exp"):
        below = notation.fenced(below)
    return notation.power(below, upper)


def _is_negative_literal(expression: Expression) -> bool:
    return is_integer(expression.head) and expression.head.startswith("-")


def _number_of(expression: Expression) -> float | None:
    if expression.head == CONSTANT:
        return expression.constants[0]
    return float(expression.head) if is_integer(expression.head) else None
