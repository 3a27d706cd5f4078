"""Laws from noisy positions alone: no accelerations, no velocities.

Four bodies in two dimensions, at most 1,000 snapshots of a case, 1 % of the positions' standard
deviation as noise. Runs last as long as a few crossings; weak forces are filmed in more runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.particles.cases import DATA, UNSEEN, problem_of, snapshots_of
from benchmarks.particles.laws import distillers, fronts_of, told
from benchmarks.particles.rows import Row, run_rows
from benchmarks.particles.surrogate import about, train_graph
from benchmarks.particles.trajectories import Plan, filmed, runs
from benchmarks.pipeline import Clock
from residuum.hidden.extract import extract
from residuum.laws.select import select
from residuum.laws.settings import SelectSettings
from residuum.seeds import generator

NOISE = 0.01
AXES = 2
PLANS = {
    "spring": Plan(runs=10, frames=50, duration=5.0),
    "r1": Plan(runs=20, frames=50, duration=1.5),
    "charge": Plan(runs=40, frames=25, duration=1.0),
}


def measure(
    *, only: Sequence[str], seeds: int, seconds: float, lines: Path, data: Path = DATA
) -> list[Row]:
    """Find the law of every case and seed that `lines` does not hold yet; return all rows."""
    unknown = set(only) - set(PLANS)
    if unknown:
        raise SystemExit(f"no case {', '.join(sorted(unknown))}: expected {', '.join(PLANS)}")
    jobs = [
        {"case": case, "axes": AXES, "seed": seed, "budget": seconds}
        for seed in range(seeds)
        for case in only or PLANS
    ]
    return run_rows(jobs, partial(one, data=data), lines)


def one(
    *, case: str, axes: int, seed: int, budget: float, data: Path, plan: Plan | None = None
) -> Row:
    """Return the law found from one film, judged; a failure is a result too."""
    plan = plan or PLANS[case]
    found = runs(case, plan, axes=axes, rng=generator(seed, "positions", case))
    observations = filmed(found, NOISE, generator(seed, "noise", case))
    unseen = snapshots_of(case, axes, seed, UNSEEN, data=data)
    problem, clock = problem_of(case), Clock()
    shape = {"runs": plan.runs, "frames": plan.frames, "duration": plan.duration}
    try:
        surrogate = clock.time("train", lambda: train_graph(problem, observations, seed=seed))
        extraction = clock.time("extract", lambda: extract(surrogate, problem, observations))
        fronts = clock.time(
            "distill",
            lambda: [
                front
                for chosen in distillers(budget).values()
                for front in fronts_of(extraction, chosen, seed)
            ],
        )
        selection = clock.time(
            "select",
            lambda: select(problem, observations, extraction, fronts, SelectSettings(holdout=0.0)),
        )
    except Exception as fault:  # one film that fails must not lose the others
        return {"status": f"{type(fault).__name__}: {fault}", "seconds": clock.seconds, **shape}
    return {
        "status": "ok",
        "seconds": clock.seconds,
        "cpu": clock.cpu,
        **shape,
        **told(problem, case, selection, unseen),
        **about(surrogate),
    }
