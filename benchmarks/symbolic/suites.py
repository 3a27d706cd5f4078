"""The suites by name."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.symbolic import empirical, fastsrb, odebench, strogatz
from benchmarks.symbolic.problem import Problem

SUITES: dict[str, Callable[[int], list[Problem]]] = {
    "strogatz": strogatz.problems,
    "odebench": odebench.problems,
    "fastsrb": fastsrb.problems,
    "empirical": empirical.problems,
}
# Its errors are part of the suite.
OWN_NOISE = ("empirical",)


def problem_of(suite: str, name: str, *, seed: int, noise: float, units: bool) -> Problem:
    """Return one problem of a suite as an engine is given it."""
    (found,) = (p for p in SUITES[suite](seed) if p.name == name)
    if suite not in OWN_NOISE:
        found = found.noisy(noise, seed)
    return found if units else found.without_units()
