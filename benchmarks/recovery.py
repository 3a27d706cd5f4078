"""B1, B2, B3: in how many draws of the noise the whole pipeline finds both hidden terms."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import CASES, LotkaVolterra, hidden_error, recovered
from benchmarks.machine import describe
from benchmarks.pipeline import Outcome, Settings, formulas, run, select_without_sharing
from benchmarks.records import append_line, read_lines, write_result
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.laws.law import Law

# The first run of a process also imports and loads compiled kernels: this one is not counted.
WARM_UP = 1_000_000
OWN = ("cases", "pipeline", "recovery")


def run_draws(
    name: str, *, noise: float, points: int, draws: int, seed: int, lines: Path, result: Path
) -> None:
    """Run the draws that `lines` does not hold yet, and write all of them to `result`."""
    case, machine = CASES[name], describe()
    code = f"{machine['code']}-{own_digest()}"
    done = {row["draw"]: row for row in read_lines(lines) if row["code"] == code}
    missing = [draw for draw in range(seed, seed + draws) if draw not in done]
    if missing:
        warm_up(case, noise, points)
    for draw in missing:
        row = {**one_draw(case, noise, points, draw), "code": code}
        append_line(lines, row)
        done[draw] = row
        print(_sentence(name, noise, points, row), flush=True)
    rows = [done[draw] for draw in range(seed, seed + draws)]
    about = {"case": name, "noise": noise, "points": points, "asked": draws}
    write_result(result, {**about, "machine": machine, "draws": rows})


def own_digest() -> str:
    """Return the sha256 of the benchmark's own sources that a draw depends on."""
    files = [Path(__file__).with_name(f"{name}.py") for name in OWN]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def warm_up(case: LotkaVolterra, noise: float, points: int) -> float:
    """Run once without keeping the answer; return the seconds it took."""
    began = time.perf_counter()
    one_draw(case, noise, points, WARM_UP)
    return time.perf_counter() - began


def one_draw(case: LotkaVolterra, noise: float, points: int, draw: int) -> dict[str, Any]:
    """Return the record of one draw; a draw that fails counts as not recovered, and says why."""
    began = time.perf_counter()
    try:
        return _draw(case, noise, points, draw)
    except Exception as problem:  # a failure of the library is a result of the benchmark
        return {
            "draw": draw,
            "status": f"{type(problem).__name__}: {problem}",
            "recovered": False,
            "recovered_alone": False,
            "total": time.perf_counter() - began,
        }


def _draw(case: LotkaVolterra, noise: float, points: int, draw: int) -> dict[str, Any]:
    problem, settings = case.problem(), Settings()
    observations, outcome = run(
        problem,
        lambda: case.observe(points=points, noise=noise, draw=draw),
        seed=draw,
        settings=settings,
    )
    alone = formulas(select_without_sharing(problem, observations, outcome, settings))
    return {
        "draw": draw,
        "status": "ok",
        "recovered": recovered(outcome.hidden),
        "recovered_alone": recovered(alone),
        "hidden": _texts(outcome.hidden),
        "hidden_alone": _texts(alone),
        "constants": constants(outcome.selection.law),
        "inside": inside(outcome.selection.law, case.coefficients),
        "error": errors(case, outcome),
        "truth_behind": truth_behind(outcome),
        "noise_found": dict(outcome.extraction.noise),
        "seconds": dict(outcome.seconds),
        "total": sum(outcome.seconds.values()),
        "cpu": outcome.cpu,
    }


def constants(law: Law) -> dict[str, list[float]]:
    """Return the coefficient of each hidden term and the ends of its interval, if it has one."""
    return {
        name: [formula.terms[0].coefficient, *formula.terms[0].ci95]
        for name, formula in law.hidden.items()
        if len(formula.terms) == 1
    }


def inside(law: Law, truth: Mapping[str, float]) -> dict[str, bool]:
    """Return, for each recovered hidden term, whether its 95 % interval holds the true value."""
    rows = constants(law)
    if not recovered({name: formula.expression for name, formula in law.hidden.items()}):
        return {}
    return {name: rows[name][1] <= value <= rows[name][2] for name, value in truth.items()}


def errors(case: LotkaVolterra, outcome: Outcome) -> dict[str, float]:
    """Return the hidden-term error of the surrogate and of the law along the true trajectory."""
    X = case.path()
    truth = case.truth(X)
    learned = {name: outcome.surrogate.hidden(name, X)[0] for name in truth}
    written = {name: formula_values(outcome.hidden[name], X) for name in truth}
    return {"surrogate": hidden_error(learned, truth), "law": hidden_error(written, truth)}


def formula_values(expression: Expression, X: np.ndarray) -> np.ndarray:
    """Return a formula of prey and predator at states `X[n, 2]`."""
    values = evaluate(expression, {"prey": X[:, 0], "predator": X[:, 1]})
    return np.broadcast_to(np.asarray(values, dtype=float), (len(X),))


def truth_behind(outcome: Outcome) -> float | None:
    """Return how far the true form stands behind the first law, in units of description length.

    None when it is not on the shortlist.
    """
    rows = outcome.selection.rows
    lengths = [row.length for row in rows if recovered(row.fit.hidden)]
    return min(lengths) - min(row.length for row in rows) if lengths else None


def _texts(hidden: Mapping[str, Expression]) -> dict[str, str]:
    return {name: expression.infix() for name, expression in hidden.items()}


def _sentence(name: str, noise: float, points: int, row: Mapping[str, Any]) -> str:
    found = "found" if row["recovered"] else f"NOT found: {row.get('hidden', row['status'])}"
    alone = "found" if row["recovered_alone"] else "not found"
    return (
        f"{name}, noise {noise:g}, {points} points, draw {row['draw']}: {found} "
        f"(without sharing {alone}), {row['total']:.2f} s"
    )
