"""What formulas look like, and that the MathML is well formed whatever the names are."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.expressions.typeset import latex, mathml

LOOKS = {
    "1.0*x": r"x",
    "x*2.0": r"2 \, x",
    "x - -2.0": "x + 2",
    "-1.0*x + y": "-x + y",
    "0.0278123*x*y": r"0.02781 \, x \, y",
    "x/3.0": r"\frac{x}{3}",
    "x/3.7": r"0.2703 \, x",
    "x**-3": r"\frac{1}{x^{3}}",
    "x**0.5": "x^{0.5}",
    "(x + y)/(1 + x)": r"\frac{x + y}{1 + x}",
    "2*(x + y)": r"2 \, \left(x + y\right)",
    "-(x - y)": "-x + y",
    "(-x)**2": r"\left(-x\right)^{2}",
    "(x**2)**y": r"{\left(x^{2}\right)}^{y}",
    "sin(theta)**2": r"\sin^{2}\left(\theta\right)",
    "exp(-x)": "e^{-x}",
    "3*2**x": r"3 \cdot 2^{x}",
    "theta_t*theta": r"\dot{\theta} \, \theta",
    "prey_a*k1": r"\mathrm{prey}_{a} \, k_{1}",
    "1.5e-7*x": r"1.5 \times 10^{-7} \, x",
    "123456*x": r"123456 \, x",
    "abs(x)/sqrt(y)": r"\frac{\left|x\right|}{\sqrt{y}}",
    "asin(x) + sign(y)": r"\arcsin\left(x\right) + \operatorname{sgn}\left(y\right)",
}


@pytest.mark.parametrize("text", LOOKS)
def test_latex(text: str) -> None:
    assert latex(parse(text)) == LOOKS[text]


@pytest.mark.parametrize("text", LOOKS)
def test_mathml_is_well_formed_and_its_elements_have_the_children_they_need(text: str) -> None:
    tree = ElementTree.fromstring(mathml(parse(text)))  # noqa: S314 (our own text)
    namespace = "{http://www.w3.org/1998/Math/MathML}"
    assert tree.tag == f"{namespace}math"
    for tag in ("mfrac", "msup", "msub", "mover"):
        assert all(len(element) == 2 for element in tree.iter(f"{namespace}{tag}"))


def test_mathml_shows_greek_letters_dots_and_minus_signs() -> None:
    text = mathml(parse("-0.25*theta_t"))
    assert "θ" in text
    assert "&#x2D9;" in text
    assert "&#x2212;" in text


def test_digits_are_a_choice() -> None:
    assert latex(parse("3.14159265*x"), digits=7) == r"3.141593 \, x"


def test_a_placeholder_shows_as_its_term() -> None:
    assert latex(Expression.variable("predation@0")) == r"\mathrm{predation}"
