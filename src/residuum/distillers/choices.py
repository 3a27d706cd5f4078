"""Whether a user's choices for a search can be met at all, said before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from residuum.distillers.coherence import Coherent, admits
from residuum.distillers.settings import GeneticSettings, SindySettings
from residuum.errors import UserError, unknown_name
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.expressions.primitives import PRIMITIVES

Settings = GeneticSettings | SindySettings


def chosen_settings(settings: Settings | None, given: Mapping[str, Any]) -> Settings:
    """Return the settings with what is given beside them; raises UserError on a wrong value."""
    base = GeneticSettings() if settings is None else settings
    changes = {name: value for name, value in given.items() if value is not None}
    known = [field.name for field in fields(base)]
    for name in changes:
        if name not in known:
            raise unknown_name(name, known, what="setting")
    for name in ("operators", "functions"):
        if isinstance(changes.get(name), list | set | frozenset):
            changes[name] = tuple(changes[name])
    try:
        return replace(base, **changes)
    except (ValueError, TypeError) as wrong:
        raise UserError(str(wrong), where="settings") from None


def named_variables(settings: Settings, variables: Sequence[str]) -> frozenset[str]:
    """Return the variables that constraints mention.

    Raises UserError where a formula among the settings does not parse, or a name is unknown.
    """
    if isinstance(settings, SindySettings):
        return frozenset()
    mentioned: set[str] = set()
    for where in ("forbidden", "required", "hypotheses", "seeds"):
        for text in getattr(settings, where):
            mentioned.update(_formula(text, where, hidden=where == "hypotheses").variables)
    for where in ("symmetry", "trend"):
        for names in getattr(settings, where):
            mentioned.update(name.strip() for name in names.split(","))
    for name in sorted(mentioned):
        if name not in variables:
            raise unknown_name(name, variables, what="variable", where="settings")
    return frozenset(mentioned)


def check_possible(
    settings: Settings, variables: Sequence[str], y: np.ndarray, coherent: Coherent | None
) -> None:
    """Raise UserError, naming the constraint, where no formula can meet the settings."""
    if isinstance(settings, SindySettings):
        return
    if not settings.operators:
        raise UserError(
            "no operators", where="operators", expected=f"some of {', '.join(PRIMITIVES)}"
        )
    _check_formulas(settings, variables)
    _check_sign(settings, y)
    if coherent is not None and settings.wildcards == 0:
        _check_units(variables, coherent)


def nothing_found(settings: Settings, units: bool) -> UserError:
    """Return the error for a search in which no formula met the constraints."""
    if isinstance(settings, SindySettings):
        return UserError("no formula was found")
    asked = [
        name
        for name in ("arguments", "nesting", "forbidden", "required", "hypotheses", "symmetry",
                     "sign", "trend")
        if getattr(settings, name)
    ]  # fmt: skip
    if units:
        asked.append("units")
    return UserError(
        "no formula meets the constraints and is finite on the table",
        where="settings",
        found=f"constraints: {', '.join(asked)}"
        if asked
        else f"operators: "
        f"{', '.join(settings.operators)}; complexity: at most {settings.complexity}",
        hint="loosen one of them, or allow a larger budget",
    )


def _formula(text: str, where: str, *, hidden: bool = False) -> Expression:
    """Return the formula of a setting; a call of an unknown function stands for its arguments."""

    def called(
        name: str, arguments: tuple[Expression, ...], keywords: Mapping[str, Expression]
    ) -> Expression:
        parts = (*arguments, *keywords.values())
        whole = parts[0] if parts else Expression.number(1.0)
        for part in parts[1:]:
            whole = whole + part
        return whole

    return parse(text, where=where, on_call=called if hidden else None)


def _check_formulas(settings: GeneticSettings, variables: Sequence[str]) -> None:
    forbidden = {_formula(text, "forbidden"): text for text in settings.forbidden}
    named = {Expression.variable(name) for name in variables}
    if named <= set(forbidden):
        raise UserError(
            "every variable is forbidden, so every formula is",
            where="forbidden",
            found=", ".join(settings.forbidden),
        )
    for text in settings.required:
        formula = _formula(text, "required")
        if formula.complexity > settings.complexity:
            raise UserError(
                f"{text!r} is required but too complex",
                where="required",
                expected=f"a complexity of at most {settings.complexity}",
                found=str(formula.complexity),
            )
        inside = next((forbidden[part] for part in formula.walk() if part in forbidden), None)
        if inside is not None:
            raise UserError(
                f"{text!r} is required, but {inside!r} in it is forbidden, so every formula is",
                where="required",
            )


def _check_sign(settings: GeneticSettings, y: np.ndarray) -> None:
    opposite = {"positive": bool((y < 0).all()), "negative": bool((y > 0).all())}
    if settings.sign is not None and opposite.get(settings.sign, False):
        raise UserError(
            f"only {settings.sign} formulas are allowed, but no value is {settings.sign}",
            where="sign",
        )


def _check_units(variables: Sequence[str], coherent: Coherent) -> None:
    value = next(name for name in coherent.dimensions if name not in variables)
    rows = [coherent.dimensions[name] for name in variables]
    if not admits(rows, coherent.dimensions[value]):
        listed = ", ".join(f"{name} in {coherent.texts[name]}" for name in variables)
        raise UserError(
            f"no formula of these variables has the unit of {value}",
            where="units",
            expected=f"a product of powers with the unit {coherent.texts[value]!r}",
            found=listed,
            hint="allow constants with units (wildcards of at least 1), or check the units",
        )
