"""How are heads written as plain values, and read back?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from residuum.surrogates.bottleneck import Bottleneck
from residuum.surrogates.heads import HiddenHead, NetworkHead, SplineHead
from residuum.surrogates.states import Frame, NetworkStates, SplineStates, StateHead


@dataclass(frozen=True)
class Term:
    """One hidden term: formal arguments, head, output scale, place among the shared unknowns."""

    arguments: tuple[str, ...]
    head: HiddenHead
    scale: float
    start: int

    @property
    def place(self) -> slice:
        """Where its unknowns stand."""
        return slice(self.start, self.start + self.head.size)


def describe_states(head: StateHead) -> dict[str, Any]:
    if isinstance(head, NetworkStates):
        return {"kind": head.kind, "hidden": list(head.hidden)}
    if isinstance(head, SplineStates):
        return {"kind": head.kind, "coefficients": head.coefficients}
    raise TypeError(f"not a known state head: {type(head).__name__}")


def read_states(frame: Frame, row: Mapping[str, Any]) -> StateHead:
    if row["kind"] == "network":
        return NetworkStates(frame, tuple(row["hidden"]))
    return SplineStates(frame, int(row["coefficients"]))


def describe_term(term: Term) -> dict[str, Any]:
    head = term.head
    bottleneck = asdict(head.bottleneck) if isinstance(head, NetworkHead) else None
    return {
        "arguments": list(term.arguments),
        "kind": head.kind,
        "alive": list(head.alive),
        "scale": term.scale,
        "start": term.start,
        "bottleneck": bottleneck,
    }


def read_term(row: Mapping[str, Any], low: Tensor, high: Tensor) -> Term:
    alive = tuple(int(index) for index in row["alive"])
    head: HiddenHead = SplineHead(low, high, alive)
    if row["kind"] == "network":
        b = row["bottleneck"]
        bottleneck = Bottleneck(
            b["arguments"],
            b["latents"],
            tuple(b["top"]),
            tuple(b["encoder"]),
            b["outputs"],
            b["penalty"],
        )
        head = NetworkHead(low, high, alive, bottleneck)
    return Term(tuple(row["arguments"]), head, float(row["scale"]), int(row["start"]))
