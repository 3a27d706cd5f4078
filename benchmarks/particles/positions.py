"""Laws from noisy positions alone: no accelerations, no velocities.

Four bodies in two dimensions, at most 1,000 snapshots of a case, 1 % of the positions' standard
deviation as noise. Runs last as long as a few crossings; weak forces are filmed in more runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.particles.cases import DATA, UNSEEN, problem_of, snapshots_of
from benchmarks.particles.discovery import discovered, run_plans
from benchmarks.particles.laws import distillers, told
from benchmarks.particles.rows import Row
from benchmarks.particles.surrogate import about
from benchmarks.particles.trajectories import Plan, filmed, runs
from residuum.laws.choice import Selection
from residuum.seeds import generator
from residuum.surrogates.surrogate import Surrogate

NOISE = 0.01
PLANS = {
    "spring": Plan(runs=10, frames=50, duration=5.0),
    "r1": Plan(runs=20, frames=50, duration=1.5),
    "charge": Plan(runs=40, frames=25, duration=1.0),
}


def measure(
    *, only: Sequence[str], seeds: int, seconds: float, lines: Path, data: Path = DATA
) -> list[Row]:
    """Find the law of every case and seed that `lines` does not hold yet; return all rows."""
    work = partial(one, data=data)
    return run_plans(work, PLANS, only=only, seeds=seeds, seconds=seconds, lines=lines)


def one(
    *, case: str, axes: int, seed: int, budget: float, data: Path, plan: Plan | None = None
) -> Row:
    """Return the law found from one film, judged; a failure is a result too."""
    plan = plan or PLANS[case]
    found = runs(case, plan, axes=axes, rng=generator(seed, "positions", case))
    observations = filmed(found, NOISE, generator(seed, "noise", case))
    unseen = snapshots_of(case, axes, seed, UNSEEN, data=data)
    problem = problem_of(case)

    def words(surrogate: Surrogate, selection: Selection) -> dict[str, Any]:
        return {**told(problem, case, selection, unseen), **about(surrogate)}

    chosen = list(distillers(budget).values())
    return {**asdict(plan), **discovered(problem, observations, chosen, seed=seed, told=words)}
