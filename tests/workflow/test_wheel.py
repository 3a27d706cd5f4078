"""The workflow travels in the wheel: `residuum run` works without the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import pytest

from campaigns import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel's content in a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    line = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(line, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_holds_workflow_profiles_and_templates(installed):
    root = installed / "residuum" / "_workflow"
    for part in ("workflow", "profiles"):
        mine = {p.relative_to(ROOT) for p in (ROOT / part).rglob("*") if p.is_file()}
        theirs = {p.relative_to(root) for p in (root / part).rglob("*") if p.is_file()}
        assert theirs == mine
    assert list((installed / "residuum" / "reports" / "templates").glob("*.html"))
    assert (installed / "snakemake_logger_plugin_residuum" / "__init__.py").exists()


def test_run_from_the_wheel_in_an_unrelated_folder(installed, campaign, workdir):
    line = [sys.executable, "-m", "residuum", "run", str(campaign), "--dry-run", "--cores", "1"]
    done = subprocess.run(
        line,
        cwd=workdir,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert str(installed / "residuum" / "_workflow" / "profiles" / "default") in done.stderr
    assert "rule summarize" in done.stdout
    assert {path.name for path in workdir.iterdir()} == {".snakemake"}
