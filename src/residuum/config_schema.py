"""The keys of a campaign file, as types: names, help and defaults in one place."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Union

from pydantic import BaseModel, ConfigDict, StringConstraints, create_model

from residuum.data.settings import DataSettings
from residuum.distillers.settings import SETTINGS as DISTILLERS
from residuum.laws.settings import SelectSettings
from residuum.surrogates.settings import SETTINGS as SURROGATES

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ParameterModel(_Model):
    """A scalar of the known physics."""

    value: Annotated[float | None, "its value; null: estimated"] = None
    bounds: Annotated[tuple[float, float] | None, "[lower, upper]"] = None
    unit: Annotated[str | float | None, "CF string such as 'm s-1'"] = None


def _registry(name: str, settings: Mapping[str, type]) -> type[_Model]:
    """Return a model with one optional key for each entry of a registry of settings."""
    fields: dict[str, Any] = {
        key: (Annotated[cls | None, (cls.__doc__ or "").strip()], None)
        for key, cls in settings.items()
    }
    return create_model(name, __base__=_Model, **fields)


SurrogatesModel = _registry("SurrogatesModel", SURROGATES)
DistillersModel = _registry("DistillersModel", DISTILLERS)


class DatasetModel(_Model):
    """One dataset: data, the known equations, and how the rest is found."""

    title: Annotated[str, "heading of the report", StringConstraints(max_length=300)] = ""
    data: Annotated[DataSettings, "a file or a simulation"]
    equations: Annotated[
        dict[str, str | float], "STATE_t or STATE_tt: what is known, with hidden terms as calls"
    ]
    parameters: Annotated[dict[str, ParameterModel | None], "scalars of the known physics"] = {}
    surrogates: Annotated[SurrogatesModel, "what fills the gap"] = SurrogatesModel()  # type: ignore[valid-type]
    distillers: Annotated[DistillersModel, "what writes formulas"] = DistillersModel()  # type: ignore[valid-type]
    select: Annotated[SelectSettings, "how one law is chosen"] = SelectSettings()


class CampaignModel(_Model):
    """A campaign: every dataset is trained, distilled and reported on its own."""

    seed: Annotated[int, "seed of every random number"] = 0
    datasets: Annotated[dict[Name, DatasetModel], "datasets by name"]


def members(kind: object) -> dict[str, tuple[object, str, object]]:
    """Return `{key: (type, help, default)}` of a model or dataclass, and nothing for other types.

    A default is `dataclasses.MISSING` where the key is required.
    """
    cls = next((part for part in alternatives(kind) if _has_members(part)), None)
    if cls is None:
        return {}
    hints = typing.get_type_hints(cls, include_extras=True)
    return {name: (*_split(hints[name]), default) for name, default in _defaults(cls).items()}


def alternatives(kind: object) -> tuple[object, ...]:
    """Return the members of a union (None left out), or the type itself."""
    kind = _split(kind)[0]
    if typing.get_origin(kind) in (Union, types.UnionType):
        return tuple(
            part for arg in typing.get_args(kind) if arg is not type(None)
            for part in alternatives(arg)
        )  # fmt: skip
    return (kind,)


def element(kind: object) -> object | None:
    """Return the type of the values of a mapping or sequence, or None."""
    for part in alternatives(kind):
        arguments = typing.get_args(part)
        if arguments and typing.get_origin(part) is not typing.Literal:
            paired = len(arguments) > 1 and arguments[1] is not ...
            found: object = arguments[1 if paired else 0]
            return found
    return None


def keys_at(path: tuple[str | int, ...]) -> list[str]:
    """Return the keys that the schema knows under a path of a campaign file."""
    kind: object = CampaignModel
    for step in path:
        known = members(kind)
        kind = known[step][0] if step in known else element(kind)
    return list(members(kind))


def _has_members(kind: object) -> bool:
    return isinstance(kind, type) and (
        dataclasses.is_dataclass(kind) or issubclass(kind, BaseModel)
    )


def _split(hint: object) -> tuple[object, str]:
    if typing.get_origin(hint) is not Annotated:
        return hint, ""
    inner, *notes = typing.get_args(hint)
    return inner, next((note for note in notes if isinstance(note, str)), "")


def _defaults(cls: Any) -> dict[str, object]:
    if dataclasses.is_dataclass(cls):
        made = dataclasses.MISSING
        return {
            f.name: f.default if f.default_factory is made else f.default_factory()
            for f in dataclasses.fields(cls)
        }
    return {
        name: dataclasses.MISSING
        if field.is_required()
        else field.get_default(call_default_factory=True)
        for name, field in cls.model_fields.items()
    }
