"""The whole pipeline on planned runs of a case, in jobs that can be taken up again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.particles.laws import Distillers, fronts_of
from benchmarks.particles.rows import Row, run_rows
from benchmarks.particles.surrogate import train_graph
from benchmarks.particles.trajectories import Plan
from benchmarks.pipeline import Clock
from residuum.data.observations import Observations
from residuum.hidden.extract import extract
from residuum.laws.choice import Selection
from residuum.laws.select import select
from residuum.laws.settings import SelectSettings
from residuum.problem.body_problem import BodyProblem
from residuum.surrogates.surrogate import Surrogate

AXES = 2


def run_plans(
    work: Callable[..., Row],
    plans: Mapping[str, Plan],
    *,
    only: Sequence[str],
    seeds: int,
    seconds: float,
    lines: Path,
) -> list[Row]:
    """Do the work for every planned case and seed that `lines` does not hold; return all rows."""
    unknown = set(only) - set(plans)
    if unknown:
        raise SystemExit(f"no case {', '.join(sorted(unknown))}: expected {', '.join(plans)}")
    jobs = [
        {"case": case, "axes": AXES, "seed": seed, "budget": seconds}
        for seed in range(seeds)
        for case in only or plans
    ]
    return run_rows(jobs, work, lines)


def discovered(
    problem: BodyProblem,
    observations: Observations,
    chosen: Sequence[Distillers],
    *,
    seed: int,
    told: Callable[[Surrogate, Selection], dict[str, Any]],
) -> Row:
    """Return what is told of surrogate and law, with seconds by stage; a failure is a row too."""
    clock = Clock()

    def fronts() -> list[Any]:
        return [front for one in chosen for front in fronts_of(extraction, one, seed)]

    try:
        surrogate = clock.time("train", lambda: train_graph(problem, observations, seed=seed))
        extraction = clock.time("extract", lambda: extract(surrogate, problem, observations))
        found = clock.time("distill", fronts)
        settings = SelectSettings(holdout=0.0)
        selection = clock.time(
            "select", lambda: select(problem, observations, extraction, found, settings)
        )
    except Exception as fault:  # one run that fails must not lose the others
        return {"status": f"{type(fault).__name__}: {fault}", "seconds": clock.seconds}
    taken = {"seconds": clock.seconds, "cpu": clock.cpu}
    return {"status": "ok", **taken, **told(surrogate, selection)}
