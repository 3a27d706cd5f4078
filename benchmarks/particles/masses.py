"""Law and masses together: all masses but one are not known, accelerations are exact.

Bodies keep their identity over 100 runs of ten snapshots; each run is of four of eight bodies, so
that many products of masses are seen, and the law of the masses is found rather than assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.particles.cases import DATA, UNSEEN, problem_of, snapshots_of
from benchmarks.particles.laws import distillers, fronts_of, told
from benchmarks.particles.rows import Row, run_rows
from benchmarks.particles.surrogate import about, train_graph
from benchmarks.particles.trajectories import Plan, same_bodies
from benchmarks.pipeline import Clock
from residuum.data.written_bodies import unknown_name
from residuum.hidden.extract import extract
from residuum.laws.select import select
from residuum.laws.settings import SelectSettings
from residuum.seeds import generator

BODIES = 8
AXES = 2
PLANS = {"r2": Plan(runs=100, frames=10, duration=1.0)}


def measure(
    *, only: Sequence[str], seeds: int, seconds: float, lines: Path, data: Path = DATA
) -> list[Row]:
    """Find law and masses of every case and seed that `lines` does not hold; return all rows."""
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
    """Return law and masses found, judged; a failure is a result too."""
    rng = generator(seed, "masses", case)
    observations, masses = same_bodies(case, plan or PLANS[case], axes=axes, bodies=BODIES, rng=rng)
    unseen = snapshots_of(case, axes, seed, UNSEEN, data=data)
    problem, clock = problem_of(case), Clock()
    try:
        surrogate = clock.time("train", lambda: train_graph(problem, observations, seed=seed))
        extraction = clock.time("extract", lambda: extract(surrogate, problem, observations))
        fronts = clock.time(
            "distill", lambda: fronts_of(extraction, distillers(budget)["genetic"], seed)
        )
        selection = clock.time(
            "select",
            lambda: select(problem, observations, extraction, fronts, SelectSettings(holdout=0.0)),
        )
    except Exception as fault:  # one seed that fails must not lose the others
        return {"status": f"{type(fault).__name__}: {fault}", "seconds": clock.seconds}
    learned = {name: value for name, (value, _) in surrogate.parameters.items()}
    fitted = {name: p.value for name, p in selection.law.parameters.items() if p.estimated}
    return {
        "status": "ok",
        "seconds": clock.seconds,
        "cpu": clock.cpu,
        "unknown": len(fitted),
        "masses": worst(fitted, masses),
        "network_masses": worst(learned, masses),
        **told(problem, case, selection, unseen),
        **about(surrogate),
    }


def worst(found: dict[str, float], masses: dict[str, float]) -> float:
    """Return the largest relative error of the masses that were not told."""
    named = {unknown_name("mass", body): value for body, value in masses.items()}
    return max(abs(value / named[name] - 1.0) for name, value in found.items())
