"""One run at a time in a folder, and nothing left of one that was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from residuum.cli import lock
from residuum.cli.lock import (
    RUN_VARIABLE,
    end_processes_of,
    record_holder,
    run_lock,
    snakemake_lock_is_stale,
)
from residuum.errors import UserError

HOLD = """
import sys, time
from pathlib import Path
from residuum.cli.lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def lock_file(folder):
    return folder / lock.FOLDER / "run.lock"


def test_a_second_run_is_refused_and_names_the_first(tmp_path, holder):
    with pytest.raises(UserError, match=f"process {holder.pid} on"), run_lock(tmp_path):
        pass


def test_the_lock_falls_with_a_killed_holder(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert json.loads(lock_file(tmp_path).read_text())["pid"] == holder.pid
    with run_lock(tmp_path):
        assert json.loads(lock_file(tmp_path).read_text())["pid"] == os.getpid()


def test_a_clean_end_leaves_no_record(tmp_path):
    with run_lock(tmp_path) as first:
        pass
    assert lock_file(tmp_path).read_text() == ""
    with run_lock(tmp_path) as second:
        assert first != second


def test_a_torn_record_is_as_none(tmp_path):
    lock_file(tmp_path).parent.mkdir(parents=True)
    lock_file(tmp_path).write_text('{"run": "ab')
    with run_lock(tmp_path):
        pass


def test_a_record_of_another_machine_is_believed(tmp_path):
    lock_file(tmp_path).parent.mkdir(parents=True)
    lock_file(tmp_path).write_text(json.dumps({"run": "x", "host": "elsewhere", "pid": 7}))
    with pytest.raises(UserError, match="process 7 on elsewhere"), run_lock(tmp_path):
        pass


def test_processes_of_a_killed_run_are_ended_and_no_others():
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    stubborn = [
        sys.executable,
        "-c",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(flush=True); time.sleep(60)",
    ]
    ours = subprocess.Popen(sleep, env=os.environ | {RUN_VARIABLE: "old-run"})
    deaf = subprocess.Popen(
        stubborn, env=os.environ | {RUN_VARIABLE: "old-run"}, stdout=subprocess.PIPE
    )
    deaf.stdout.readline()
    other = subprocess.Popen(sleep, env=os.environ | {RUN_VARIABLE: "new-run"})
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lock, "GRACE_S", 0.5)
            end_processes_of("old-run")
        assert not psutil.pid_exists(ours.pid)
        assert not psutil.pid_exists(deaf.pid)
        assert other.poll() is None
    finally:
        for process in (ours, deaf, other):
            process.kill()
            process.wait()
        deaf.stdout.close()


def make_snakemake_lock(folder):
    (folder / ".snakemake" / "locks").mkdir(parents=True)
    (folder / ".snakemake" / "locks" / "0.output.lock").write_text("results/x\n")


def test_no_lock_is_not_stale(tmp_path):
    assert not snakemake_lock_is_stale(tmp_path)
    (tmp_path / ".snakemake" / "locks").mkdir(parents=True)
    assert not snakemake_lock_is_stale(tmp_path)


def test_a_lock_that_nobody_holds_is_stale(tmp_path):
    make_snakemake_lock(tmp_path)
    assert snakemake_lock_is_stale(tmp_path)


def test_a_lock_held_on_another_machine_is_left(tmp_path, monkeypatch):
    make_snakemake_lock(tmp_path)
    monkeypatch.setattr(lock.socket, "gethostname", lambda: "elsewhere")
    record_holder(tmp_path)
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"on elsewhere.*snakemake --unlock"):
        snakemake_lock_is_stale(tmp_path)


def test_a_lock_that_a_live_snakemake_holds_is_left(tmp_path):
    make_snakemake_lock(tmp_path)
    # looks as `python -m snakemake` does, without the cost of one
    script = tmp_path / "snakemake"
    script.write_text("import time; time.sleep(60)")
    process = subprocess.Popen([sys.executable, str(script)], cwd=tmp_path)
    try:
        deadline = time.monotonic() + 10
        while psutil.Process(process.pid).cmdline()[1:] != [str(script)]:
            assert time.monotonic() < deadline
        with pytest.raises(UserError, match=f"snakemake, process {process.pid}"):
            snakemake_lock_is_stale(tmp_path)
    finally:
        process.kill()
        process.wait()
