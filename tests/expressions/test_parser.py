"""The parser takes its whitelist and nothing else."""

from __future__ import annotations

import pytest

from residuum.errors import UserError
from residuum.expressions.expression import Expression
from residuum.expressions.parser import MAX_DEPTH, parse


@pytest.mark.parametrize(
    ("text", "tokens", "constants"),
    [
        ("x", ("x",), ()),
        ("-2", ("#",), (-2.0,)),
        ("--2", ("#",), (2.0,)),
        ("-x", ("neg", "x"), ()),
        ("x**2", ("**", "x", "2"), ()),
        ("x**-2", ("**", "x", "-2"), ()),
        ("x**2.0", ("**", "x", "#"), (2.0,)),
        ("x**-2.0", ("**", "x", "#"), (-2.0,)),
        ("x**(1/2)", ("**", "x", "/", "#", "#"), (1.0, 2.0)),
        ("-x**2", ("neg", "**", "x", "2"), ()),
        ("1e-3*x", ("*", "#", "x"), (1e-3,)),
        ("a +\n  b", ("+", "a", "b"), ()),
        ("atan(x)", ("atan", "x"), ()),
    ],
)
def test_reads(text: str, tokens: tuple[str, ...], constants: tuple[float, ...]) -> None:
    assert parse(text) == Expression(tokens, constants)


MISTAKES = {
    "": "empty expression",
    " \n": "empty expression",
    "__import__('os')": "'__import__' cannot be a name",
    "__import__": "'__import__' cannot be a name",
    "x.__class__": "'x.__class__' is not part of the equation language",
    "(lambda: x)()": "not part of the equation language",
    "x[0]": r"'x\[0\]' is not part",
    "[x for x in y]": "not part",
    "'os'": "'os' is not a number",
    "f'{x}'": "not part",
    "1j": "1j is not a number",
    "True": "True is not a number",
    "x if y else z": "not part",
    "x and y": "not part",
    "x < y": "not part",
    "x % y": "not part",
    "x // y": "not part",
    "x @ y": "not part",
    "~x": "not part",
    "(x := 3)": "not part",
    "x, y": "not part",
    "x^2": r"write powers as \*\*",
    "x = y": "cannot read",
    "x; y": "cannot read",
    "2x": "cannot read",
    "x +": "cannot read",
    "x # why": "'#' is not part",
    "lambda*x": "'lambda' is a reserved word: choose another name, such as lambda_",
    "x**9**9**9": r"exponent 9\*\*9 is a power of numbers",
    "x**(9**9)": "is a power of numbers",
    "x**65": "exponent 65 is out of range; expected at most 64",
    "x**-1000000000": "out of range",
    "1e999": "number too large",
    "9" * 400: "number too large",
    "inf": "'inf' cannot be a name",
    "nan*x": "'nan' cannot be a name",
    "sin": "operator 'sin' used as a name",
    "neg(x)": "operator 'neg' used as a name",
    "sin(x, y)": "sin called with 2 arguments; expected 1",
    "max(x)": "max called with 1 arguments; expected 2",
    "sin(a=x)": "sin called with 1 arguments",
    "sin(*x)": "not part",
    "f(**x)": "not part",
    "f(x)(y)": "not part",
    "sine(x)": "unknown operator 'sine'.*did you mean 'sin",
    "a" * 65: "cannot be a name",
    "é": "cannot be a name",
    "x\0": "cannot read",
    "(" * 5000 + "x" + ")" * 5000: f"nested deeper than {MAX_DEPTH}",
    "-" * 5000 + "x": "nested deeper|cannot read",
    "x" + "+x" * 400: f"nested deeper than {MAX_DEPTH}",
    "x*" * 20_000 + "x": "longer than 20000 characters",
}


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: text[:24])
def test_refuses(text: str) -> None:
    with pytest.raises(UserError, match=MISTAKES[text]) as caught:
        parse(text, where="d.equations.x_t")
    assert str(caught.value).startswith("d.equations.x_t: ")


def test_calls_of_other_names_go_to_the_caller() -> None:
    seen = []

    def on_call(name: str, arguments: object, keywords: object) -> Expression:
        seen.append((name, arguments, keywords))
        return Expression.variable("f@0")

    assert parse("2.0*f(x, b=y)", on_call=on_call).tokens == ("*", "#", "f@0")
    assert seen == [("f", (parse("x"),), {"b": parse("y")})]
