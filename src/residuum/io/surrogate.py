"""`surrogate.safetensors` and `surrogate.json`, which names the hash of the first."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from residuum.errors import UserError
from residuum.files import AGAIN, read_bytes, read_json, write_bytes, write_json

SURROGATE = "residuum/surrogate/1"


def write_surrogate(
    tensors: Path, description: Path, arrays: Mapping[str, np.ndarray], content: Mapping[str, Any]
) -> None:
    """Write `surrogate.safetensors` and then `surrogate.json`, which names its hash."""
    from safetensors.numpy import save

    data = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    write_bytes(tensors, data)
    digest = hashlib.sha256(data).hexdigest()
    write_json(description, {"tensors": digest, "content": content}, SURROGATE)


def read_surrogate(
    tensors: Path, description: Path
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return what `write_surrogate` wrote; raises UserError when the two do not belong together."""
    from safetensors.numpy import load

    body = read_json(description, SURROGATE)
    data = read_bytes(tensors)
    if hashlib.sha256(data).hexdigest() != body["tensors"]:
        raise UserError(f"does not belong to {description}", where=str(tensors), hint=AGAIN)
    return load(data), body["content"]


def read_description(path: Path) -> dict[str, Any]:
    """Return what `surrogate.json` says of a surrogate, without its tensors."""
    return dict(read_json(path, SURROGATE)["content"])
