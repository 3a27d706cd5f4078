"""Imports run one way, heavy packages stay where they belong, and importing is cheap."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest

from residuum.provenance import imported_modules, module_files

# Each layer may import itself and those before it.
LAYERS = (
    ("errors", "shapes", "seeds", "units", "files", "yaml_file", "provenance"),
    ("expressions",),
    ("problem",),
    ("data",),
    ("surrogates",),
    ("hidden",),
    ("distillers",),
    ("metrics",),
    ("laws",),
    ("reports",),
    ("config", "parallel", "io"),
    ("discovery", "plan", "regression"),
    ("estimator",),
    ("stages",),
    ("cli", "__main__"),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
MODULES = sorted(name for name in module_files() if name != "residuum")


def layer(module: str) -> str:
    """The name that stands for a module in LAYERS; `config_schema` and its like are `config`."""
    name = module.split(".")[1]
    return "config" if name.startswith("config_") else name


def third_party(module: str) -> set[str]:
    """Top-level packages that a module's source imports, also inside functions."""
    tree = ast.parse(module_files()[module].read_bytes())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downwards(module):
    assert layer(module) in RANK, f"{module} belongs to no layer"
    upwards = [
        name
        for name in imported_modules(module) - {"residuum"}
        if RANK[layer(name)] > RANK[layer(module)]
    ]
    assert not upwards


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("dask", {"residuum.parallel"}),
        ("distributed", {"residuum.parallel"}),
        ("sympy", {"residuum.expressions.symbolic", "residuum.expressions.equivalence"}),
        ("pickle", set()),
        ("joblib", set()),
    ],
)
def test_only_these_modules_import(package, allowed):
    users = {module for module in MODULES if package in third_party(module)}
    assert users <= allowed


@pytest.mark.parametrize("module", MODULES)
def test_torch_stays_on_the_left_and_symbols_on_the_right(module):
    packages = third_party(module)
    if layer(module) in ("hidden", "distillers", "data", "problem", "reports", "stages"):
        assert "torch" not in packages
    if layer(module) == "surrogates":
        assert not packages & {"sympy", "pysindy", "sklearn"}


def modules_after(statement: str) -> set[str]:
    code = f"import sys, json; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import residuum", {"numpy", "torch", "pydantic"}),
        ("import residuum.cli.entry", {"numpy", "torch", "pydantic", "snakemake", "psutil"}),
        ("import residuum.plan", {"torch", "pandas", "xarray", "scipy", "sympy", "matplotlib"}),
        ("import residuum.stages.distill", {"torch", "sympy", "matplotlib", "dask"}),
        ("import residuum.stages.report", {"torch", "pysindy", "sklearn"}),
        ("import residuum.stages.summarize", {"torch", "pysindy", "sklearn"}),
        ("import residuum.stages.train", {"sympy", "pysindy", "sklearn", "matplotlib"}),
    ],
)
def test_importing_stays_cheap(statement, absent):
    assert not modules_after(statement) & absent


def test_no_source_runs_text():
    for module in MODULES:
        tree = ast.parse(module_files()[module].read_bytes())
        called = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not called & {"eval", "exec", "sympify", "parse_expr", "lambdify"}, module
