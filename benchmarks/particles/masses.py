"""Law and masses together: all masses but one are not known, accelerations are exact.

Bodies keep their identity over 100 runs of ten snapshots; each run is of four of eight bodies, so
that many products of masses are seen, and the law of the masses is found rather than assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.particles.cases import DATA, UNSEEN, problem_of, snapshots_of
from benchmarks.particles.discovery import discovered, run_plans
from benchmarks.particles.laws import distillers, told
from benchmarks.particles.rows import Row
from benchmarks.particles.surrogate import about
from benchmarks.particles.trajectories import Plan, same_bodies
from residuum.data.written_bodies import unknown_name
from residuum.laws.choice import Selection
from residuum.seeds import generator
from residuum.surrogates.surrogate import Surrogate

BODIES = 8
PLANS = {"r2": Plan(runs=100, frames=10, duration=1.0)}


def measure(
    *, only: Sequence[str], seeds: int, seconds: float, lines: Path, data: Path = DATA
) -> list[Row]:
    """Find law and masses of every case and seed that `lines` does not hold; return all rows."""
    work = partial(one, data=data)
    return run_plans(work, PLANS, only=only, seeds=seeds, seconds=seconds, lines=lines)


def one(
    *, case: str, axes: int, seed: int, budget: float, data: Path, plan: Plan | None = None
) -> Row:
    """Return law and masses found, judged; a failure is a result too."""
    rng = generator(seed, "masses", case)
    observations, masses = same_bodies(case, plan or PLANS[case], axes=axes, bodies=BODIES, rng=rng)
    unseen = snapshots_of(case, axes, seed, UNSEEN, data=data)
    problem = problem_of(case)

    def words(surrogate: Surrogate, selection: Selection) -> dict[str, Any]:
        learned = {name: value for name, (value, _) in surrogate.parameters.items()}
        fitted = {name: p.value for name, p in selection.law.parameters.items() if p.estimated}
        return {
            "unknown": len(fitted),
            "masses": worst(fitted, masses),
            "network_masses": worst(learned, masses),
            **told(problem, case, selection, unseen),
            **about(surrogate),
        }

    chosen = [distillers(budget)["genetic"]]
    return discovered(problem, observations, chosen, seed=seed, told=words)


def worst(found: dict[str, float], masses: dict[str, float]) -> float:
    """Return the largest relative error of the masses that were not told."""
    named = {unknown_name("mass", body): value for body, value in masses.items()}
    return max(abs(value / named[name] - 1.0) for name, value in found.items())
