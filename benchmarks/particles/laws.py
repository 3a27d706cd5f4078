"""The whole pipeline on a particle case: train, extract, distil and select, timed by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.particles.agreement import acceleration_errors
from benchmarks.particles.cases import (
    DATA,
    TRAINING,
    UNSEEN,
    named,
    observations_of,
    problem_of,
    snapshots_of,
    truth_of,
)
from benchmarks.particles.judgement import Tables, judge_law, table_of
from benchmarks.particles.network import formulas_of, judged, means_of, predicted
from benchmarks.particles.rows import Row, run_rows
from benchmarks.particles.simulations import Snapshots
from benchmarks.particles.surrogate import DEFAULT, about, train_graph
from benchmarks.pipeline import Clock, formulas
from residuum.data.observations import Observations
from residuum.distillers.distiller import distill
from residuum.distillers.front import Front
from residuum.distillers.settings import GeneticSettings, SindySettings
from residuum.hidden.extract import extract
from residuum.hidden.samples import Extraction
from residuum.laws.choice import Selection
from residuum.laws.select import select
from residuum.laws.settings import SelectSettings
from residuum.problem.body_problem import BodyProblem
from residuum.seeds import child_seed
from residuum.surrogates.settings import GraphSettings

Distillers = Mapping[str, SindySettings | GeneticSettings]
# The published search had comparisons, without which no formula jumps.
OPERATORS = (*GeneticSettings().operators, "sign")
MOST_ROWS = 3000  # at which a formula is compared with the truth


def distillers(seconds: float) -> dict[str, Distillers]:
    """Return what is compared: the genetic search with its seconds a term, sparse regression."""
    return {
        "genetic": {"genetic": GeneticSettings(budget=f"{seconds:g} s", operators=OPERATORS)},
        "sindy": {"sindy": SindySettings()},
    }


def measure(
    *,
    only: Sequence[str],
    seeds: int,
    seconds: float,
    lines: Path,
    data: Path = DATA,
    settings: GraphSettings = DEFAULT,
) -> list[Row]:
    """Find the law of every case and seed that `lines` does not hold yet; return all rows."""
    jobs = [
        {"case": case, "axes": axes, "seed": seed, "budget": seconds}
        for seed in range(seeds)
        for case, axes in named(only)
    ]
    return run_rows(jobs, partial(one, data=data, settings=settings), lines)


def one(
    *,
    case: str,
    axes: int,
    seed: int,
    budget: float,
    data: Path,
    settings: GraphSettings = DEFAULT,
) -> Row:
    """Return the laws found by each distiller from one training."""
    observations = observations_of(snapshots_of(case, axes, seed, TRAINING, data=data))
    unseen = snapshots_of(case, axes, seed, UNSEEN, data=data)
    problem, clock = problem_of(case), Clock()
    surrogate = clock.time(
        "train", lambda: train_graph(problem, observations, seed=seed, settings=settings)
    )
    extraction = clock.time("extract", lambda: extract(surrogate, problem, observations))
    before = dict(clock.seconds)
    found = {
        name: _law(problem, observations, extraction, chosen, seed, case, unseen)
        for name, chosen in distillers(budget).items()
    }
    network = judged(problem, means_of(surrogate), unseen)
    told = {"seconds": before, "network": network, "laws": found, "operators": list(OPERATORS)}
    return {**told, **about(surrogate)}


def _law(
    problem: BodyProblem,
    observations: Observations,
    extraction: Extraction,
    chosen: Distillers,
    seed: int,
    case: str,
    unseen: Snapshots,
) -> dict[str, Any]:
    """Return the law of some distillers, judged; a failure is a result too."""
    clock = Clock()
    try:
        fronts = clock.time("distill", lambda: fronts_of(extraction, chosen, seed))
        selection = clock.time(
            "select",
            lambda: select(problem, observations, extraction, fronts, SelectSettings(holdout=0.0)),
        )
    except Exception as fault:  # one law that fails must not lose the others
        return {"status": f"{type(fault).__name__}: {fault}", "seconds": clock.seconds}
    return {"status": "ok", "seconds": clock.seconds, **told(problem, case, selection, unseen)}


def fronts_of(extraction: Extraction, chosen: Distillers, seed: int) -> list[dict[str, Front]]:
    """Return the front of every hidden term for each distiller."""
    return [
        {
            term: distill(samples, settings, seed=child_seed(seed, "distill", name, term))
            for term, samples in extraction.samples.items()
        }
        for name, settings in chosen.items()
    ]


def told(
    problem: BodyProblem, case: str, selection: Selection, unseen: Snapshots
) -> dict[str, Any]:
    """Return the law's formulas, whether they are the truth, and its errors on unseen snapshots."""
    hidden = formulas(selection)
    accelerations, _ = predicted(problem, formulas_of(problem, hidden), unseen)
    tables = tables_of(problem, unseen)
    verdict = judge_law(hidden, truth_of(case), truth_of(case, softened=False), tables)
    return {
        "hidden": {name: formula.infix() for name, formula in hidden.items()},
        **verdict,
        **acceleration_errors(accelerations, unseen.accelerations),
        "listed": _listed(selection, case, tables),
    }


def _listed(selection: Selection, case: str, tables: Tables) -> int | None:
    """Return the place of the first law on the shortlist that is the truth, softened or not."""
    truths = truth_of(case), truth_of(case, softened=False)
    for place, row in enumerate(selection.rows, start=1):
        verdict = judge_law(row.fit.hidden, *truths, tables)
        if verdict["exact"] or verdict["form"]:
            return place
    return None


def tables_of(problem: BodyProblem, unseen: Snapshots) -> dict[str, Any]:
    """Return the measures at which each hidden term is called on unseen snapshots."""
    seen: dict[str, np.ndarray] = {}

    def note(term: str, X: np.ndarray) -> np.ndarray:
        seen[term] = X[:: max(1, len(X) // MOST_ROWS)]
        return np.zeros(len(X))

    predicted(problem, note, unseen)
    return {t.name: table_of(t.measures, seen[t.name]) for t in problem.hidden_terms}
