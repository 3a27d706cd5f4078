"""The documented defaults: every key of a campaign with its help and default, as YAML.

`python -m residuum.config_defaults > config/defaults.yaml` writes the file; a test says that the
file and the schema agree.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from typing import Any

from residuum.config_schema import CampaignModel, alternatives, members

HEADER = """\
# Every key of a campaign, with its default. Generated from the schema by
#   python -m residuum.config_defaults > config/defaults.yaml
# Only `data` and `equations` are required; what stands there, and names in capitals, is an example.
"""

# What is shown where a key is required or empty by default: an example instead of nothing.
_EXAMPLES: dict[str, Any] = {
    "datasets.DATASET.data.file": "measurements.csv",
    "datasets.DATASET.equations": {"x_t": "known*x - hidden(x)"},
    "datasets.DATASET.parameters": {"known": "PARAMETER"},
}
_SIMULATION: dict[str, Any] = {
    "equations": {"x_t": "-rate*x"},
    "initial": {"x": 1.0},
    "parameters": {"rate": 0.5},
    "stop": 10.0,
    "points": 51,
}
_BODIES: dict[str, Any] = {
    "count": 4,
    "states": {"position": {"normal": 1.0}, "position_t": 0.0},
    "scalars": {"mass": {"lognormal": 0.5}},
}


def defaults_yaml() -> str:
    """Return the text of `config/defaults.yaml`."""
    return HEADER + "\n".join(_mapping(CampaignModel, "", 0)) + "\n"


def _mapping(kind: object, path: str, depth: int) -> Iterator[str]:
    indent = "  " * depth
    for name, (inner, help_text, default) in members(kind).items():
        here = f"{path}.{name}" if path else name
        yield f"{indent}# {help_text}"
        if here == "datasets":
            yield f"{indent}{name}:"
            yield f"{indent}  DATASET:"
            yield from _mapping(_element(inner), f"{here}.DATASET", depth + 2)
        elif name == "simulate":
            yield f"{indent}{name}: null"
            yield from _simulation(inner, depth + 1)
        else:
            yield from _entry(here, inner, default, depth)


def _entry(path: str, kind: object, default: object, depth: int) -> Iterator[str]:
    indent, name = "  " * depth, path.rpartition(".")[2]
    example = _EXAMPLES.get(path)
    if name == "parameters" and example:
        yield f"{indent}{name}:"
        for key in example:
            yield f"{indent}  {key}:"
            yield from _mapping(_element(kind), f"{path}.{key}", depth + 2)
    elif isinstance(example, dict):
        yield f"{indent}{name}:"
        yield from (f"{indent}  {key}: {_scalar(value)}" for key, value in example.items())
    elif members(kind) and name != "noise":
        yield f"{indent}{name}:"
        yield from _mapping(kind, path, depth + 1)
    else:
        yield f"{indent}{name}: {_scalar(default if example is None else example)}"


def _simulation(kind: object, depth: int) -> Iterator[str]:
    """Yield the keys of a simulation as comments: a file and a simulation exclude each other."""
    indent = "  " * depth
    for name, (inner, help_text, default) in members(kind).items():
        value = _SIMULATION.get(name, default)
        yield f"{indent}# {name}: {_flow(name, inner, value)}  # {help_text}"
        for key, (_, text, usual) in members(inner).items() if name == "bodies" else ():
            yield f"{indent}#   {key}: {_scalar(_BODIES.get(key, usual))}  # {text}"


def _flow(name: str, kind: object, value: object) -> str:
    if name != "times":
        return _scalar(value)
    parts = (f"{key}: {_scalar(_SIMULATION.get(key, m[2]))}" for key, m in members(kind).items())
    return "{" + ", ".join(parts) + "}"


def _element(kind: object) -> object:
    return next(arguments[1] for part in alternatives(kind) if (arguments := _arguments(part)))


def _arguments(kind: object) -> tuple[Any, ...]:
    return getattr(kind, "__args__", ())


def _scalar(value: object) -> str:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_scalar(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_scalar, value)) + "]"
    if isinstance(value, str) and value and value.replace("_", "").replace(".", "").isalnum():
        return value
    return json.dumps(value)


if __name__ == "__main__":
    sys.stdout.write(defaults_yaml())
