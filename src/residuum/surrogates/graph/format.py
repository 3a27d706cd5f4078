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
from residuum.surrogates.graph.trunk import Trunk

ARRAYS = ("unit", "location", "scale")


@dataclass(frozen=True)
class BodyTerm:
    """One hidden term: measures, form, head, axes, and where its unknowns begin."""

    measures: tuple[str, ...]
    kind: str
    head: MessageHead
    axes: int
    start: int

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
        "alive": list(features.alive),
        "axes": term.axes,
        "start": term.start,
        "layers": list(trunk.layers),
        "scale": trunk.scale,
        "outputs": trunk.outputs,
        "extra": trunk.extra,
        "length": features.length,
        "positive": list(features.positive),
        "seen_exchange": _listed(features.exchange),
        "times": term.head.length if isinstance(term.head, CentralHead) else None,
        "exchange": _listed(term.head.exchange) if isinstance(term.head, FreeHead) else None,
    }


def term_arrays(name: str, term: BodyTerm) -> dict[str, np.ndarray]:
    """Return the arrays of a term."""
    features = term.head.trunk.features
    return {f"{name}/{key}": getattr(features, key).cpu().numpy() for key in ARRAYS}


def read_body_term(name: str, row: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> BodyTerm:
    """Return the term that `describe_body_term` and `term_arrays` wrote."""
    features = Features(
        bool(row["length"]),
        tuple(bool(x) for x in row["positive"]),
        _indices(row["seen_exchange"]),
        tuple(int(x) for x in row["alive"]),
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
    free = kind.startswith("free")
    head = (
        FreeHead(trunk, _indices(row["exchange"]))
        if free
        else CentralHead(trunk, kind == "mutual", row["times"])
    )
    return BodyTerm(tuple(row["arguments"]), kind, head, int(row["axes"]), int(row["start"]))


def _listed(values: tuple[int, ...] | None) -> list[int] | None:
    return None if values is None else list(values)


def _indices(values: Any) -> tuple[int, ...] | None:
    return None if values is None else tuple(int(x) for x in values)


def _tensor(values: np.ndarray) -> Tensor:
    return torch.tensor(np.asarray(values, dtype=float))
