"""Who is running in a folder: one run at a time, and nothing left of one that was killed."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import psutil

from residuum.errors import UserError

RUN_VARIABLE = "RESIDUUM_RUN"
FOLDER = Path(".snakemake") / "residuum"
GRACE_S = 10.0


@contextmanager
def run_lock(directory: Path) -> Iterator[str]:
    """Hold the folder for one run and yield the run's id.

    The system's file lock falls with the process that holds it, however that ends, so it is never
    stale on one machine. Processes that a killed run left behind carry its id in their
    environment and are ended first. Raises `UserError` when another run is alive.
    """
    path = directory / FOLDER / "run.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        _acquire(file, path)
        end_processes_of(_left_by(_record_in(file), path))
        run = secrets.token_hex(16)
        _write(file, {"run": run, **this_process()})
        try:
            yield run
        finally:
            _write(file, None)


def this_process() -> dict[str, Any]:
    """Return what tells this process from every other: machine, number and start."""
    process = psutil.Process()
    return {"host": socket.gethostname(), "pid": process.pid, "started": process.create_time()}


def record_holder(directory: Path | None = None) -> None:
    """Write down that this Snakemake process holds the folder's lock."""
    path = (directory or Path.cwd()) / FOLDER / "holder.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(this_process()), encoding="utf-8")
    temporary.replace(path)


def snakemake_lock_is_stale(directory: Path) -> bool:
    """Tell whether Snakemake's lock is there although nobody holds it any more.

    Raises `UserError` when its holder is alive, or when that cannot be known because the holder
    ran on another machine.
    """
    locks = directory / ".snakemake" / "locks"
    if not locks.is_dir() or not any(locks.iterdir()):
        return False
    holder = _read_json(directory / FOLDER / "holder.json")
    if holder is not None and holder.get("host") != socket.gethostname():
        raise UserError(
            "the folder is locked by a run on another machine",
            where=str(directory),
            found=f"process {holder.get('pid')} on {holder.get('host')}",
            hint="if it has ended, remove the lock with `snakemake --unlock`",
        )
    for process in _snakemakes_in(directory):
        raise UserError(
            "the folder is locked by another run",
            where=str(directory),
            found=f"snakemake, process {process.pid}",
            hint="wait for it, or end it, and run again",
        )
    return True


def end_processes_of(run: str | None) -> None:
    """End what is left of a killed run: ask, wait, then insist."""
    if run is None:
        return
    left = [process for process in psutil.process_iter() if _belongs_to(process, run)]
    for process in left:
        _signal(process.terminate)
    _, alive = psutil.wait_procs(left, timeout=GRACE_S)
    for process in alive:
        _signal(process.kill)
    psutil.wait_procs(alive, timeout=GRACE_S)


def _acquire(file: TextIOWrapper, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        record = _record_in(file) or {}
        raise UserError(
            "another `residuum run` is at work in this folder",
            where=str(path.parents[2]),
            found=f"process {record.get('pid')} on {record.get('host')}",
            hint="wait for it, or end it, and run again",
        ) from None


def _left_by(record: dict[str, Any] | None, path: Path) -> str | None:
    """Return the id of the killed run that left a record, if it ran on this machine."""
    if record is None:
        return None
    if record.get("host") != socket.gethostname():
        raise UserError(
            "a run on another machine did not end cleanly, or is still at work",
            where=str(path.parents[2]),
            found=f"process {record.get('pid')} on {record.get('host')}",
            hint=f"if it has ended, remove {path} and run again",
        )
    return str(record["run"]) if record.get("run") else None


def _record_in(file: TextIOWrapper) -> dict[str, Any] | None:
    file.seek(0)
    return _parse(file.read())


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except OSError:
        return None


def _parse(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _write(file: TextIOWrapper, record: dict[str, Any] | None) -> None:
    file.seek(0)
    file.truncate()
    if record is not None:
        file.write(json.dumps(record))
    file.flush()
    os.fsync(file.fileno())


def _snakemakes_in(directory: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            names = [Path(word).name for word in process.cmdline()[:4]]
            if "snakemake" in names and Path(process.cwd()) == directory.resolve():
                yield process
        except (psutil.Error, OSError):
            continue


def _belongs_to(process: psutil.Process, run: str) -> bool:
    try:
        return process.environ().get(RUN_VARIABLE) == run
    except (psutil.Error, OSError):
        return False


def _signal(action: Any) -> None:
    try:
        action()
    except psutil.NoSuchProcess:
        return
