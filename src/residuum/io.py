"""How results are written and read back: whole or not at all, and checked by hash.

Every file is written under a temporary name in its own folder, synced and renamed. JSON carries
a `schema` and the `sha256` of its content; NetCDF has a manifest `FILE.sha256`, written last;
tensors are named by their hash in the JSON beside them. Nothing is ever pickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from residuum.errors import UserError
from residuum.files import (
    AGAIN,
    HASH,
    read_bytes,
    read_json,
    replacing,
    write_bytes,
    write_csv,
    write_json,
    write_text,
)

if TYPE_CHECKING:
    import xarray as xr

    from residuum.data.observations import Observations
    from residuum.distillers.front import Front
    from residuum.hidden.samples import Extraction, HiddenSamples, Structure

OBSERVATIONS = "residuum/observations/1"
SURROGATE = "residuum/surrogate/1"
HIDDEN = "residuum/hidden/1"
STRUCTURE = "residuum/structure/1"
FRONT = "residuum/front/1"

T = TypeVar("T")


def manifest(path: Path) -> Path:
    """Return the name of the manifest that is written after a NetCDF file."""
    return Path(path).with_name(f"{Path(path).name}.{HASH}")


def _write_tree(path: Path, tree: xr.DataTree, schema: str) -> None:
    tree = tree.copy()
    tree.attrs["schema"] = schema
    with replacing(path) as temporary:
        # Without its manifest a file is not believed, so a kill between the two is noticed.
        manifest(path).unlink(missing_ok=True)
        tree.to_netcdf(temporary, engine="h5netcdf")
        digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
    write_text(manifest(path), f"{digest}  {Path(path).name}\n")


def _read_tree(path: Path, schema: str) -> xr.DataTree:
    import xarray as xr

    content = read_bytes(path)
    if not manifest(path).exists():
        raise UserError(f"has no manifest {manifest(path).name}", where=str(path), hint=AGAIN)
    wanted = read_bytes(manifest(path)).decode(errors="replace").split()
    if wanted[:1] != [hashlib.sha256(content).hexdigest()]:
        raise UserError("does not match its hash", where=str(path), hint=AGAIN)
    with xr.open_datatree(
        path, engine="h5netcdf", decode_times=False, decode_timedelta=False
    ) as opened:
        tree = opened.load()
    found = tree.attrs.pop("schema", None)
    if found != schema:
        raise UserError("another schema", where=str(path), expected=schema, found=str(found))
    return tree


def write_observations(path: Path, observations: Observations) -> None:
    """Write `observations.nc` and its manifest."""
    _write_tree(path, observations.tree, OBSERVATIONS)


def read_observations(path: Path) -> Observations:
    """Return the observations that `write_observations` wrote; raises UserError when torn."""
    from residuum.data.observations import Observations

    return Observations(_read_tree(path, OBSERVATIONS))


def write_extraction(hidden: Path, structure: Path, extraction: Extraction) -> None:
    """Write `hidden.nc` (a group per hidden term, one per trajectory) and `structure.json`."""
    import xarray as xr

    groups: dict[str, xr.Dataset] = {"/": xr.Dataset(attrs=_extraction_attributes(extraction))}
    for name, samples in extraction.samples.items():
        groups[f"/hidden/{name}"] = xr.Dataset(
            {
                "X": (("sample", "argument"), samples.X),
                "values": ("sample", samples.values),
                "covariance": (("sample", "other_sample"), samples.covariance),
                "t": ("sample", samples.t),
                "experiment": ("sample", samples.experiment),
                "alive": ("argument", np.array(samples.alive, dtype=bool)),
            },
            attrs={"arguments": json.dumps(samples.arguments)},
        )
    for name, path in extraction.trajectories.items():
        columns = {key: ("t", values) for key, values in path.components.items()}
        groups[f"/trajectories/{name}"] = xr.Dataset(columns, coords={"t": path.t})
    _write_tree(hidden, xr.DataTree.from_dict(groups), HIDDEN)
    write_structure(structure, extraction.structure)


def _extraction_attributes(extraction: Extraction) -> dict[str, str]:
    return {
        "parameters": json.dumps({k: list(v) for k, v in extraction.parameters.items()}),
        "noise": json.dumps(dict(extraction.noise)),
        "terms": json.dumps(list(extraction.samples)),
        "trajectories": json.dumps(list(extraction.trajectories)),
    }


def read_extraction(hidden: Path, structure: Path) -> Extraction:
    """Return the extraction that `write_extraction` wrote; raises UserError when torn."""
    from residuum.hidden.samples import Extraction, Trajectory

    tree = _read_tree(hidden, HIDDEN)
    attributes = {key: json.loads(value) for key, value in tree.attrs.items()}
    paths = {name: tree[f"trajectories/{name}"] for name in attributes["trajectories"]}
    return Extraction(
        samples={name: _samples(name, tree[f"hidden/{name}"]) for name in attributes["terms"]},
        trajectories={
            name: Trajectory(
                node.dataset["t"].values, {str(k): v.values for k, v in node.data_vars.items()}
            )
            for name, node in paths.items()
        },
        parameters={k: (v[0], v[1]) for k, v in attributes["parameters"].items()},
        noise=attributes["noise"],
        structure=read_structure(structure),
    )


def _samples(name: str, node: Any) -> HiddenSamples:
    from residuum.hidden.samples import HiddenSamples

    columns = ("X", "values", "covariance", "t", "experiment")
    return HiddenSamples(
        term=name,
        arguments=tuple(json.loads(node.attrs["arguments"])),
        **{key: node[key].values for key in columns},
        alive=tuple(bool(flag) for flag in node["alive"].values),
    )


def write_structure(path: Path, structure: Structure) -> None:
    """Write `structure.json`: which arguments and latents are alive."""
    content = {
        "alive": structure.alive,
        "latents": structure.latents,
        "sensitivity": structure.sensitivity,
    }
    write_json(path, content, STRUCTURE)


def read_structure(path: Path) -> Structure:
    """Return the structure that `write_structure` wrote; raises UserError when torn."""
    from residuum.hidden.samples import Structure

    return _built(path, lambda body: Structure(**body), read_json(path, STRUCTURE))


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


def write_fronts(path: Path, fronts: Mapping[str, Front]) -> None:
    """Write `front.json`: the candidates of every hidden term."""
    write_json(path, {"terms": {name: front.to_json() for name, front in fronts.items()}}, FRONT)


def read_fronts(path: Path) -> dict[str, Front]:
    """Return the fronts that `write_fronts` wrote; raises UserError when torn."""
    from residuum.distillers.front import Front

    def build(body: Mapping[str, Any]) -> dict[str, Front]:
        return {name: Front.from_json(name, entry) for name, entry in body["terms"].items()}

    return _built(path, build, read_json(path, FRONT))


def _built(path: Path, build: Callable[[Mapping[str, Any]], T], body: Mapping[str, Any]) -> T:
    """Build a value from a file's content; what does not fit is the file's fault."""
    try:
        return build(body)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise UserError(f"holds what no stage wrote: {problem}", where=str(path)) from None


__all__ = [
    "manifest", "read_bytes", "read_extraction", "read_fronts", "read_json", "read_observations",
    "read_structure", "read_surrogate", "replacing", "write_bytes", "write_csv",
    "write_extraction", "write_fronts", "write_json", "write_observations", "write_structure",
    "write_surrogate", "write_text",
]  # fmt: skip
