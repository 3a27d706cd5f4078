"""The Snakemake command behind `residuum run`, and where the workflow is found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from campaigns import ROOT
from residuum.cli import run
from residuum.cli.run import RunRequest, command, default_cores, profile_path, workflow_root
from residuum.errors import UserError


@pytest.fixture
def request_(tmp_path) -> RunRequest:
    return RunRequest(config=tmp_path / "c.yaml", directory=tmp_path, cores=3)


def option(line: list[str], name: str) -> str:
    return line[line.index(name) + 1]


def test_the_command_names_everything_absolutely(request_, tmp_path):
    line = command(request_)
    assert line[:3] == [sys.executable, "-m", "snakemake"]
    assert option(line, "--snakefile") == str(ROOT / "workflow" / "Snakefile")
    assert option(line, "--workflow-profile") == str(ROOT / "profiles" / "default")
    assert option(line, "--directory") == str(tmp_path)
    assert option(line, "--configfile") == str(tmp_path / "c.yaml")
    assert option(line, "--cores") == "3"
    assert option(line, "--logger") == "residuum"
    assert {"--rerun-incomplete", "--keep-going"} <= set(line)


def test_all_cores_unless_told_or_a_profile_decides(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "find_spec", lambda name: name)
    plain = RunRequest(tmp_path, tmp_path, cores=None)
    assert option(command(plain), "--cores") == str(default_cores())
    slurm = RunRequest(tmp_path, tmp_path, cores=None, profile="slurm")
    assert "--cores" not in command(slurm)
    assert option(command(slurm), "--profile") == str(ROOT / "profiles" / "slurm")


def test_a_dry_run_uses_snakemakes_own_words(tmp_path):
    line = command(RunRequest(tmp_path, tmp_path, cores=1, dry_run=True))
    assert "--dry-run" in line
    assert "--logger" not in line


def test_a_users_profile_comes_before_ours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert profile_path("local") == str(ROOT / "profiles" / "local")
    Path("local").mkdir()
    assert profile_path("local") == str(tmp_path / "local")
    # Snakemake looks for any other name among its own
    assert profile_path("mine") == "mine"


def test_an_installation_without_the_workflow_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "__file__", str(tmp_path / "a" / "b" / "residuum" / "cli" / "run.py"))
    with pytest.raises(UserError, match="workflow is missing"):
        workflow_root()
