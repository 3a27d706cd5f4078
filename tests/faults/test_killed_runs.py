"""A run killed at any moment and started again gives the law of an undisturbed run."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from campaigns import DECAY, call
from residuum.cli.lock import RUN_VARIABLE

pytestmark = pytest.mark.slow


def law(folder: Path) -> dict:
    """A law without what says when and how fast it was found."""
    whole = json.loads((folder / "results" / "decay" / "law.json").read_text())
    whole.pop("sha256")
    whole["provenance"].pop("wall_s")
    return whole


@pytest.fixture
def campaign_of_one(tmp_path) -> Path:
    path = tmp_path / "campaign.yaml"
    path.write_text(DECAY)
    return path


def start(campaign: Path, folder: Path) -> subprocess.Popen:
    """Start a run in a process group of its own, as a terminal does."""
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "residuum", "run", str(campaign), "--cores", "2"],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def processes_of(folder: Path) -> list[psutil.Process]:
    """Processes of runs in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if RUN_VARIABLE in process.environ() and Path(process.cwd()) == folder.resolve():
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_group(process: subprocess.Popen) -> None:
    os.killpg(process.pid, signal.SIGKILL)


def kill_parent(process: subprocess.Popen) -> None:
    process.kill()


def test_killed_and_started_again_gives_the_same_law(finished, campaign_of_one, tmp_path):
    folder = tmp_path / "run"
    delays = []
    for kill in (kill_group, kill_parent):
        process = start(campaign_of_one, folder)
        delays.append(random.SystemRandom().uniform(1.0, 12.0))
        time.sleep(delays[-1])
        kill(process)
        process.wait()
    done = call("residuum", "run", campaign_of_one, "--cores", "2", cwd=folder)
    assert done.returncode == 0, (delays, done.stdout)
    assert law(folder) == law(finished.folder), delays
    assert not processes_of(folder)
    assert not list((folder / "results").rglob("*.tmp")), delays


def test_a_run_asked_to_end_ends_at_once_and_another_is_refused_before(campaign_of_one, tmp_path):
    folder = tmp_path / "run"
    process = start(campaign_of_one, folder)
    deadline = time.monotonic() + 60
    while not (folder / "logs" / "decay").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    other = call("residuum", "run", campaign_of_one, "--cores", "1", cwd=folder)
    assert other.returncode == 2
    assert f"process {process.pid}" in other.stdout
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 128 + signal.SIGTERM
    assert not processes_of(folder)
    locks = folder / ".snakemake" / "locks"
    assert not (locks.exists() and list(locks.iterdir()))
