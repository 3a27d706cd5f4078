"""What a run shows of Snakemake's events."""

from __future__ import annotations

import io
import logging

import pytest
from rich.console import Console
from snakemake_interface_logger_plugins.common import LogEvent

from residuum.cli.progress import LogHandler, State, seconds, table, tail


@pytest.fixture
def handler():
    handler = LogHandler(None, None)
    handler.console = Console(file=io.StringIO(), width=200)
    return handler


def record(event=None, level=logging.INFO, message="", **fields):
    made = logging.LogRecord("snakemake", level, "", 0, message, None, None)
    made.__dict__.update(fields)
    if event is not None:
        made.event = event
    return made


def start(jobid, rule, **wildcards):
    return record(LogEvent.JOB_INFO, jobid=jobid, rule_name=rule, wildcards=wildcards, log=[])


def shown(handler) -> str:
    return handler.console.file.getvalue()


def test_a_job_has_a_line_when_it_starts_and_when_it_ends(handler):
    handler.emit(record(LogEvent.RUN_INFO, stats={"train": 2, "total": 3}))
    handler.emit(start(1, "train", dataset="springs", surrogate="pinn"))
    handler.emit(record(LogEvent.JOB_FINISHED, job_id=1))
    first, last = shown(handler).splitlines()
    assert first == "[0/3] train springs pinn ..."
    assert last.startswith("[1/3] train springs pinn  0.0 s")


def test_a_failure_shows_the_end_of_the_log(handler, tmp_path):
    log = tmp_path / "train.log"
    log.write_text("\n".join(f"line {k}" for k in range(30)))
    handler.emit(record(LogEvent.RUN_INFO, stats={"total": 1}))
    job = start(4, "train", dataset="[red]springs[/red]")
    job.log = [str(log)]
    handler.emit(job)
    handler.emit(record(LogEvent.JOB_ERROR, jobid=4))
    text = shown(handler)
    assert "train [red]springs[/red] FAILED" in text
    assert "line 29" in text
    assert "line 9\n" not in text
    assert str(log) in text


def test_errors_are_shown_and_noise_is_not(handler):
    handler.emit(record(LogEvent.ERROR, logging.ERROR, "WorkflowError: no such file"))
    handler.emit(record(level=logging.ERROR, message="Exiting because a job execution failed."))
    handler.emit(record(message="Select jobs to execute..."))
    handler.emit(record(message="Nothing to be done (all requested files are present)."))
    assert shown(handler) == (
        "WorkflowError: no such file\nNothing to do: every result is there and up to date.\n"
    )


def test_a_fault_of_the_display_does_not_end_the_run(handler, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    handler.emit(record(LogEvent.RUN_INFO))


def test_the_table_says_what_is_running_how_far_and_what_is_left():
    state = State(total=10)
    state.start(1, "prepare", {"dataset": "a"}, [])
    state.finish(1)
    state.start(2, "train", {"dataset": "a"}, [])
    state.start(3, "train", {"dataset": "b"}, [])
    state.fail(3)
    console = Console(file=io.StringIO(), width=200)
    console.print(table(state))
    text = console.file.getvalue()
    assert "1 of 10 done, 1 running, 7 left, 1 failed" in text
    assert "train a" in text
    assert "train b" not in text


def test_a_missing_log_is_no_fault(tmp_path):
    assert tail(tmp_path / "none.log") == []


@pytest.mark.parametrize(
    ("duration", "text"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (61, "1 min 1 s")]
)
def test_durations(duration, text):
    assert seconds(duration) == text
