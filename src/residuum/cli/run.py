"""`residuum run`: start a campaign, or go on with one that was stopped, whatever stopped it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

import psutil

from residuum.cli.lock import RUN_VARIABLE, run_lock, snakemake_lock_is_stale
from residuum.errors import UserError

PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What is to be run, where and with what; all paths absolute."""

    config: Path
    directory: Path
    cores: int | None
    profile: str | None = None
    dry_run: bool = False
    forwarded: tuple[str, ...] = ()


def run(request: RunRequest) -> int:
    """Run a campaign to its end and return Snakemake's exit code.

    Raises `UserError` when another run is at work in the folder.
    """
    request.directory.mkdir(parents=True, exist_ok=True)
    with run_lock(request.directory) as identity:
        environment = os.environ | {RUN_VARIABLE: identity}
        if snakemake_lock_is_stale(request.directory):
            unlock = [*_snakemake(request), "--unlock", "--quiet", "all"]
            _call(unlock, environment)
        return _call(command(request), environment)


def command(request: RunRequest) -> list[str]:
    """Return the Snakemake command of a run."""
    line = [*_snakemake(request), "--rerun-incomplete", "--keep-going"]
    # On a cluster --cores would cap what all jobs together may ask for: there the profile decides.
    if request.cores is not None or request.profile is None:
        line += ["--cores", str(request.cores or default_cores())]
    if request.profile is not None:
        line += ["--profile", profile_path(request.profile)]
    if request.dry_run:
        line += ["--dry-run"]
    else:
        line += ["--logger", "residuum"]
    return [*line, *request.forwarded]


def workflow_root() -> Path:
    """Return the folder that holds `workflow/` and `profiles/`: a clone's, or the wheel's."""
    package = Path(__file__).parents[1]
    for root in (package / "_workflow", package.parents[1]):
        if (root / "workflow" / "Snakefile").is_file():
            return root
    raise UserError(
        "the workflow is missing from this installation",
        expected=str(package / "_workflow" / "workflow" / "Snakefile"),
        hint="install residuum again",
    )


def profile_path(profile: str) -> str:
    """Return one of our profiles by its name, or what the user named (a folder, or Snakemake's)."""
    ours = workflow_root() / "profiles" / profile
    plain = Path(profile).name == profile and not Path(profile).exists()
    if plain and ours.is_dir():
        _check_executor(profile)
        return str(ours)
    return str(Path(profile).resolve()) if Path(profile).exists() else profile


def _check_executor(profile: str) -> None:
    if profile == "slurm" and find_spec("snakemake_executor_plugin_slurm") is None:
        raise UserError(
            "Snakemake's Slurm executor is not installed",
            where="--profile slurm",
            hint="python -m pip install snakemake-executor-plugin-slurm",
        )


def _snakemake(request: RunRequest) -> list[str]:
    root = workflow_root()
    return [
        *(sys.executable, "-m", "snakemake"),
        *("--snakefile", str(root / "workflow" / "Snakefile")),
        *("--directory", str(request.directory)),
        *("--configfile", str(request.config)),
        *("--workflow-profile", str(root / "profiles" / "default")),
    ]


def _call(line: Sequence[str], environment: dict[str, str]) -> int:
    """Run a command to its end; a signal to this process ends it and all it started."""
    process = subprocess.Popen(line, env=environment, preexec_fn=_die_with_parent)
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        _stop(process.pid)

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 128 + received[0] if received else code if code >= 0 else 128 - code


def _stop(pid: int) -> None:
    """Ask Snakemake to end, and then the jobs that it would otherwise wait for."""
    try:
        snakemake = psutil.Process(pid)
        jobs = snakemake.children(recursive=True)
        snakemake.terminate()
        for job in jobs:
            job.terminate()
    except psutil.NoSuchProcess:
        return


def _die_with_parent() -> None:
    """Ask the kernel to end this process when `residuum run` is killed (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM)


def default_cores() -> int:
    """Return the cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
