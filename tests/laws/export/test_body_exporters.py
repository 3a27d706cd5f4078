"""Exported laws of bodies run, and give the numbers of the law, for any number of bodies."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from residuum.errors import UserError
from residuum.laws.export.body_system import BodySystem, system_of_bodies
from residuum.laws.export.exporters import EXPORTERS, export
from residuum.laws.law import Law, LawParameter, Verdict
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_evaluation import evaluate_bodies
from residuum.problem.problem import Parameter

D = "(position_j - position_i)"
V = "(position_t_j - position_t_i)"
RIGHT_SIDES = {
    "springs": f"k*sum((norm({D}) - 0.5)*{D}/norm({D}))/mass_i",
    "charges in a field": f"-sum(charge_i*charge_j*{D}/norm({D})**3)/mass_i - exp(k)*position_i",
    "drag": f"sum({D}/norm({D})**2) - abs(k)*norm(position_t_i)*position_t_i + 0.5*push*position_i",
    "friction along the line": f"sum(dot({V}, {D})*{D}/(1 + norm({D})**2))*sin(t)",
    "centre": f"-position_i*sqrt(norm(sum({D}*mass_j))) + min(sum(mass_j), 2.5)*position_i",
    "numbers of bodies": "sum(1)*position_i - sum(2.0*position_i) + sum(position_t_i)/2",
    "lengths in lengths": f"sum(norm(dot({D}, {V})*position_i)*{D})",
    "nothing": "0",
    "sum of what the body has": f"sum(norm(position_t_i)*{D}) + norm(position_t_i)*position_i",
}
VALUES = {"k": 0.7, "push": 0.3}
# Names that a language keeps, or that exporters would like for themselves.
RENAMED = {"mass": "np", "charge": "results", "push": "n", "k": "sum_0", "position": "of_all"}


def system_for(text: str) -> BodySystem:
    scalars = [name for name in ("mass", "charge") if name in text]
    inputs = ["push"] if "push" in text else []
    used = {"k": Parameter("k", VALUES["k"])} if "k*" in text or "(k)" in text else {}
    problem = read_body_problem(
        {"position_tt": text}, scalars=scalars, inputs=inputs, parameters=used
    )
    rows = {name: LawParameter(VALUES[name], None, None, True) for name in used}
    rows["mass_of_b"] = LawParameter(1.5, None, None, True)
    sides = {equation.left: equation.rhs for equation in problem.equations}
    return system_of_bodies(
        Law("test", sides, {}, rows, {}, Verdict({}, None, None), bodies=problem)
    )


def arguments_of(bodies: int, axes: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7 * bodies + axes)
    vectors = {name: rng.normal(size=(bodies, axes)) for name in ("position", "position_t")}
    return vectors | {name: rng.uniform(0.5, 2, bodies) for name in ("mass", "charge")}


def truth(system: BodySystem, bodies: int, axes: int) -> np.ndarray:
    given = arguments_of(bodies, axes)
    found = evaluate_bodies(
        system.law,
        {name: given[name][None] for name in system.law.components},
        {name: given[name] for name in system.law.scalars},
        parameters=system.parameters,
        inputs={name: np.array([VALUES[name]]) for name in system.law.inputs},
        t=np.array([0.9]),
    )
    return np.stack([given["position_t"], found["position"][0]])


def run(*words: str | Path) -> np.ndarray:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return np.array([float(word) for word in done.stdout.split()])


def written(system: BodySystem, bodies: int, axes: int, array: str) -> list[str]:
    """Return the arguments as source text, arrays by a function of the language."""
    given = arguments_of(bodies, axes)
    words = ["0.9"] + [f"{array}({given[n].tolist()})" for n in system.law.components]
    words += [f"{array}({given[name].tolist()})" for name in system.law.scalars]
    return words + [repr(VALUES[name]) for name in system.law.inputs]


SIZES = [(2, 1), (3, 2), (5, 3), (1, 2)]


@pytest.mark.parametrize("language", ["python", "torch"])
def test_python_runs(language, tmp_path):
    array = {"python": "np.array", "torch": "(lambda a: torch.tensor(a, dtype=torch.float64))"}
    expected, lines = [], []
    for k, text in enumerate(RIGHT_SIDES.values()):
        system = system_for(text)
        (tmp_path / f"law_{k}.py").write_text(export(system, language))
        lines += [f"from law_{k} import *", f"from law_{k} import law"]
        for bodies, axes in SIZES:
            words = written(system, bodies, axes, array[language])
            lines += [f"print(*law({', '.join(words)}).reshape(-1).tolist())"]
            expected.append(truth(system, bodies, axes).ravel())
    (tmp_path / "main.py").write_text("\n".join(lines))
    found = run(sys.executable, "-W", "error", tmp_path / "main.py")
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-12, atol=1e-13)


def renamed(plain: BodySystem) -> BodySystem:
    """Return the same system in names that make trouble."""
    text = plain.law.equations[0].text
    for old, new in RENAMED.items():
        text = re.sub(rf"\b{old}(?=_[ijt]|\b)", new, text)
    values = {RENAMED[name]: value for name, value in plain.parameters.items()}
    problem = read_body_problem(
        {"of_all_tt": text},
        scalars=[RENAMED[name] for name in plain.law.scalars],
        inputs=[RENAMED[name] for name in plain.law.inputs],
        parameters={name: Parameter(name, value) for name, value in values.items()},
    )
    return BodySystem("law", problem, values)


@pytest.mark.parametrize("name", RIGHT_SIDES)
def test_python_with_names_that_it_keeps(name):
    plain, module = system_for(RIGHT_SIDES[name]), {}
    source = export(renamed(plain), "python")
    exec(compile(source, "law.py", "exec"), module)  # noqa: S102 (written here)
    given = arguments_of(3, 2)
    rows = [given[n] for n in (*plain.law.components, *plain.law.scalars)]
    found = module["law"](0.9, *rows, *(VALUES[n] for n in plain.law.inputs))
    np.testing.assert_allclose(found, truth(plain, 3, 2), rtol=1e-12, atol=1e-13)


def test_torch_differentiates():
    import torch

    module = {}
    exec(compile(export(system_for(RIGHT_SIDES["springs"]), "torch"), "l", "exec"), module)  # noqa: S102
    given = {n: torch.tensor(a) for n, a in arguments_of(3, 2).items()}
    position = given["position"].requires_grad_()
    k = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    rates = module["law"](0.0, position, given["position_t"], given["mass"], k)
    rates.sum().backward()
    assert torch.isfinite(position.grad).all()
    assert k.grad is not None


def c_array(values: np.ndarray) -> str:
    return "(const double[]){" + ", ".join(map(repr, values.ravel().tolist())) + "}"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler")
@pytest.mark.parametrize("name", RIGHT_SIDES)
@pytest.mark.parametrize("rename", [False, True])
def test_c_runs(tmp_path, name, rename):
    plain = system_for(RIGHT_SIDES[name])
    system = renamed(plain) if rename else plain
    calls, expected = [], []
    for bodies, axes in SIZES:
        given = arguments_of(bodies, axes)
        arrays = [c_array(given[n]) for n in (*plain.law.components, *plain.law.scalars)]
        numbers = [repr(VALUES[n]) for n in (*plain.law.inputs, *plain.parameters)]
        calls += [f"law({bodies}, {axes}, 0.9, {', '.join([*arrays, *numbers, 'r'])});"]
        calls += [f'for (int i = 0; i < {2 * bodies * axes}; i++) printf("%.17g\\n", r[i]);']
        expected.append(truth(plain, bodies, axes).ravel())
    body = "\n".join(["double r[99];", *calls, "return 0;"])
    main = f"#include <stdio.h>\nint main(void) {{\n{body}\n}}\n"
    (tmp_path / "law.c").write_text(export(system, "c") + main)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function"]
    run("gcc", *flags, "-o", tmp_path / "law", tmp_path / "law.c", "-lm")
    found = run(tmp_path / "law")
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-12, atol=1e-13)


def julia_array(values: np.ndarray) -> str:
    if values.ndim == 1:
        return f"{values.tolist()}"
    return "[" + "; ".join(" ".join(map(repr, row)) for row in values.tolist()) + ";;]"


@pytest.mark.skipif(shutil.which("julia") is None, reason="no Julia")
@pytest.mark.parametrize("name", RIGHT_SIDES)
def test_julia_runs(tmp_path, name):
    system = system_for(RIGHT_SIDES[name])
    calls, expected = [], []
    for bodies, axes in SIZES:
        given = arguments_of(bodies, axes)
        arrays = [julia_array(given[n]) for n in (*system.law.components, *system.law.scalars)]
        numbers = [repr(VALUES[n]) for n in system.law.inputs]
        law = f"law({', '.join(['0.9', *arrays, *numbers])})"
        calls += [f"foreach(println, permutedims({law}, (3, 2, 1)))"]
        expected.append(truth(system, bodies, axes).ravel())
    (tmp_path / "law.jl").write_text(export(system, "julia") + "\n".join(calls))
    found = run("julia", tmp_path / "law.jl")
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-12, atol=1e-13)


def test_julia_is_written_as_loops():
    text = export(system_for(RIGHT_SIDES["springs"]), "julia")
    assert "function law(t, position, position_t, mass; k=0.7)" in text
    assert "    norm_0 = norm_of_0(i, j)\n" in text
    # The index gives way to the parameter of that name.
    vector = "position[j, k_] - position[i, k_]"
    assert f"total += ({vector})*({vector})" in text
    assert "results[1, i, k_] = position_t[i, k_]" in text
    assert "# estimated: mass_of_b = 1.5" in text


def test_latex_has_sums_and_lengths():
    text = export(system_for(RIGHT_SIDES["springs"]), "latex")
    assert text.startswith("\\begin{aligned}\n\\ddot{\\mathrm{position}}_{i} &= ")
    assert r"\sum_{j \neq i}" in text
    assert r"\left\lVert" in text
    assert "k &= 0.7" in text


def test_sbml_says_why_not():
    with pytest.raises(UserError, match=r"SBML cannot say a law .* no sums over pairs"):
        export(system_for(RIGHT_SIDES["springs"]), "sbml")


def law_called(dataset: str, parameter: str) -> Law:
    problem = read_body_problem({"position_tt": f"sum({D})"})
    row = LawParameter(1.0, None, None, True)
    none = Verdict({}, None, None)
    return Law(dataset, {}, {}, {parameter: row}, {}, none, bodies=problem)


@pytest.mark.parametrize("language", [k for k in EXPORTERS if k != "sbml"])
def test_what_a_changed_file_holds_is_no_source(language):
    text = export(system_of_bodies(law_called('*/ int x; /*\n"""\nimport os', "k")), language)
    assert "int x;" not in text
    assert "\nimport os" not in text
    with pytest.raises(UserError, match="not a parameter with a value"):
        export(system_of_bodies(law_called("d", "k=0\nimport os")), language)
