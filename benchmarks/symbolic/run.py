"""One problem after another, two at a time on one core each; a JSON line when one ends."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe
from benchmarks.records import append_line, read_lines
from benchmarks.symbolic.engines import ENGINES
from benchmarks.symbolic.found import Found
from benchmarks.symbolic.problem import Absent, Problem
from benchmarks.symbolic.suites import OWN_NOISE, SUITES, problem_of
from residuum.metrics.judgement import Judgement, judge
from residuum.metrics.structural import SLACK
from residuum.seeds import generator

PROCESSES = 2
FRONT = 40  # formulas of a front that are judged, those of smallest loss
HEAD = f"{'problem':<16} {'engine':<16} seed  recovered front numeric distance      s"


@dataclass(frozen=True)
class Job:
    """What is run: a problem as told, an engine, its seed and its seconds."""

    suite: str
    name: str
    engine: str
    seed: int
    noise: float
    units: bool
    seconds: float

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells this job from every other."""
        return tuple(asdict(self).values())


def run_suite(
    suite: str,
    *,
    noise: float,
    units: bool,
    seeds: int,
    seconds: float,
    engine: str,
    only: Sequence[str],
    lines: Path,
) -> None:
    """Run what `lines` does not hold yet and print a table as it grows; Absent data are said."""
    try:
        names = [problem.name for problem in SUITES[suite](0)]
    except Absent as problem:
        print(f"{suite} not run: {problem}", flush=True)
        return
    unknown = set(only) - set(names)
    if unknown:
        raise SystemExit(f"no problem {', '.join(sorted(unknown))} in {suite}")
    noise = 0.0 if suite in OWN_NOISE else noise
    told = units and has_units(suite)
    jobs = [
        Job(suite, name, engine, seed, noise, told, seconds)
        for seed in range(seeds)
        for name in names
        if not only or name in only
    ]
    machine = describe()
    kept = [row for row in read_lines(lines) if _is_current(row, machine["code"])]
    rows = {job_of(row).key: row for row in kept}
    missing = [job for job in jobs if job.key not in rows]
    print(HEAD, flush=True)
    for row in _finished(missing):
        append_line(lines, {**row, "code": machine["code"], "machine": machine})
        rows[job_of(row).key] = row
        print(_sentence(row), flush=True)
    print(_summary([rows[job.key] for job in jobs if job.key in rows]), flush=True)


def _is_current(row: dict[str, Any], code: str) -> bool:
    """Tell whether a row need not be measured again: a peer knows nothing of our sources."""
    return "engine" in row and (row["engine"] != "residuum" or row["code"] == code)


def has_units(suite: str) -> bool:
    """Tell whether a suite knows units."""
    return suite in ("fastsrb", "empirical")


def job_of(row: dict[str, Any]) -> Job:
    """Return the job whose result a row is."""
    return Job(**{name: row[name] for name in Job.__dataclass_fields__})


def _finished(jobs: Sequence[Job]) -> Iterator[dict[str, Any]]:
    # Spawned: forked processes would share the state of the libraries' thread pools.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        waiting = [pool.submit(run_job, job) for job in jobs]
        try:
            for done in as_completed(waiting):
                yield done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_WARM: set[str] = set()


def warm_up(engine: str) -> None:
    """Run an engine once in a process, not counted: it imports and loads compiled code."""
    if engine in _WARM:
        return
    _WARM.add(engine)
    problem = problem_of("strogatz", "lv-x", seed=0, noise=0.0, units=False)
    try:
        ENGINES[engine](problem, 1.0, 0)
    except Exception as fault:  # the first real problem will say what is wrong
        print(f"{engine}: {type(fault).__name__}: {fault}", flush=True)


def run_job(job: Job) -> dict[str, Any]:
    """Return the row of one job; an engine that fails has recovered nothing, and says why."""
    warm_up(job.engine)
    problem = problem_of(job.suite, job.name, seed=job.seed, noise=job.noise, units=job.units)
    began = time.perf_counter()
    try:
        found, status = ENGINES[job.engine](problem, job.seconds, job.seed), "ok"
    except Exception as fault:  # a failure of an engine is a result of the benchmark
        found, status = [], f"{type(fault).__name__}: {fault}"
    wall = time.perf_counter() - began
    row = {**asdict(job), "status": status, "wall": wall, "truth": problem.truth.infix()}
    return {**row, **judged(problem, found)}


def judged(problem: Problem, found: Sequence[Found]) -> dict[str, Any]:
    """Return the measures of the chosen formula and whether any on the front is the truth."""
    chosen = next((row for row in found if row.chosen), None)
    if chosen is None:
        return {"recovered": False, "front": False, "numeric": False, "exact": False}
    verdict = _judge(problem, chosen)
    others = sorted((row for row in found if row is not chosen), key=lambda row: row.loss)[:FRONT]
    front = verdict.structural or any(_judge(problem, row).structural for row in others)
    return {
        "recovered": verdict.structural,
        "front": front,
        "numeric": verdict.numeric,
        "exact": verdict.exact,
        "distance": verdict.distance,
        "f1": verdict.terms.f1,
        "coefficient_error": verdict.terms.coefficient_error,
        "unexplained": verdict.unexplained,
        "left": verdict.left,
        "size": verdict.size,
        "true_size": verdict.true_size,
        "offered": len(found),
        "found": chosen.expression.infix(),
    }


def _judge(problem: Problem, row: Found) -> Judgement:
    rng = generator(0, "symbolic", "judge")
    slack = max(SLACK, 3.0 * problem.noise / float(np.sqrt(len(problem.y))))
    return judge(row.expression, problem.truth, problem.test, rng=rng, slack=slack)


def _sentence(row: dict[str, Any]) -> str:
    yes = {True: "yes", False: "-"}
    text = (
        f"{row['name']:<16} {row['engine']:<16} {row['seed']:>4}  {yes[row['recovered']]:<9} "
        f"{yes[row['front']]:<5} {yes[row['numeric']]:<7} {row.get('distance', 1.0):>8.2f} "
        f"{row['wall']:>6.1f}"
    )
    return text if row["status"] == "ok" else f"{text}  {row['status']}"


def _summary(rows: Sequence[dict[str, Any]]) -> str:
    count = len(rows)
    shares = ", ".join(
        f"{name} {sum(bool(row[name]) for row in rows)}"
        for name in ("recovered", "front", "numeric")
    )
    return f"of {count}: {shares}"
