"""From the plain values of a campaign file to the checked schema, every mistake in one message."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from residuum.config_errors import messages
from residuum.config_schema import CampaignModel
from residuum.errors import UserError

MAX_MESSAGES = 10
# A number that YAML 1.1, which Snakemake reads, takes for text because it has no point.
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+\Z")


def read_model(raw: dict[str, Any], where: str) -> CampaignModel:
    """Return the campaign of plain values; raises one UserError that lists every mistake."""
    raw = _shorthands(raw)
    try:
        # JSON in strict mode: lists become tuples and whole numbers floats, but neither text
        # nor true becomes a number.
        model = CampaignModel.model_validate_json(json.dumps(raw), strict=True)
    except ValidationError as invalid:
        lines = messages(invalid, raw)
        if len(lines) == 1:
            raise UserError(lines[0], where=where) from None
        raise listed(lines, where) from None
    if not model.datasets:
        raise UserError("no datasets", where=f"{where}: datasets", expected="at least one")
    return model


def listed(lines: list[str], where: str) -> UserError:
    """Return one error that lists messages, the first ten of them."""
    shown = lines[:MAX_MESSAGES]
    more = [f"and {len(lines) - len(shown)} more"] if len(lines) > len(shown) else []
    text = "".join(f"\n  {line}" for line in [*shown, *more])
    return UserError(f"{len(lines)} mistakes{text}", where=where)


def _shorthands(raw: dict[str, Any]) -> dict[str, Any]:
    """Write `noise: KIND` as `noise: {kind: KIND}`, initial states of bodies under `states`."""
    whole: dict[str, Any] = json.loads(json.dumps(raw))
    datasets = whole.get("datasets")
    for dataset in datasets.values() if isinstance(datasets, dict) else ():
        data = dataset.get("data") if isinstance(dataset, dict) else None
        simulate = data.get("simulate") if isinstance(data, dict) else None
        for section in (data, simulate):
            if isinstance(section, dict) and isinstance(section.get("noise"), str):
                section["noise"] = {"kind": section["noise"]}
        if isinstance(simulate, dict) and isinstance(simulate.get("bodies"), dict):
            _gather_states(simulate["bodies"], simulate.get("equations"))
    return whole


def _gather_states(bodies: dict[str, Any], equations: Any) -> None:
    """Move what names a component of the equations' states, such as `position_t`, into `states`."""
    lefts = [str(left) for left in equations] if isinstance(equations, dict) else []
    names = {left.removesuffix(end) for left in lefts for end in ("_t", "_tt", "t")}
    own = {key: bodies.pop(key) for key in list(bodies) if key in names.difference(lefts)}
    if own and isinstance(states := bodies.setdefault("states", {}), dict):
        states |= own


def numbers(value: Any) -> Any:
    """Return a copy in which text such as `1e-3` is the number that YAML 1.2 reads."""
    if isinstance(value, Mapping):
        return {key: numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [numbers(item) for item in value]
    return float(value) if isinstance(value, str) and _NUMBER.match(value) else value
