"""What the pieces of a formula look like in LaTeX and in MathML."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from html import escape
from types import MappingProxyType

GREEK = {
    **{"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ"},
    **{"eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν"},
    **{"xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ"},
    **{"chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ"},
    **{"Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ"},
    **{"Psi": "Ψ", "Omega": "Ω"},
}
# Functions that carry a power before their argument, as in sin^2(x).
RAISED = frozenset({"sin", "cos", "tan", "tanh", "sinh", "cosh"})
FUNCTION_NAMES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "sign": "sgn"}


def name_parts(name: str) -> tuple[str, int, str]:
    """Return the stem of a name, how many dots stand over it, and its subscript.

    >>> name_parts("theta_tt"), name_parts("prey_a"), name_parts("x1")
    (('theta', 2, ''), ('prey', 0, 'a'), ('x', 0, '1'))
    >>> name_parts("position_t_i")
    ('position', 1, 'i')
    """
    name = name.partition("@")[0].rstrip("_") or name
    dots = re.search(r"_(t{1,2})((?:_[ij])?)\Z", name)
    if dots:
        name = name[: dots.start()] + dots.group(2)
    stem, _, subscript = name.partition("_")
    digits = re.fullmatch(r"([A-Za-z]+)([0-9]+)", stem)
    if digits and not subscript:
        stem, subscript = digits.groups()
    return stem, len(dots.group(1)) if dots else 0, subscript.replace("_", " ")


def rounded(value: float, digits: int) -> tuple[str, int | None]:
    """Return the digits of a number and, outside 1e-4 to 1e6, its power of ten.

    >>> rounded(0.027214, 3), rounded(2.0, 4), rounded(1.25e-7, 3)
    (('0.0272', None), ('2', None), ('1.25', -7))
    """
    if not math.isfinite(value):
        return ("∞" if math.isinf(value) else "NaN"), None
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    exponent = int(power)
    if value == 0 or -4 <= exponent < 6:
        text = f"{value:.{max(0, digits - 1 - exponent)}f}"
        return (text.rstrip("0").rstrip(".") if "." in text else text), None
    return (mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa), exponent


class Notation(ABC):
    """How one markup language writes numbers, names, sums, products, fractions and calls.

    `written` holds names that are not written as names: what they stand for, as markup.
    """

    raised = RAISED
    written: Mapping[str, str] = MappingProxyType({})

    def with_written(self, written: Mapping[str, str]) -> Notation:
        """Return the notation with markup for some names."""
        other = copy(self)
        other.written = written
        return other

    def variable(self, name: str) -> str:
        """Return a variable: its name, or the markup that stands for it."""
        return self.written.get(name) or self.name(name)

    @abstractmethod
    def number(self, value: float, digits: int) -> str:
        """Return a number of at least zero."""

    @abstractmethod
    def name(self, name: str) -> str:
        """Return the name of a variable."""

    @abstractmethod
    def sum(self, parts: Sequence[tuple[bool, str]]) -> str:
        """Return a sum of terms, each with whether it is subtracted."""

    @abstractmethod
    def product(self, factors: Sequence[str]) -> str:
        """Return factors side by side."""

    @abstractmethod
    def fraction(self, over: str, under: str) -> str:
        """Return a fraction."""

    @abstractmethod
    def power(self, base: str, exponent: str) -> str:
        """Return a power."""

    @abstractmethod
    def fenced(self, body: str) -> str:
        """Return the body in parentheses."""

    @abstractmethod
    def over_bodies(self, body: str) -> str:
        """Return a sum over the other bodies j of body i."""

    @abstractmethod
    def length(self, body: str) -> str:
        """Return the length of a vector."""

    @abstractmethod
    def dot(self, left: str, right: str) -> str:
        """Return the product of two vectors."""

    @abstractmethod
    def call(self, function: str, arguments: Sequence[str], power: str = "") -> str:
        """Return an operator of the primitive table applied to its arguments."""


class _Latex(Notation):
    def number(self, value: float, digits: int) -> str:
        text, exponent = rounded(value, digits)
        text = {"∞": r"\infty", "NaN": r"\mathrm{NaN}"}.get(text, text)
        return text if exponent is None else rf"{text} \times 10^{{{exponent}}}"

    def name(self, name: str) -> str:
        stem, dots, subscript = name_parts(name)
        text = self._word(stem)
        if dots:
            text = rf"\{'d' * dots}ot{{{text}}}"
        return rf"{text}_{{{self._word(subscript)}}}" if subscript else text

    def _word(self, word: str) -> str:
        if word in GREEK:
            return rf"\{word}"
        plain = word if len(word) <= 1 or word.isdigit() else rf"\mathrm{{{word}}}"
        return plain.replace(" ", r"\,")

    def sum(self, parts: Sequence[tuple[bool, str]]) -> str:
        text = "".join(f" {'-' if minus else '+'} {body}" for minus, body in parts)
        return "-" + text[3:] if parts[0][0] else text[3:]

    def product(self, factors: Sequence[str]) -> str:
        text = factors[0]
        for factor in factors[1:]:
            text += (r" \cdot " if factor[0].isdigit() else r" \, ") + factor
        return text

    def fraction(self, over: str, under: str) -> str:
        return rf"\frac{{{over}}}{{{under}}}"

    def power(self, base: str, exponent: str) -> str:
        # Dots and subscripts need no braces; a second superscript would be an error.
        return f"{{{base}}}^{{{exponent}}}" if "^" in base else f"{base}^{{{exponent}}}"

    def fenced(self, body: str) -> str:
        return rf"\left({body}\right)"

    def over_bodies(self, body: str) -> str:
        return rf"\sum_{{j \neq i}} {body}"

    def length(self, body: str) -> str:
        return rf"\left\lVert {body} \right\rVert"

    def dot(self, left: str, right: str) -> str:
        return rf"{left} \cdot {right}"

    def call(self, function: str, arguments: Sequence[str], power: str = "") -> str:
        if function == "sqrt":
            return rf"\sqrt{{{arguments[0]}}}"
        if function == "exp":
            return f"e^{{{arguments[0]}}}"
        if function == "abs":
            return rf"\left|{arguments[0]}\right|"
        name = FUNCTION_NAMES.get(function, function)
        word = r"\operatorname{sgn}" if name == "sgn" else rf"\{name}"
        raised = f"^{{{power}}}" if power else ""
        return f"{word}{raised}{self.fenced(', '.join(arguments))}"


class _MathML(Notation):
    def number(self, value: float, digits: int) -> str:
        text, exponent = rounded(value, digits)
        if exponent is None:
            return f"<mn>{text}</mn>"
        power = f"<mn>{exponent}</mn>".replace("-", "&#x2212;")
        return self._row(f"<mn>{text}</mn><mo>&#xD7;</mo><msup><mn>10</mn>{power}</msup>")

    def name(self, name: str) -> str:
        stem, dots, subscript = name_parts(name)
        text = self._word(stem)
        if dots:
            dot = {1: "&#x2D9;", 2: "&#xA8;"}[dots]
            # Not an accent: without a mathematical font browsers draw accents into the letter.
            text = f"<mover>{text}<mo>{dot}</mo></mover>"
        return f"<msub>{text}{self._word(subscript)}</msub>" if subscript else text

    def _word(self, word: str) -> str:
        if word.isdigit():
            return f"<mn>{word}</mn>"
        return f"<mi>{GREEK.get(word, escape(word))}</mi>"

    def _row(self, body: str) -> str:
        return f"<mrow>{body}</mrow>"

    def sum(self, parts: Sequence[tuple[bool, str]]) -> str:
        (minus, first), *others = parts
        if not others and not minus:
            return first
        body = (self._sign(minus) if minus else "") + first
        return self._row(body + "".join(self._sign(flip) + text for flip, text in others))

    def _sign(self, minus: bool) -> str:
        return f"<mo>{'&#x2212;' if minus else '+'}</mo>"

    def product(self, factors: Sequence[str]) -> str:
        text = factors[0]
        for factor in factors[1:]:
            visible = factor.startswith(("<mn>", "<msup><mn>"))
            times = "<mo>&#x22C5;</mo>" if visible else '<mo>&#x2062;</mo><mspace width="0.17em"/>'
            text += times + factor
        return self._row(text) if len(factors) > 1 else text

    def fraction(self, over: str, under: str) -> str:
        return f"<mfrac>{over}{under}</mfrac>"

    def power(self, base: str, exponent: str) -> str:
        return f"<msup>{base}{exponent}</msup>"

    def fenced(self, body: str) -> str:
        return self._row(f"<mo>(</mo>{body}<mo>)</mo>")

    def over_bodies(self, body: str) -> str:
        under = self._row("<mi>j</mi><mo>&#x2260;</mo><mi>i</mi>")
        return self._row(f"<munder><mo>&#x2211;</mo>{under}</munder>{body}")

    def length(self, body: str) -> str:
        return self._row(f"<mo>&#x2016;</mo>{body}<mo>&#x2016;</mo>")

    def dot(self, left: str, right: str) -> str:
        return self._row(f"{left}<mo>&#x22C5;</mo>{right}")

    def call(self, function: str, arguments: Sequence[str], power: str = "") -> str:
        if function == "sqrt":
            return f"<msqrt>{arguments[0]}</msqrt>"
        if function == "exp":
            return self.power("<mi>e</mi>", arguments[0])
        if function == "abs":
            return self._row(f"<mo>|</mo>{arguments[0]}<mo>|</mo>")
        word = f"<mi>{FUNCTION_NAMES.get(function, function)}</mi>"
        head = self.power(word, power) if power else word
        inside = "<mo>,</mo>".join(arguments)
        return self._row(f"{head}<mo>&#x2061;</mo>{self.fenced(inside)}")


LATEX: Notation = _Latex()
MATHML: Notation = _MathML()
