"""A stage's digest follows exactly the sources that the stage imports."""

from __future__ import annotations

import shutil

import pytest

from residuum import provenance
from residuum.provenance import code_digest, dependencies, json_digest

STAGES = ("prepare", "train", "extract", "distill", "select", "report", "summarize")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the sources that may be edited; the package's own stays as it is."""
    root = tmp_path / "residuum"
    shutil.copytree(
        provenance.ROOT, root, ignore=shutil.ignore_patterns("__pycache__", "_workflow")
    )
    monkeypatch.setattr(provenance, "ROOT", root)
    clear()
    yield root
    clear()


def clear():
    provenance.module_files.cache_clear()
    provenance.imported_modules.cache_clear()


def digests() -> dict[str, str]:
    clear()
    return {stage: code_digest(f"residuum.stages.{stage}") for stage in STAGES}


def changed_by(path) -> set[str]:
    before = digests()
    with path.open("a") as file:
        file.write("\n")
    after = digests()
    return {stage for stage in STAGES if before[stage] != after[stage]}


@pytest.mark.parametrize(
    ("file", "touched"),
    [
        ("distillers/sindy.py", {"distill"}),
        ("distillers/front.py", {"distill", "select", "report", "summarize"}),
        ("io/fronts.py", {"distill", "select", "report"}),
        ("io/surrogate.py", {"train", "extract", "select", "report"}),
        ("laws/refit.py", {"select"}),
        ("reports/page.py", {"report"}),
        ("reports/templates/page.html", {"report", "summarize"}),
        ("data/importers.py", {"prepare"}),
        ("surrogates/levenberg.py", {"train", "extract"}),
        ("errors.py", set(STAGES)),
        ("cli/commands.py", set()),
        ("config.py", set()),
        ("parallel.py", set()),
        ("__init__.py", set()),
    ],
)
def test_an_edit_touches_exactly_these_stages(copied, file, touched):
    assert (copied / file).exists()
    assert changed_by(copied / file) == touched


def test_an_unused_new_module_touches_nothing(copied):
    before = digests()
    (copied / "distillers" / "new.py").write_text("VALUE = 1\n")
    assert digests() == before


def test_dependencies_see_imports_inside_functions_but_not_for_types(tmp_path, monkeypatch):
    package = tmp_path / "residuum"
    (package / "deep").mkdir(parents=True)
    for name in ("__init__", "a", "b", "c", "deep/__init__", "deep/d"):
        (package / f"{name}.py").write_text("")
    (package / "deep" / "e.py").write_text(
        "from __future__ import annotations\n"
        "from typing import TYPE_CHECKING\n"
        "from . import d\n"
        "from ..a import x\n"
        "if TYPE_CHECKING:\n    from residuum.c import y\n"
        "def f():\n    from residuum import b\n"
    )
    monkeypatch.setattr(provenance, "ROOT", package)
    clear()
    try:
        found = dependencies("residuum.deep.e")
    finally:
        monkeypatch.undo()
        clear()
    assert found == (
        "residuum.a", "residuum.b", "residuum.deep", "residuum.deep.d", "residuum.deep.e"
    )  # fmt: skip


def test_json_digest_does_not_depend_on_the_order_of_keys():
    assert json_digest({"a": 1, "b": [1.5]}) == json_digest({"b": [1.5], "a": 1})
    assert json_digest({"a": 1}) != json_digest({"a": 2})
