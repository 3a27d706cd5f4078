"""The choices a user has in distilling hidden samples."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from residuum.errors import nearest
from residuum.expressions.primitives import FUNCTIONS, PRIMITIVES


@dataclass(frozen=True, slots=True)
class SindySettings:
    """Sparse regression on a library of formulas."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    degree: Annotated[int, "highest total degree of the monomials (0 to 6)"] = 3
    functions: Annotated[
        tuple[str, ...], "operators of one argument applied to each argument, such as sin"
    ] = ()
    max_terms: Annotated[int, "most terms in one candidate (1 to 20)"] = 4
    candidates: Annotated[
        int,
        "best candidates kept for each number of terms; single terms and pysindy's path always are",
    ] = 8
    resamples: Annotated[int, "resamples for the frequency of each term"] = 50

    def __post_init__(self) -> None:
        for name, low, high in (
            ("degree", 0, 6),
            ("max_terms", 1, 20),
            ("candidates", 1, 1000),
            ("resamples", 0, 10_000),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name}: expected {low} to {high}, found {value}")
        for name in self.functions:
            if name not in FUNCTIONS or PRIMITIVES[name].arity != 1:
                known = ", ".join(sorted(f for f in FUNCTIONS if PRIMITIVES[f].arity == 1))
                raise ValueError(f"functions: expected names among {known}; found {name!r}")


LOSSES = ("squared", "relative", "logarithmic", "huber", "poisson")
SYMMETRIES = ("odd", "even")
EXCHANGE = ("exchange",)
TRENDS = ("increasing", "decreasing")
SIGNS = ("positive", "negative")
_SECONDS = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(s|min|h)\Z")
_SECONDS_IN = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a search goes on: exactly one of evaluations and seconds is given."""

    evaluations: int | None = None
    seconds: float | None = None

    @classmethod
    def read(cls, value: int | str) -> Budget:
        """Return the budget that `200000` (evaluations) or `60 s` (also min, h) names."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return cls(evaluations=value)
        match = _SECONDS.match(value) if isinstance(value, str) else None
        if match and float(match[1]) > 0:
            return cls(seconds=float(match[1]) * _SECONDS_IN[match[2]])
        raise ValueError(
            "budget: expected a positive number of evaluations, or a time such as '60 s' or "
            f"'5 min'; found {value!r}"
        )


