"""How the law is typeset: MathML for the page, LaTeX for the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from markupsafe import Markup

from residuum.expressions.expression import CONSTANT, Expression
from residuum.expressions.parser import parse
from residuum.expressions.typeset import latex, latex_of_bodies, mathml, mathml_of_bodies
from residuum.problem.names import split_suffix
from residuum.reports.numbers import is_number

DIGITS = 4
_THIN = '<mspace width="0.1em"/>'


def formula_mathml(text: str, *, digits: int = DIGITS) -> Markup:
    """Return a formula of the equation language as MathML for running text."""
    return Markup(f"<math>{_inner(text, digits)}</math>")  # noqa: S704 (our own MathML)


def with_letters(text: str, letters: Sequence[tuple[str, float]]) -> str:
    """Return a formula with the given constants, in its order, as letters; others stay numbers.

    >>> with_letters("exp(2.5*V) - 1", [("c_1", 2.5)])
    'exp(c_1*V) - 1.0'
    """
    formula = parse(text)
    values, waiting = iter(formula.constants), list(letters)
    tokens, left = [], []
    for token in formula.tokens:
        value = next(values) if token == CONSTANT else None
        if value is not None and waiting and waiting[0][1] == value:
            tokens.append(waiting.pop(0)[0])
            continue
        tokens.append(token)
        left += [] if value is None else [value]
    return text if waiting else Expression(tuple(tokens), tuple(left)).infix()


def equations_mathml(pairs: Sequence[tuple[str, str]]) -> Markup:
    """Return equations as one aligned MathML block: pairs of a left side (MathML) and a formula."""
    return _aligned([(left, _inner(right, DIGITS)) for left, right in pairs])


def _aligned(pairs: Sequence[tuple[str, str]]) -> Markup:
    """Return pairs of sides, both MathML, as one aligned block."""
    rows = "".join(
        f"<mtr><mtd>{left}</mtd><mtd><mo>=</mo></mtd><mtd>{right}</mtd></mtr>"
        for left, right in pairs
    )
    block = f'<math display="block"><mtable class="aligned">{rows}</mtable></math>'
    return Markup(block)  # noqa: S704 (our own MathML)


def law_mathml(law: Mapping[str, Any], order: Sequence[str] = ()) -> Markup:
    """Return the completed equations of a law; left sides named in `order` come first."""
    write = mathml_of_bodies if "bodies" in law else _mathml
    body = "_i" if "bodies" in law else ""
    rows = [
        (_left(left, body), _opened(write(str(right)))) for left, right in _equations(law, order)
    ]
    return _aligned(rows)


def _mathml(text: str) -> str:
    return mathml(parse(text), digits=DIGITS)


def _equations(law: Mapping[str, Any], order: Sequence[str]) -> list[tuple[str, str]]:
    # JSON objects have no order: files are written with sorted keys.
    place = {name: index for index, name in enumerate(order)}
    return sorted(law["equations"].items(), key=lambda pair: place.get(pair[0], len(place)))


def hidden_mathml(name: str, entry: Mapping[str, Any]) -> Markup:
    """Return the formula of one hidden term with its arguments on the left."""
    return equations_mathml([(_call(name, entry["arguments"]), str(entry["numeric"]))])


def name_mathml(name: str) -> Markup:
    """Return a name as an upright symbol: hidden terms are words, not products of letters."""
    return Markup(f"<math>{_word(name)}</math>")  # noqa: S704 (escaped in _word)


def law_tex(law: Mapping[str, Any], order: Sequence[str] = ()) -> str:
    """Return a small LaTeX document: the completed equations, hidden terms and constants."""
    write, body = (latex_of_bodies, "_i") if "bodies" in law else (_latex, "")
    rows = [(_left_tex(name, body), write(str(text))) for name, text in _equations(law, order)]
    rows += [(_call_tex(k, v["arguments"]), _latex(v["numeric"])) for k, v in law["hidden"].items()]
    rows += [
        (_symbol_tex(name), _latex(repr(float(entry["value"]))))
        for name, entry in law["parameters"].items()
        if is_number(entry["value"])
    ]
    lines = " \\\\\n".join(f"{left} &= {right}" for left, right in rows)
    return (
        "\\documentclass{article}\n\\usepackage{amsmath}\n\\pagestyle{empty}\n"
        f"\\begin{{document}}\n\\begin{{align*}}\n{lines}\n\\end{{align*}}\n\\end{{document}}\n"
    )


def _latex(text: str) -> str:
    return latex(parse(text), digits=DIGITS)


def _symbol_tex(name: str) -> str:
    return latex(Expression.variable(name))


def _left_tex(name: str, body: str = "") -> str:
    state, axes = split_suffix(name) or (name, "")
    state += body
    power = f"^{{{len(axes)}}}" if len(axes) > 1 else ""
    over = rf"\mathrm{{d}}{power} {_symbol_tex(state)}"
    return rf"\frac{{{over}}}{{\mathrm{{d}}t{power}}}" if axes else _symbol_tex(state)


def _call_tex(name: str, arguments: Sequence[str]) -> str:
    inside = ", ".join(_symbol_tex(argument) for argument in arguments)
    return rf"\operatorname{{{name.replace('_', '-')}}}({inside})"


def _inner(text: str, digits: int) -> str:
    """Return the MathML of a formula without its outer `math` element."""
    return _opened(mathml(parse(text), digits=digits))


def _opened(whole: str) -> str:
    """Return a MathML element's content as one row."""
    return f"<mrow>{re.sub(r'^<math[^>]*>|</math>$', '', whole)}</mrow>"


def _symbol(name: str) -> str:
    return _inner(name, DIGITS)


def _word(name: str) -> str:
    return f'<mi mathvariant="normal">{escape(name)}</mi>'


def _left(name: str, body: str = "") -> str:
    """Return the left-hand side of an equation: a state's time derivative as a fraction."""
    state, axes = split_suffix(name) or (name, "")
    state += body
    if not axes:
        return _symbol(state)
    d, order = '<mi mathvariant="normal">d</mi>', f"<mn>{len(axes)}</mn>"
    over = d if len(axes) == 1 else f"<msup>{d}{order}</msup>"
    under = "<mi>t</mi>" if len(axes) == 1 else f"<msup><mi>t</mi>{order}</msup>"
    return f"<mfrac><mrow>{over}{_THIN}{_symbol(state)}</mrow><mrow>{d}{under}</mrow></mfrac>"


def _call(name: str, arguments: Sequence[str]) -> str:
    inside = "<mo>,</mo>".join(_symbol(argument) for argument in arguments)
    return (
        f"<mrow>{_word(name)}<mo>&#x2061;</mo>"
        f'<mo stretchy="false">(</mo>{inside}<mo stretchy="false">)</mo></mrow>'
    )
