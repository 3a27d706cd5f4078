"""What a run shows: what is running, how far it is, what is left.

Snakemake hands every event to this handler. On a terminal it is a live table; elsewhere it is one
plain line a job.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from logging import WARNING, LogRecord
from pathlib import Path
from typing import TYPE_CHECKING

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

TAIL = 20
ALL = "all"  # the rule that does nothing but ask for the others
NOTHING = "Nothing to be done"
# Snakemake says these beside the events that are shown.
SAID_ALREADY = ("Exiting because a job", "RuleException", "WorkflowError:\nAt least one job")


@dataclass(slots=True)
class Job:
    """One job of the run: its name as the user knows it, its logs and when it started."""

    name: str
    logs: tuple[str, ...]
    started: float


@dataclass(slots=True)
class State:
    """How far a run is."""

    total: int = 0
    done: int = 0
    failed: int = 0
    running: dict[int, Job] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> int:
        """Jobs that have neither ended nor started."""
        return max(0, self.total - self.done - self.failed - len(self.running))

    def start(
        self, jobid: int, rule: str, wildcards: Mapping[str, str], logs: Iterable[str]
    ) -> Job:
        """Note that a job started."""
        name = " ".join([rule, *wildcards.values()])
        self.running[jobid] = Job(name, tuple(logs), time.monotonic())
        return self.running[jobid]

    def finish(self, jobid: int) -> Job | None:
        """Note that a job ended well."""
        job = self.running.pop(jobid, None)
        self.done += 1
        return job

    def fail(self, jobid: int) -> Job | None:
        """Note that a job failed."""
        job = self.running.pop(jobid, None)
        self.failed += 1
        return job


class LogHandler(LogHandlerBase):
    """Turn Snakemake's events into a display."""

    def __post_init__(self) -> None:
        from rich.console import Console

        self.state = State()
        self.console: Console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._live: Live | None = None

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def emit(self, record: LogRecord) -> None:
        """Show one record; a display must never end a run."""
        try:
            self._show(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Take the live table down, and say what came of the run."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        super().close()

    def _show(self, record: LogRecord) -> None:
        event, fields = getattr(record, "event", None), record.__dict__
        if event == LogEvent.RUN_INFO:
            self._begin(int(fields["stats"].get("total", 0)))
        elif event == LogEvent.JOB_INFO:
            job = self.state.start(
                fields["jobid"], fields["rule_name"], fields["wildcards"], fields["log"]
            )
            if self._live is None and job.name != ALL:
                self._line(f"{job.name} ...")
        elif event == LogEvent.JOB_FINISHED:
            self._ended(self.state.finish(fields["job_id"]))
        elif event == LogEvent.JOB_ERROR:
            self._failed(self.state.fail(fields["jobid"]))
        elif event == LogEvent.ERROR or record.levelno >= WARNING:
            text = str(record.getMessage()).strip()
            if not text.startswith(SAID_ALREADY):
                self._print(text)
        elif event is None and str(record.msg).startswith(NOTHING):
            self._print("Nothing to do: every result is there and up to date.")

    def _begin(self, total: int) -> None:
        from rich.live import Live

        self.state = State(total=total)
        if self.console.is_terminal and self._live is None:
            self._live = Live(
                get_renderable=lambda: table(self.state), console=self.console, transient=True
            )
            self._live.start()

    def _ended(self, job: Job | None) -> None:
        if job is not None and job.name != ALL:
            self._line(f"{job.name}  {seconds(time.monotonic() - job.started)}")
        if self._live is not None and self.state.done == self.state.total:
            self.close()

    def _failed(self, job: Job | None) -> None:
        if job is not None:
            self._line(f"{job.name} FAILED")
            for log in job.logs:
                self._print("\n".join(f"    {line}" for line in tail(Path(log))))
                self._print(f"    (log: {log})")

    def _line(self, text: str) -> None:
        width = len(str(self.state.total))
        self._print(f"[{self.state.done:{width}}/{self.state.total}] {text}")

    def _print(self, text: str) -> None:
        if text:
            self.console.print(text, markup=False)
            sys.stderr.flush()


def table(state: State) -> Table:
    """Return the live display: a bar of the whole run above one row for each running job."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    now = time.monotonic()
    grid = Table.grid(padding=(0, 2))
    grid.add_row(
        ProgressBar(total=max(1, state.total), completed=state.done, width=30),
        f"{state.done} of {state.total} done, {len(state.running)} running, {state.left} left"
        + (f", {state.failed} failed" if state.failed else ""),
        seconds(now - state.began),
    )
    for job in list(state.running.values()):
        grid.add_row("", job.name, seconds(now - job.started))
    return grid


def tail(path: Path, lines: int = TAIL) -> list[str]:
    """Return the last lines of a log, or nothing when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    except OSError:
        return []


def seconds(duration: float) -> str:
    """Return a duration as people write it.

    >>> seconds(3.21), seconds(75)
    ('3.2 s', '1 min 15 s')
    """
    if duration < 60:
        return f"{duration:.1f} s"
    return f"{int(duration // 60)} min {int(duration % 60)} s"
