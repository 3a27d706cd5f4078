"""What each engine makes of a problem in the seconds it is given.

Every engine is one function `solve(problem, seconds, seed) -> [Found, ...]`: all formulas it
offers, one of them chosen by its own rule. Nothing of the truth or the clean rows is seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.symbolic.found import Found
from benchmarks.symbolic.peers import solve_gplearn, solve_pyoperon, solve_pyoperon_polished
from benchmarks.symbolic.problem import BASES, Problem, Units

Solve = Callable[[Problem, float, int], list[Found]]


def solve_residuum(problem: Problem, seconds: float, seed: int) -> list[Found]:
    """Return the formulas of `residuum.regress` with default settings beyond what is told."""
    from residuum.regression import regress

    units = problem.units
    told = units is not None and problem.unit is not None
    answer = regress(
        problem.X,
        problem.y,
        variables=problem.variables,
        units=dict(zip(problem.variables, map(unit_text, units or ()), strict=True))
        if told
        else None,
        unit=unit_text(problem.unit or ()) if told else None,
        operators=[name for name in problem.operators if name != "neg"],
        loss=problem.loss,
        budget=f"{seconds:g} s",
        seed=seed,
    )
    return [
        Found(row.expression, row.loss, row.complexity, index == answer.chosen)
        for index, row in enumerate(answer.formulas)
    ]


def unit_text(unit: Units) -> str:
    """Return exponents of m, s, kg, K, V as text, such as `m^2*s^-1`; `1` without any."""
    powers = [f"{base}^{p:g}" for base, p in zip(BASES, unit, strict=False) if p]
    return "*".join(powers) or "1"


ENGINES: Mapping[str, Solve] = {
    "residuum": solve_residuum,
    "pyoperon": solve_pyoperon,
    "pyoperon+polish": solve_pyoperon_polished,
    "gplearn": solve_gplearn,
}
