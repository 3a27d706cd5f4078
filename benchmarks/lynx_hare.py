"""B19: twenty-one years of real counts, every parameter unknown, beside a published posterior."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cases import is_product
from benchmarks.machine import describe
from benchmarks.pipeline import Settings, run, select_without_sharing
from benchmarks.published import LYNX_HARE
from benchmarks.records import write_result
from residuum.data.observations import Observations
from residuum.data.prepare import prepare
from residuum.data.settings import DataSettings, Noise
from residuum.laws.choice import Row
from residuum.laws.settings import SelectSettings
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter, Problem

COUNTS = Path(__file__).parent.parent / "data" / "lynx_hare.csv"
NAMES = ("hare", "lynx")
HOLDOUT = 0.25
TOP = 10


@dataclass(frozen=True)
class Real:
    """The real counts as the default campaign takes them."""

    problem: Problem
    observations: Observations
    settings: Settings


def lynx_hare() -> Real:
    """Return the counts with both interactions hidden and both rates to be estimated."""
    problem = read_problem(
        {
            "hare_t": "alpha*hare - predation(hare, lynx)",
            "lynx_t": "growth(hare, lynx) - gamma*lynx",
        },
        states=NAMES,
        parameters={name: Parameter(name, bounds=(0.0, 2.0)) for name in ("alpha", "gamma")},
    )
    data = DataSettings(file=str(COUNTS), time="year", noise=Noise("lognormal"))
    observations = prepare(data, Path(), dataset="lynx_hare", states=NAMES, holdout=HOLDOUT)
    settings = Settings(select=SelectSettings(holdout=HOLDOUT))
    return Real(problem, observations, settings)


def measure(*, result: Path) -> None:
    """Run the pipeline on the real counts; write the first laws and the constants of B19's form."""
    real = lynx_hare()
    run(real.problem, lambda: real.observations, seed=1, settings=real.settings)
    _, outcome = run(real.problem, lambda: real.observations, seed=0, settings=real.settings)
    alone = select_without_sharing(real.problem, real.observations, outcome, real.settings)
    law = outcome.selection.law
    found = {
        "machine": describe(),
        "hidden": {name: e.infix() for name, e in outcome.hidden.items()},
        "identifiable": dict(law.verdict.identifiable),
        "warnings": list(law.verdict.warnings),
        "lotka_volterra": standing(outcome.selection.rows),
        "lotka_volterra_alone": standing(alone.rows),
        "intervals": intervals(law),
        "rows": _rows(outcome.selection.rows),
        "rows_alone": _rows(alone.rows),
        "seconds": dict(outcome.seconds),
        "total": sum(outcome.seconds.values()),
    }
    print(found, flush=True)
    write_result(result, found)


def standing(rows: tuple[Row, ...]) -> dict[str, Any] | None:
    """Return rank, distance in description length and constants of Lotka-Volterra, or None."""
    shortest = min(row.length for row in rows)
    for rank, row in enumerate(rows, start=1):
        if all(is_product(e, NAMES) for e in row.fit.hidden.values()):
            constants = {name: e.constants[0] for name, e in row.fit.hidden.items()}
            values = {**constants, **{p: row.fit.values[p] for p in ("alpha", "gamma")}}
            return {"rank": rank, "behind": row.length - shortest, "constants": values}
    return None


def intervals(law: Any) -> dict[str, list[float]]:
    """Return the 95 % intervals of the law's constants, if it is Lotka-Volterra; else none."""
    hidden = {name: formula.terms for name, formula in law.hidden.items()}
    if not all(is_product(law.hidden[name].expression, NAMES) for name in hidden):
        return {}
    ends = {name: list(rows[0].ci95) for name, rows in hidden.items()}
    return ends | {name: list(law.parameters[name].ci95) for name in LYNX_HARE if name not in ends}


def _rows(rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    shortest = min(row.length for row in rows)
    return [
        {
            "hidden": {name: e.infix() for name, e in row.fit.hidden.items()},
            "behind": row.length - shortest,
            "holdout_error": row.holdout_error,
        }
        for row in rows[:TOP]
    ]
