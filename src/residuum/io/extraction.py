"""`hidden.nc` and `structure.json`: what a surrogate says the hidden terms are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from residuum.files import built, read_json, write_json
from residuum.io.trees import read_tree, write_tree

if TYPE_CHECKING:
    import xarray as xr

    from residuum.hidden.samples import Extraction, HiddenSamples, Structure

HIDDEN = "residuum/hidden/1"
STRUCTURE = "residuum/structure/1"


def write_extraction(hidden: Path, structure: Path, extraction: Extraction) -> None:
    """Write `hidden.nc` (a group per hidden term, one per trajectory) and `structure.json`."""
    import xarray as xr

    groups: dict[str, xr.Dataset] = {"/": xr.Dataset(attrs=_extraction_attributes(extraction))}
    for name, samples in extraction.samples.items():
        groups[f"/hidden/{name}"] = _hidden_group(samples)
    for name, path in extraction.trajectories.items():
        columns = {key: ("t", values) for key, values in path.components.items()}
        groups[f"/trajectories/{name}"] = xr.Dataset(columns, coords={"t": path.t})
    write_tree(hidden, xr.DataTree.from_dict(groups), HIDDEN)
    write_structure(structure, extraction.structure)


def _hidden_group(samples: HiddenSamples) -> xr.Dataset:
    """Return the group of one hidden term; a prior that is not known is left out."""
    import xarray as xr

    group = xr.Dataset(
        {
            "X": (("sample", "argument"), samples.X),
            "values": ("sample", samples.values),
            "covariance": (("sample", "other_sample"), samples.covariance),
            "t": ("sample", samples.t),
            "experiment": ("sample", samples.experiment),
            "alive": ("argument", np.array(samples.alive, dtype=bool)),
        },
        attrs={
            "arguments": json.dumps(samples.arguments),
            "units": json.dumps({"arguments": samples.units, "value": samples.unit}),
        },
    )
    if samples.prior is not None:
        group["prior"] = (("sample", "other_sample"), samples.prior)
    if samples.prior_mean is not None:
        group["prior_mean"] = ("sample", samples.prior_mean)
    return group


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

    tree = read_tree(hidden, HIDDEN)
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
    units = json.loads(node.attrs.get("units", "{}"))
    return HiddenSamples(
        term=name,
        arguments=tuple(json.loads(node.attrs["arguments"])),
        **{key: node[key].values for key in columns},
        alive=tuple(bool(flag) for flag in node["alive"].values),
        prior=node["prior"].values if "prior" in node else None,
        prior_mean=node["prior_mean"].values if "prior_mean" in node else None,
        units=tuple(units["arguments"]) if units.get("arguments") is not None else None,
        unit=units.get("value"),
    )


def write_structure(path: Path, structure: Structure) -> None:
    """Write `structure.json`: which arguments and latents are alive."""
    content = {
        "alive": structure.alive,
        "latents": structure.latents,
        "sensitivity": structure.sensitivity,
        "gauge": structure.gauge,
    }
    write_json(path, content, STRUCTURE)


def read_structure(path: Path) -> Structure:
    """Return the structure that `write_structure` wrote; raises UserError when torn."""
    from residuum.hidden.samples import Structure

    return built(path, lambda body: Structure(**body), read_json(path, STRUCTURE))
