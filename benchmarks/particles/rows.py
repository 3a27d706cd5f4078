"""Rows of the particle cases on disk: what was measured by the present sources is not run again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.machine import describe
from benchmarks.records import append_line, read_lines

Row = dict[str, Any]
Key = tuple[Any, ...]


def run_rows(jobs: Iterable[Mapping[str, Any]], work: Callable[..., Row], lines: Path) -> list[Row]:
    """Run the jobs that `lines` does not hold yet, a line as each ends; return the rows of all.

    A job is what tells its row from every other, and the keywords of `work`.
    """
    jobs = list(jobs)
    machine = describe()
    rows = {key_of(row, jobs): row for row in read_lines(lines) if row["code"] == machine["code"]}
    for job in jobs:
        if key_of(job, jobs) in rows:
            continue
        row = {**job, **work(**job), "code": machine["code"], "machine": machine}
        append_line(lines, row)
        rows[key_of(job, jobs)] = row
        print({k: v for k, v in row.items() if k not in ("code", "machine")}, flush=True)
    return [rows[key_of(job, jobs)] for job in jobs]


def key_of(row: Mapping[str, Any], jobs: list[Mapping[str, Any]]) -> Key:
    """Return what tells a row from every other: the values of what a job has."""
    return tuple(row.get(name) for name in jobs[0])


def latest(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> list[Mapping[str, Any]]:
    """Return the last row of each combination of the named values."""
    names = tuple(names)
    return list({tuple(row[name] for name in names): row for row in rows}.values())


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Return what work returns, its wall seconds and the seconds of the processor."""
    began, cpu = time.perf_counter(), time.process_time()
    value = work()
    seconds = time.perf_counter() - began
    return value, {"seconds": seconds, "cpu": time.process_time() - cpu}
