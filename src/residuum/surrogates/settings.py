"""The choices a user has in training a surrogate; no torch here, so that reading them is cheap."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal


@dataclass(frozen=True, slots=True)
class BottleneckSettings:
    """How sparse the latents of a hidden term (or a message) are made."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    sparsity: Annotated[
        Literal["none", "width", "l1", "kl", "prune"],
        "none; width: a hard number of latents; l1: a penalty; kl: latents as Gaussian channels "
        "(messages only); prune: remove while evidence allows",
    ] = "prune"
    width: Annotated[int, "latents between the arguments and the term (1 to 64)"] = 4
    penalty: Annotated[
        float, "weight of l1 (1: as strong as the evidence's prior) or of the kl divergence"
    ] = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.width <= 64:
            raise ValueError(f"expected a width between 1 and 64, found {self.width}")
        if not self.penalty >= 0:
            raise ValueError(f"expected a penalty of at least 0, found {self.penalty}")


@dataclass(frozen=True, slots=True)
class PinnSettings:
    """The collocation surrogate: heads, restarts, physics weight and iterations."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    ensemble: Annotated[int, "restarts, trained as one batch (1 to 256)"] = 2
    states: Annotated[
        tuple[Literal["network", "spline"], ...], "state heads to try; evidence chooses"
    ] = ("spline", "network")
    hidden: Annotated[
        tuple[Literal["network", "spline"], ...], "hidden-term heads to try; evidence chooses"
    ] = ("network", "spline")
    width: Annotated[int, "units in each of the two layers of a state network"] = 12
    hidden_width: Annotated[int, "units in the layer of a hidden term's network"] = 8
    knots: Annotated[int, "coefficients of a state spline; 0: from the number of samples"] = 0
    collocation: Annotated[int, "collocation points an experiment; 0: from the samples"] = 0
    physics_weight: Annotated[float, "final weight of the physics residual"] = 1.0e4
    rounds: Annotated[int, "evidence updates of the joint fit"] = 8
    iterations: Annotated[int, "Levenberg-Marquardt iterations a round"] = 12
    device: Annotated[Literal["auto", "cpu", "cuda"], "where to train"] = "auto"
    bottleneck: Annotated[BottleneckSettings, "sparsity of the network head"] = field(
        default_factory=BottleneckSettings
    )

    def __post_init__(self) -> None:
        limits = {
            "ensemble": (1, 256),
            "width": (1, 64),
            "hidden_width": (1, 64),
            "rounds": (1, 1000),
            "iterations": (1, 10_000),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name}: expected {low} to {high}, found {value}")
        if self.physics_weight <= 0:
            raise ValueError(f"physics_weight: expected above 0, found {self.physics_weight}")
        if not self.states or not self.hidden:
            raise ValueError("states and hidden: expected at least one kind of head each")
        if self.bottleneck.sparsity == "kl":
            # Nothing says how finely a latent of one function must be told: there is no channel.
            raise ValueError(
                "bottleneck.sparsity: kl is for messages between bodies (surrogate graph); "
                "expected none, width, l1 or prune"
            )


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """The graph surrogate: messages to try, restarts, sizes and iterations."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    messages: Annotated[
        tuple[Literal["mutual", "central", "free mutual", "free", "latent"], ...],
        "forms of a vector term to try, simplest first: mutual (along the line between two bodies, "
        "equal and opposite), central (along the line), free mutual, free; under an unknown update "
        "mutual, central, and latent: numbers without a direction of their own",
    ] = ("mutual", "central", "free mutual", "free", "latent")
    ensemble: Annotated[int, "restarts, trained as one batch (1 to 64)"] = 4
    width: Annotated[int, "units in each layer of a hidden term's network (1 to 64)"] = 8
    layers: Annotated[int, "layers of a hidden term's network (1 to 4)"] = 2
    rounds: Annotated[int, "evidence updates of the final fit"] = 12
    iterations: Annotated[int, "Levenberg-Marquardt iterations a round"] = 12
    search: Annotated[int, "snapshots by which restarts and forms are compared"] = 200
    holdout: Annotated[float, "share of these on which errors are compared (0.05 to 0.5)"] = 0.3
    device: Annotated[Literal["auto", "cpu", "cuda"], "where to train"] = "auto"
    bottleneck: Annotated[BottleneckSettings, "sparsity of messages that are latent"] = field(
        default_factory=BottleneckSettings
    )
    top: Annotated[int, "units of the network that reads latents; 0: linear (0 to 64)"] = 0

    def __post_init__(self) -> None:
        limits = {
            "ensemble": (1, 64),
            "top": (0, 64),
            "width": (1, 64),
            "layers": (1, 4),
            "rounds": (1, 1000),
            "iterations": (1, 10_000),
            "search": (2, 1_000_000),
            "holdout": (0.05, 0.5),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name}: expected {low} to {high}, found {value}")
        if not self.messages:
            raise ValueError("messages: expected at least one form")


SETTINGS: dict[str, type[PinnSettings] | type[GraphSettings]] = {
    "pinn": PinnSettings,
    "graph": GraphSettings,
}
