"""Exported source runs, and gives the numbers of the formula it was written from."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import libsbml
import numpy as np
import pytest

from residuum.errors import UserError
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.laws.export.exporters import EXPORTERS, export
from residuum.laws.export.system import System

FORMULAS = (
    "a - (b - x)", "a/(b/x)", "-x**2", "(-x)**3", "(a + b)**-2", "2**x", "x**0.5", "x**a",
    "sin(x) + cos(a)*tan(b)", "tanh(x)*sinh(a) - cosh(b)", "exp(-x)/log(b)", "sqrt(x)", "log(x)",
    "asin(x/9) + acos(x/9) - atan(x)", "abs(x)*sign(x)", "min(x, a) - max(x, 2.5)", "3.0", "-a",
    "sqrt(2.0)*x", "1.5e-300*x", "k*x/(1 + b*x)", "a - -2.5", "x/3*2", "sign(0*x)", "min(2.0, 1.0)",
    "exp(k)*sqrt(k)",
)  # fmt: skip
VALUES = {"a": 1.3, "b": 0.7, "x": 2.1}
SYSTEM = System(
    "test",
    ("a", "b", "x"),
    {f"r{k}": parse(text) for k, text in enumerate(FORMULAS)},
    {"k": 0.25},
)


def truth(x: float) -> list[float]:
    values = {**VALUES, "x": x, "k": 0.25}
    return [float(evaluate(side, values)) for side in SYSTEM.results.values()]


def run(*words: str | Path) -> list[float]:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [float(word) for word in done.stdout.split()]


@pytest.mark.parametrize("x", [2.1, -1.4])
@pytest.mark.parametrize("language", ["python", "torch"])
def test_python_runs(tmp_path, language, x):
    text = export(SYSTEM, language)
    zero = "0.0" if language == "python" else "torch.tensor(0.0, dtype=torch.float64)"
    call = f"print(*law(1.3 + {zero}, 0.7 + {zero}, {x} + {zero}).tolist())\n"
    (tmp_path / "law.py").write_text(text + call)
    found = run(sys.executable, "-W", "ignore", tmp_path / "law.py")
    np.testing.assert_allclose(found, truth(x), rtol=1e-12, atol=1e-300)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler")
@pytest.mark.parametrize("x", [2.1, -1.4])
def test_c_runs(tmp_path, x):
    count = len(FORMULAS)
    main = (
        f"#include <stdio.h>\nint main(void) {{ double r[{count}]; law(1.3, 0.7, {x}, 0.25, r);\n"
        f'\nfor (int i = 0; i < {count}; i++) printf("%.17g\\n", r[i]);\nreturn 0; }}\n'
    )
    (tmp_path / "law.c").write_text(export(SYSTEM, "c") + main)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function"]
    run("gcc", *flags, "-o", tmp_path / "law", tmp_path / "law.c", "-lm")
    np.testing.assert_allclose(run(tmp_path / "law"), truth(x), rtol=1e-12, atol=1e-300)


@pytest.mark.skipif(shutil.which("julia") is None, reason="no Julia")
@pytest.mark.parametrize("x", [2.1, -1.4])
def test_julia_runs(tmp_path, x):
    call = f"foreach(println, law(1.3, 0.7, {x}))\n"
    (tmp_path / "law.jl").write_text(export(SYSTEM, "julia") + call)
    np.testing.assert_allclose(run("julia", tmp_path / "law.jl"), truth(x), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("x", [2.1, -1.4])
def test_sbml_evaluates(x):
    model = consistent(export(SYSTEM, "sbml"))
    for name, value in {**VALUES, "x": x}.items():
        model.getParameter(name).setValue(value)
    libsbml.SBMLTransforms.mapComponentValues(model.getModel())
    rules = [model.getRule(k) for k in range(model.getNumRules())]
    assert [rule.getVariable() for rule in rules] == list(SYSTEM.results)
    found = [libsbml.SBMLTransforms.evaluateASTNode(r.getMath(), model) for r in rules]
    np.testing.assert_allclose(found, truth(x), rtol=1e-12, atol=1e-300)


def test_sbml_of_a_law_has_rates_and_time():
    sides = {"theta_t": parse("theta_t"), "theta_tt": parse("-g*sin(theta) + cos(t)")}
    arguments = ("t", "theta", "theta_t", "u")
    law = System("a <law> & more", arguments, sides, {"g": 9.81}, ("theta", "theta_t"))
    model = consistent(export(law, "sbml"))
    rules = [model.getRule(k) for k in range(2)]
    assert [(r.isRate(), r.getVariable()) for r in rules] == [(True, "theta"), (True, "theta_t")]
    assert libsbml.formulaToL3String(rules[1].getMath()) == "-g * sin(theta) + cos(time)"
    assert model.getParameter("g").getValue() == 9.81
    assert model.getName() == "a <law> & more"
    assert not model.getParameter("u").isSetValue()


def consistent(text: str):
    """Return the model of a document in which libsbml finds no error."""
    document = libsbml.readSBMLFromString(text)
    document.checkConsistency()
    errors = [document.getError(k) for k in range(document.getNumErrors())]
    assert [e.getMessage() for e in errors if e.getSeverity() >= libsbml.LIBSBML_SEV_ERROR] == []
    model = document.getModel()
    model.document = document  # else it is freed with the document
    return model


def test_latex_is_one_block():
    text = export(System("t", ("x",), {"x_t": parse("-k*x**2")}, {"k": 0.5}), "latex")
    assert text == "\\begin{aligned}\n\\dot{x} &= -k \\, x^{2} \\\\\nk &= 0.5\n\\end{aligned}\n"


@pytest.mark.parametrize("language", EXPORTERS)
def test_names_that_a_language_keeps_are_changed(language, tmp_path):
    names = ("double", "np", "torch", "end", "law", "gamma", "y0")
    form = parse("double*np*torch*end*law*gamma*y0")
    text = export(System("t", names, {"r": form}, {}), language)
    if language == "c":
        assert "double_*np*torch*end*law_*gamma_*y0_" in text
    if language == "python":
        compile(text, "law.py", "exec")
        assert "np_" in text


def test_another_language_is_a_mistake():
    with pytest.raises(UserError, match=r"unknown language 'jula'.*did you mean 'julia'"):
        export(SYSTEM, "jula")
