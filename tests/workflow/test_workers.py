"""The same front and the same law, whatever the number of workers and wherever they are."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time

import pytest

from residuum.cli import main

pytestmark = pytest.mark.slow


@pytest.fixture
def results(finished, tmp_path):
    shutil.copytree(finished.folder / "results", tmp_path / "results")
    return tmp_path / "results"


def stages(finished, results, *options: str) -> None:
    """Distil and select again."""
    where = ("--results", str(results), *options)
    assert main(["distill", str(finished.campaign), "decay", "pinn", "sindy", *where]) == 0
    assert main(["select", str(finished.campaign), "decay", *where]) == 0


def told(results) -> tuple[bytes, dict]:
    law = json.loads((results / "decay" / "law.json").read_text())
    law["provenance"].pop("wall_s")
    law["provenance"].pop("source")
    law.pop("sha256")
    return (results / "decay" / "pinn" / "sindy" / "front.json").read_bytes(), law


def test_two_workers(finished, results):
    before = told(results)
    stages(finished, results, "--workers", "2")
    assert told(results) == before


def test_workers_of_a_running_cluster(finished, results, tmp_path):
    file = tmp_path / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    dask = [sys.executable, "-m", "dask"]
    scheduler = subprocess.Popen(
        [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", *common],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    worker = subprocess.Popen(
        [*dask, "worker", "--nthreads", "1", *common], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    try:
        before = told(results)
        stages_when_there(finished, results, file, scheduler)
        assert told(results) == before
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait(20)


def stages_when_there(finished, results, file, scheduler) -> None:
    deadline = time.monotonic() + 60
    while not file.exists():
        assert scheduler.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    stages(finished, results, "--scheduler", str(file))
