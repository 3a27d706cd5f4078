"""How are the heads of hidden terms of bodies written as plain values and arrays, and read back?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from residuum.surrogates.graph.features import Features
from residuum.surrogates.graph.heads import CentralHead, FreeHead, MessageHead
from residuum.surrogates.graph.latent import TopHead, latents_of
from residuum.surrogates.graph.narrowing import LatentMap
from residuum.surrogates.graph.trunk import Trunk

ARRAYS = ("unit", "location", "scale")


@dataclass(frozen=True)
class BodyTerm:
    """One hidden term: measures, form, head, axes, where its unknowns begin, what latents are."""

    measures: tuple[str, ...]
    kind: str
    head: MessageHead
    axes: int
    start: int
    map: LatentMap | None = None

    @property
    def place(self) -> slice:
        """Where its unknowns stand."""
        return slice(self.start, self.start + self.head.size)


def describe_body_term(term: BodyTerm) -> dict[str, Any]:
    """Return the plain values of a term."""
    trunk, features = term.head.trunk, term.head.trunk.features
    return {
        "arguments": list(term.measures),
        "kind": term.kind,
        "alive": list(term.head.alive),
        "seen": list(features.alive),
        "latents": latents_of(term.head),
        "aligned": None if term.map is None else term.map.aligned,
        "axes": term.axes,
        "start": term.start,
        "layers": list(trunk.layers),
        "scale": trunk.scale,
        "outputs": trunk.outputs,
        "extra": trunk.extra,
        "length": features.length,
        "positive": list(features.positive),
        "seen_exchange": _listed(features.exchange),
        "times": term.head.length if isinstance(term.head, CentralHead | TopHead) else None,
        "penalty": term.head.penalty if isinstance(term.head, TopHead) else None,
        "exchange": _listed(term.head.exchange) if isinstance(term.head, FreeHead) else None,
    }


def term_arrays(name: str, term: BodyTerm) -> dict[str, np.ndarray]:
    """Return the arrays of a term."""
    features = term.head.trunk.features
    found = {f"{name}/{key}": getattr(features, key).cpu().numpy() for key in ARRAYS}
    if term.map is not None:
        found[f"{name}/map"] = np.ascontiguousarray(term.map.matrix.cpu().numpy())
    return found


def read_body_term(name: str, row: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> BodyTerm:
    """Return the term that `describe_body_term` and `term_arrays` wrote."""
    features = Features(
        bool(row["length"]),
        tuple(bool(x) for x in row["positive"]),
        _indices(row["seen_exchange"]),
        tuple(int(x) for x in row["seen"]),
        *(_tensor(arrays[f"{name}/{key}"]) for key in ARRAYS),
    )
    trunk = Trunk(
        features,
        tuple(int(x) for x in row["layers"]),
        float(row["scale"]),
        int(row["outputs"]),
        int(row["extra"]),
    )
    kind = str(row["kind"])
    map = None
    if row["aligned"] is not None:
        map = LatentMap(_tensor(arrays[f"{name}/map"]), float(row["aligned"]))
    head, axes, start = _head(kind, trunk, row), int(row["axes"]), int(row["start"])
    return BodyTerm(tuple(row["arguments"]), kind, head, axes, start, map)


def _head(kind: str, trunk: Trunk, row: Mapping[str, Any]) -> MessageHead:
    if kind == "latent" and row["times"] is not None:
        return TopHead(trunk, int(row["times"]), row["penalty"])
    if kind == "latent" or kind.startswith("free"):
        return FreeHead(trunk, _indices(row["exchange"]))
    return CentralHead(trunk, kind == "mutual", row["times"])


def _listed(values: tuple[int, ...] | None) -> list[int] | None:
    return None if values is None else list(values)


def _indices(values: Any) -> tuple[int, ...] | None:
    return None if values is None else tuple(int(x) for x in values)


def _tensor(values: np.ndarray) -> Tensor:
    return torch.tensor(np.asarray(values, dtype=float))
