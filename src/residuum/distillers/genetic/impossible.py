"""Whether any formula at all meets the constraints, found out before the budget is spent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from residuum.distillers.genetic.population import Evolution, GeneticIsland
from residuum.distillers.regression import Table
from residuum.distillers.settings import GeneticSettings
from residuum.errors import UserError
from residuum.seeds import child_seed

CHUNK, CHUNKS = 500, 8
Found = Callable[[Table, GeneticSettings], tuple[Any, Sequence[GeneticIsland]]]
_NOTHING: dict[str, Any] = {
    "forbidden": (), "required": (), "hypotheses": (), "arguments": {}, "nesting": {},
    "symmetry": {}, "sign": None, "trend": {}, "wildcards": 12, "complexity": 60,
}  # fmt: skip


def check_some_allowed(
    table: Table, settings: GeneticSettings, evolve: Evolution, islands: Sequence[GeneticIsland],
    found: Found, *, seed: int,
) -> None:  # fmt: skip
    """Raise UserError where a short search finds no formula, naming the constraints at fault.

    Costs nothing where the formulas that the islands start from meet the constraints.
    """
    if any_formula(evolve, islands, seed=seed):
        return
    raise nothing_allowed(table, settings, found, seed=seed)


def any_formula(evolve: Evolution, islands: Sequence[GeneticIsland], *, seed: int) -> bool:
    """Tell whether some island has a formula, or finds one soon."""
    if any(np.isfinite(island.arrays["loss"]).any() for island in islands):
        return True
    for island in islands[: len(evolve.settings)]:
        for turn in range(CHUNKS):
            before = island.evaluations
            island = evolve(island, evaluations=CHUNK, seed=child_seed(seed, "trial", turn))
            if np.isfinite(island.arrays["loss"]).any():
                return True
            if island.evaluations == before:
                break  # nothing passes the rules
    return False


def nothing_allowed(
    table: Table, settings: GeneticSettings, found: Found, *, seed: int
) -> UserError:
    """Return the error, which names each constraint without which there are formulas."""
    faults = []
    for name, nothing in _NOTHING.items():
        if name == "wildcards" and table.units is None:
            continue
        if getattr(settings, name) in (nothing, ()) or not _declared(settings, name):
            continue
        evolve, islands = found(table, replace(settings, islands=1, **{name: nothing}))
        if any_formula(evolve, islands, seed=seed):
            faults.append(name)
    named = ["units" if name == "wildcards" else name for name in faults]
    declared = [name for name in _NOTHING if _declared(settings, name)]
    if "units" in named:
        return UserError(
            "the units of the variables admit no formula for the value",
            where="units",
            expected=f"a formula with at most {settings.wildcards} constants that carry units",
            hint="check the units, or allow more wildcards",
        )
    return UserError(
        "the constraints forbid every formula that was tried",
        where=", ".join(named or declared),
        found="; ".join(f"{name}: {getattr(settings, name)}" for name in named if name in faults)
        or None,
        hint=f"without {' or without '.join(named)} there are formulas"
        if named
        else "loosen several of them",
    )


def _declared(settings: GeneticSettings, name: str) -> bool:
    return name in ("wildcards", "complexity") or bool(getattr(settings, name))
