"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from campaigns import CAMPAIGN, call, table

# Shared machines are too noisy for deadlines. A merge must not fail on an example that nobody
# has seen: there examples are fixed, while every other run draws new ones.
settings.register_profile("everywhere", deadline=None)
settings.register_profile("merge", deadline=None, derandomize=True)
settings.load_profile("merge" if os.environ.get("CI") else "everywhere")


@pytest.fixture
def campaign(tmp_path) -> Path:
    """A campaign file with a data file beside it, away from the folder that a run works in."""
    folder = tmp_path / "my campaign"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "table.csv").write_text(table())
    path = folder / "campaign.yaml"
    path.write_text(CAMPAIGN)
    return path


@pytest.fixture
def workdir(tmp_path) -> Path:
    folder = tmp_path / "run here"
    folder.mkdir()
    return folder


@pytest.fixture
def snakemake(workdir) -> Callable[..., str]:
    """Snakemake in the run's folder; returns what it said and fails when it failed."""

    def run(*words: str | Path, ok: bool = True, cwd: Path = workdir) -> str:
        done = call("snakemake", *words, cwd=cwd)
        assert (done.returncode == 0) is ok, done.stdout
        return done.stdout

    return run


@dataclass(frozen=True)
class Finished:
    """A run that came to its end: its folder and its campaign file."""

    folder: Path
    campaign: Path
    said: str


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Finished:
    """The small campaign, run once for every test that needs its results."""
    home = tmp_path_factory.mktemp("finished")
    path = home / "campaign.yaml"
    path.write_text(CAMPAIGN)
    (home / "data").mkdir()
    (home / "data" / "table.csv").write_text(table())
    (home / "run").mkdir()
    done = call("residuum", "run", path, "--cores", "2", cwd=home / "run")
    assert done.returncode == 0, done.stdout
    return Finished(home / "run", path, done.stdout)
