"""The choices a user has in choosing a law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar


@dataclass(frozen=True, slots=True)
class SelectSettings:
    """How candidates are refitted and one law is chosen."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    holdout: Annotated[
        float, "share held out: whole experiments if there are several, else the last of the time"
    ] = 0.25
    gamma: Annotated[float, "weight of the structure's code length (extended BIC)"] = 2.0
    shared_forms: Annotated[
        bool, "whether a form already used in another hidden term of the law is nearly free"
    ] = True
    laws: Annotated[int, "most combinations of candidates that are refitted"] = 400
    extend: Annotated[int, "best laws that are extended by one more term each"] = 6
    shortlist: Annotated[
        int, "best laws that are refitted exactly, with and without the held-out data"
    ] = 24
    confidence: Annotated[float, "level of the profile-likelihood intervals"] = 0.95

    def __post_init__(self) -> None:
        if not 0 <= self.holdout < 1:
            raise ValueError(f"holdout: expected 0 up to 1, found {self.holdout}")
        if not 0 <= self.gamma <= 10:
            raise ValueError(f"gamma: expected 0 to 10, found {self.gamma}")
        if not 1 <= self.laws <= 1_000_000:
            raise ValueError(f"laws: expected 1 to 1000000, found {self.laws}")
        if not 0 <= self.extend <= 1000:
            raise ValueError(f"extend: expected 0 to 1000, found {self.extend}")
        if not 1 <= self.shortlist <= 1000:
            raise ValueError(f"shortlist: expected 1 to 1000, found {self.shortlist}")
        if not 0.5 <= self.confidence < 1:
            raise ValueError(f"confidence: expected 0.5 up to 1, found {self.confidence}")
