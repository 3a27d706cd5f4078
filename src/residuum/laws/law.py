"""The completed equations with fitted constants: what the whole pipeline is for."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from residuum.expressions.constants import rounded
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.expressions.typeset import latex
from residuum.problem.body_completion import written
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_problem import BodyProblem
from residuum.problem.problem import Parameter, Problem

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class LawTerm:
    """One term of a hidden term's formula: `coefficient * term`."""

    term: Expression
    coefficient: float
    ci95: Interval
    probability: float


@dataclass(frozen=True, slots=True)
class LawConstant:
    """A constant of a formula; `inside` is the term that it stands in, None for a coefficient."""

    value: float
    ci95: Interval
    inside: int | None


@dataclass(frozen=True, slots=True)
class HiddenFormula:
    """The formula found for one hidden term, in its formal arguments and the user's units.

    `constants` are those of the expression, in its order. Of bodies a term may be a vector: the
    expression times the unit vector of the argument `direction`.
    """

    expression: Expression
    arguments: tuple[str, ...]
    origin: str
    terms: tuple[LawTerm, ...]
    constants: tuple[LawConstant, ...] = ()
    direction: str = ""


@dataclass(frozen=True, slots=True)
class LawParameter:
    """A parameter of the known physics in a law; `ci95` is empty for a given value."""

    value: float
    ci95: Interval | None
    unit: str | None
    estimated: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be believed about a law.

    `identifiable[term]` tells whether no other form of that hidden term describes the data as
    well; `missing` whether a test finds something left out; `warnings` say both in words.
    """

    identifiable: Mapping[str, bool]
    missing: bool | None
    stable: bool | None
    warnings: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Law:
    """A completed law; `equations[left]` are its right-hand sides with parameter symbols.

    A law of bodies has `bodies`, the problem of which they are the equations; its hidden terms
    are written in lengths and scalars.
    """

    dataset: str
    equations: Mapping[str, Expression]
    hidden: Mapping[str, HiddenFormula]
    parameters: Mapping[str, LawParameter]
    scores: Mapping[str, float | None]
    verdict: Verdict
    runners_up: Sequence[Mapping[str, Any]] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    bodies: BodyProblem | None = None

    @property
    def texts(self) -> dict[str, str]:
        """The right-hand sides in the equation language, in full precision."""
        if self.bodies is not None:
            return written(self.bodies)
        return {left: e.infix() for left, e in self.equations.items()}

    def to_json(self) -> dict[str, Any]:
        """Return the content of `law.json` (schema residuum/law/1)."""
        verdict = self.verdict
        return {
            "schema": "residuum/law/1",
            "dataset": self.dataset,
            "equations": self.texts,
            **({} if self.bodies is None else {"bodies": _bodies_json(self.bodies)}),
            "hidden": {name: _formula_json(h) for name, h in self.hidden.items()},
            "parameters": {
                name: {
                    "value": p.value,
                    "ci95": None if p.ci95 is None else [_finite(x) for x in p.ci95],
                    "unit": p.unit,
                    "estimated": p.estimated,
                }
                for name, p in self.parameters.items()
            },
            "scores": {name: _finite(value) for name, value in self.scores.items()},
            "verdict": {
                "identifiable": dict(verdict.identifiable),
                "missing": verdict.missing,
                "stable": verdict.stable,
                "warnings": list(verdict.warnings),
                "details": dict(verdict.details),
            },
            "runners_up": [dict(row) for row in self.runners_up],
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Law:
        """Return the law that `to_json` wrote; raises KeyError or UserError on anything else."""
        verdict = value["verdict"]
        bodies = _bodies(value)
        return cls(
            dataset=str(value["dataset"]),
            equations={left: parse(text) for left, text in value["equations"].items()}
            if bodies is None
            else {equation.left: equation.rhs for equation in bodies.equations},
            hidden={name: _formula(row) for name, row in value["hidden"].items()},
            parameters={name: _parameter(row) for name, row in value["parameters"].items()},
            scores=dict(value["scores"]),
            verdict=Verdict(
                identifiable=dict(verdict["identifiable"]),
                missing=verdict["missing"],
                stable=verdict["stable"],
                warnings=tuple(verdict["warnings"]),
                details=dict(verdict.get("details", {})),
            ),
            runners_up=tuple(value["runners_up"]),
            provenance=dict(value["provenance"]),
            bodies=bodies,
        )


def law_equations(problem: Problem, hidden: Mapping[str, Expression]) -> dict[str, Expression]:
    """Return the right-hand side of each equation by its left-hand side, hidden terms put in."""
    sides = problem.complete(hidden)
    return {equation.left: sides[equation.state] for equation in problem.equations}


def _bodies_json(bodies: BodyProblem) -> dict[str, Any]:
    """Return what the equations of bodies need to be read again."""
    return {"scalars": list(bodies.scalars), "inputs": list(bodies.inputs)}


def _bodies(value: Mapping[str, Any]) -> BodyProblem | None:
    if "bodies" not in value:
        return None
    names = {n for text in value["equations"].values() for n in re.findall(r"[A-Za-z]\w*", text)}
    given = {n: Parameter(n, row["value"]) for n, row in value["parameters"].items() if n in names}
    return read_body_problem(
        value["equations"],
        scalars=value["bodies"]["scalars"],
        inputs=value["bodies"]["inputs"],
        parameters=given,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _formula_json(hidden: HiddenFormula) -> dict[str, Any]:
    return {
        "expression": rounded(hidden.expression).infix(),
        "numeric": hidden.expression.infix(),
        "arguments": list(hidden.arguments),
        "latex": latex(hidden.expression),
        "complexity": hidden.expression.complexity,
        "origin": hidden.origin,
        **({"direction": hidden.direction} if hidden.direction else {}),
        "terms": [
            {
                "term": t.term.infix(),
                "coefficient": t.coefficient,
                "ci95": [_finite(x) for x in t.ci95],
                "probability": t.probability,
            }
            for t in hidden.terms
        ],
        "constants": [
            {"value": c.value, "ci95": [_finite(x) for x in c.ci95], "inside": c.inside}
            for c in hidden.constants
        ],
    }


def _interval(ends: Sequence[float | None]) -> Interval:
    low, high = ends
    return (-math.inf if low is None else low, math.inf if high is None else high)


def _formula(row: Mapping[str, Any]) -> HiddenFormula:
    return HiddenFormula(
        expression=parse(row["numeric"]),
        arguments=tuple(row["arguments"]),
        origin=str(row["origin"]),
        terms=tuple(
            LawTerm(parse(t["term"]), t["coefficient"], _interval(t["ci95"]), t["probability"])
            for t in row["terms"]
        ),
        constants=tuple(
            LawConstant(c["value"], _interval(c["ci95"]), c["inside"])
            for c in row.get("constants", ())
        ),
        direction=str(row.get("direction", "")),
    )


def _parameter(row: Mapping[str, Any]) -> LawParameter:
    ends = None if row["ci95"] is None else _interval(row["ci95"])
    return LawParameter(row["value"], ends, row["unit"], bool(row["estimated"]))
