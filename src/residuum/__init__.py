"""Find the hidden terms of a half-known dynamical system and write them as formulas."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from residuum.config import load_campaign
    from residuum.data.observations import Experiment, Observations
    from residuum.discovery import discover
    from residuum.errors import UserError
    from residuum.estimator import GeneticRegressor
    from residuum.expressions.expression import Expression
    from residuum.laws.law import Law
    from residuum.problem.equations import read_problem
    from residuum.problem.problem import Parameter, Problem
    from residuum.regression import Regression, regress

__version__ = "0.1.0"

# Where each public name lives; nothing is imported before it is asked for.
_PUBLIC = {
    "Experiment": "residuum.data.observations",
    "Expression": "residuum.expressions.expression",
    "GeneticRegressor": "residuum.estimator",
    "Law": "residuum.laws.law",
    "Observations": "residuum.data.observations",
    "Parameter": "residuum.problem.problem",
    "Problem": "residuum.problem.problem",
    "Regression": "residuum.regression",
    "UserError": "residuum.errors",
    "discover": "residuum.discovery",
    "load_campaign": "residuum.config",
    "read_problem": "residuum.problem.equations",
    "regress": "residuum.regression",
}

__all__ = [
    "Experiment",
    "Expression",
    "GeneticRegressor",
    "Law",
    "Observations",
    "Parameter",
    "Problem",
    "Regression",
    "UserError",
    "discover",
    "load_campaign",
    "read_problem",
    "regress",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'residuum' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
