"""`front.json`: the candidates for every hidden term."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from residuum.files import built, read_json, write_json

if TYPE_CHECKING:
    from residuum.distillers.front import Front

FRONT = "residuum/front/1"


def write_fronts(path: Path, fronts: Mapping[str, Front]) -> None:
    """Write `front.json`: the candidates of every hidden term."""
    write_json(path, {"terms": {name: front.to_json() for name, front in fronts.items()}}, FRONT)


def read_fronts(path: Path) -> dict[str, Front]:
    """Return the fronts that `write_fronts` wrote; raises UserError when torn."""
    from residuum.distillers.front import Front

    def build(body: Mapping[str, Any]) -> dict[str, Front]:
        return {name: Front.from_json(name, entry) for name, entry in body["terms"].items()}

    return built(path, build, read_json(path, FRONT))