@dataclass(frozen=True, slots=True)
class GeneticSettings:
    """Genetic search for formulas, with what is known of them as hard constraints."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    operators: Annotated[
        tuple[str, ...],
        "operators that formulas may use; ** stands for powers with a fixed exponent",
    ] = ("+", "-", "*", "/", "**", "sqrt", "exp", "log", "sin", "cos")
    complexity: Annotated[int, "largest complexity of a formula (3 to 60)"] = 30
    budget: Annotated[
        int | str,
        "evaluations (the same result on every machine), or a time such as '60 s' (not the same)",
    ] = 400_000
    islands: Annotated[int, "populations that evolve apart and exchange their best"] = 4
    population: Annotated[int, "formulas in an island"] = 250
    epoch: Annotated[int, "evaluations an island does between two exchanges"] = 20_000
    loss: Annotated[
        str, "squared, relative, logarithmic, huber or poisson; the last four ignore covariances"
    ] = "squared"
    max_constants: Annotated[int, "most constants in a formula (0 to 12)"] = 8
    local_constants: Annotated[
        int, "most constants that take a value of their own in each experiment"
    ] = 0
    wildcards: Annotated[int, "with units: most constants that carry units of their own"] = 3
    costs: Annotated[Mapping[str, int], "complexity of an operator, if not the table's"] = field(
        default_factory=dict
    )
    frequencies: Annotated[
        Mapping[str, float], "how often an operator is tried, relative to the others (1)"
    ] = field(default_factory=dict)
    arguments: Annotated[
        Mapping[str, int], "largest complexity of what stands under an operator"
    ] = field(default_factory=dict)
    nesting: Annotated[
        Mapping[str, Mapping[str, int]], "how often an operator may stand inside another"
    ] = field(default_factory=dict)
    forbidden: Annotated[tuple[str, ...], "formulas that may not stand in the result"] = ()
    required: Annotated[tuple[str, ...], "formulas that must stand in the result"] = ()
    hypotheses: Annotated[
        tuple[str, ...], "forms to fill in, such as x*g(y) or 1 - g(x)/h(y); empty: any formula"
    ] = ()
    seeds: Annotated[tuple[str, ...], "formulas that the search starts from"] = ()
    symmetry: Annotated[Mapping[str, str], "odd or even in an argument, or `x, y: exchange`"] = (
        field(default_factory=dict)
    )
    sign: Annotated[str | None, "positive or negative on the samples' box"] = None
    trend: Annotated[
        Mapping[str, str], "increasing or decreasing in an argument on the samples' box"
    ] = field(default_factory=dict)
    snap: Annotated[bool, "whether constants become round numbers where the data allow"] = True

    def __post_init__(self) -> None:
        for name, low, high in (
            ("complexity", 3, 60),
            ("islands", 1, 1000),
            ("population", 20, 100_000),
            ("epoch", 100, 100_000_000),
            ("max_constants", 0, 12),
            ("local_constants", 0, 12),
            ("wildcards", 0, 12),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name}: expected {low} to {high}, found {value}")
        Budget.read(self.budget)
        if self.loss not in LOSSES:
            raise ValueError(f"loss: expected one of {', '.join(LOSSES)}; found {self.loss!r}")
        self._check_operators()
        self._check_limits()
        self._check_shape()

    def _check_operators(self) -> None:
        named = {
            "operators": self.operators,
            "costs": self.costs,
            "frequencies": self.frequencies,
            "arguments": self.arguments,
            "nesting": (*self.nesting, *(name for row in self.nesting.values() for name in row)),
        }
        for where, names in named.items():
            for name in names:
                if name not in PRIMITIVES:
                    close = nearest(name, PRIMITIVES)
                    hint = f"; did you mean {close!r}?" if close else ""
                    known = ", ".join(PRIMITIVES)
                    raise ValueError(f"{where}: expected names among {known}; found {name!r}{hint}")

    def _check_limits(self) -> None:
        rows: list[tuple[str, str, float, float]] = []
        rows += [("costs", name, value, 1) for name, value in self.costs.items()]
        rows += [("frequencies", name, value, 0) for name, value in self.frequencies.items()]
        rows += [("arguments", name, value, 1) for name, value in self.arguments.items()]
        for outer, row in self.nesting.items():
            rows += [("nesting", f"{inner} in {outer}", value, 0) for inner, value in row.items()]
        for where, name, value, least in rows:
            if not least <= value < 1000:
                raise ValueError(
                    f"{where}: expected a number from {least} to 999 for {name}, found {value}"
                )
        tried = [self.frequencies.get(name, 1.0) for name in self.operators]
        if tried and not any(tried):
            raise ValueError("frequencies: expected some operator above 0, found none")

    def _check_shape(self) -> None:
        if self.sign is not None:
            _check_word("sign", self.sign, SIGNS)
        for name, word in self.trend.items():
            _check_word(f"trend of {name}", word, TRENDS)
        for names, word in self.symmetry.items():
            pair = names.split(",")
            _check_word(f"symmetry of {names}", word, EXCHANGE if len(pair) == 2 else SYMMETRIES)
            if len(pair) > 2 or len({name.strip() for name in pair}) < len(pair):
                raise ValueError(f"symmetry: expected one argument or two, found {names!r}")


def _check_word(where: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        close = nearest(word, known)
        hint = f"; did you mean {close!r}?" if close else ""
        raise ValueError(f"{where}: expected {' or '.join(known)}, found {word!r}{hint}")


SETTINGS: dict[str, type[SindySettings] | type[GeneticSettings]] = {
    "sindy": SindySettings,
    "genetic": GeneticSettings,
}
