"""The choices a user has in distilling hidden samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

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


SETTINGS: dict[str, type[SindySettings]] = {"sindy": SindySettings}
