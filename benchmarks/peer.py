"""The surrogate beside a plain PINN of DeepXDE trained by Adam, on the same draws and one core.

The peer: a network of time for the two states, a network of the states for the two hidden terms,
the linear parts given, all in scaled variables; float32, its default. Its learning rate and
the weight of the physics are tuned on a draw that is not measured. Its clock stands still while
its error is looked at, and it may stop when the error is least, which only the truth can tell: it
rises again while the noise is learned. So where the two are compared at one error, ours is the
fastest of a few settings that reaches it; the default is compared by itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.cases import B1, HIDDEN, STATES, hidden_error
from benchmarks.machine import describe
from benchmarks.records import write_result
from residuum.data.observations import Observations
from residuum.surrogates.settings import PinnSettings

NOISE, POINTS = 0.01, 31
TUNING_DRAW = 900_000
RATES, WEIGHTS = (1e-3, 3e-3, 1e-2), (1.0, 0.1, 0.01, 0.001)
COLLOCATION = 200
LEVELS = (0.5, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.04, 0.03, 0.02, 0.015, 0.01)
REPEATS = 3
SLACK = 1.1
DEFAULT = PinnSettings(device="cpu")
SPLINES = replace(DEFAULT, states=("spline",), hidden=("spline",))
OURS = {
    "splines only, 1 round": replace(SPLINES, rounds=1),
    "splines only": SPLINES,
    "all heads, 1 round": replace(DEFAULT, rounds=1),
    "all heads, 2 rounds": replace(DEFAULT, rounds=2),
    "default": DEFAULT,
}
Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class Tuning:
    """The peer's learning rate, the weight of its physics, and its seconds."""

    rate: float
    weight: float
    seconds: float


def measure(*, draws: int, seconds: float, seed: int, result: Path) -> None:
    """Train both on several draws; write error against wall time and seconds to equal errors."""
    if find_spec("deepxde") is None:
        raise SystemExit("the peer is missing: pip install -r benchmarks/requirements.txt")
    tuning, tried = tune(seconds / 3, seed)
    tuning = replace(tuning, seconds=seconds)
    # The first training of a process also compiles; this one is not counted.
    train_ours(B1.observe(points=POINTS, noise=NOISE, draw=TUNING_DRAW), DEFAULT)
    rows = []
    for draw in range(seed, seed + draws):
        observations = B1.observe(points=POINTS, noise=NOISE, draw=draw)
        ours = curve_ours(observations)
        peer = curve_peer(observations, tuning, draw)
        rows.append({"draw": draw, "residuum": ours, "peer": peer, **compare(ours, peer, seconds)})
        print({k: v for k, v in rows[-1].items() if k not in ("residuum", "peer")}, flush=True)
    about = {"rate": tuning.rate, "weight": tuning.weight, "seconds": seconds, "tried": tried}
    write_result(result, {"machine": describe(), "tuning": about, "rows": rows})


def tune(seconds: float, seed: int) -> tuple[Tuning, list[dict[str, float]]]:
    """Return the setting that reaches the smallest error on a draw of its own, and all tried."""
    observations = B1.observe(points=POINTS, noise=NOISE, draw=TUNING_DRAW)
    tried = []
    for rate in RATES:
        for weight in WEIGHTS:
            curve = curve_peer(observations, Tuning(rate, weight, seconds), seed)
            best = min(error for _, error in curve)
            tried.append({"rate": rate, "weight": weight, "error": best})
            print(tried[-1], flush=True)
    best = min(tried, key=lambda row: row["error"])
    return Tuning(best["rate"], best["weight"], seconds), tried


def curve_ours(observations: Observations) -> Curve:
    """Return (wall seconds, error) of whole trainings from nothing by `OURS`, the default last."""
    return [train_ours(observations, settings) for settings in OURS.values()]


def train_ours(observations: Observations, settings: PinnSettings) -> tuple[float, float]:
    """Return the median wall seconds of a few trainings and their hidden-term error."""
    from residuum.surrogates.train import train

    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        surrogate = train(B1.problem(), observations, settings, seed=0, device="cpu")
        seconds.append(time.perf_counter() - began)
    X = B1.path()
    truth = B1.truth(X)
    found = {name: surrogate.hidden(name, X)[0] for name in truth}
    return median(seconds), hidden_error(found, truth)


def curve_peer(observations: Observations, tuning: Tuning, seed: int) -> Curve:
    """Return (wall seconds, error) of DeepXDE's training, about ten points a factor of e."""
    os.environ["DDE_BACKEND"] = "pytorch"
    import deepxde as dde
    import torch

    dde.config.set_random_seed(seed % 2**31)
    (experiment,) = observations.experiments
    scale = np.array([np.mean(np.abs(experiment.states[s])) for s in STATES])
    began = time.perf_counter()
    net = _network(dde, torch, float(experiment.t[-1]))
    data = _peer_data(dde, experiment, scale)
    model = dde.Model(data, net)
    weights = [tuning.weight, tuning.weight, 1.0, 1.0]
    model.compile("adam", lr=tuning.rate, loss_weights=weights, verbose=0)
    watch = _watch(dde, tuning.seconds, began, lambda: _peer_error(torch, net, scale))
    model.train(iterations=10**8, display_every=10**9, callbacks=[watch], verbose=0)
    return watch.curve


def _network(dde: Any, torch: Any, stop: float) -> Any:
    """Return t -> (states, hidden terms of these states), all scaled."""

    class Hybrid(dde.nn.NN):
        def __init__(self) -> None:
            super().__init__()
            self.states = dde.nn.FNN([1, 32, 32, 32, 2], "tanh", "Glorot uniform")
            self.hidden = dde.nn.FNN([2, 32, 32, 2], "tanh", "Glorot uniform")

        def forward(self, t: Any) -> Any:
            u = self.states(2.0 * t / stop - 1.0)
            return torch.cat([u, self.hidden(u)], dim=1)

    return Hybrid()


def _peer_data(dde: Any, experiment: Any, scale: np.ndarray) -> Any:
    t = experiment.t[:, None]

    def physics(inputs: Any, outputs: Any) -> list[Any]:
        prey, predator, predation, growth = (outputs[:, k : k + 1] for k in range(4))
        prey_t = dde.grad.jacobian(outputs, inputs, i=0, j=0)
        predator_t = dde.grad.jacobian(outputs, inputs, i=1, j=0)
        return [
            prey_t - B1.alpha * prey + predation,
            predator_t - growth + B1.delta * predator,
        ]

    measured = [
        dde.icbc.PointSetBC(t, (experiment.states[s] / c)[:, None], component=k)
        for k, (s, c) in enumerate(zip(STATES, scale, strict=True))
    ]
    line = dde.geometry.TimeDomain(float(experiment.t[0]), float(experiment.t[-1]))
    return dde.data.PDE(
        line, physics, measured, num_domain=COLLOCATION, train_distribution="uniform"
    )


def _peer_error(torch: Any, net: Any, scale: np.ndarray) -> float:
    X = B1.path()
    with torch.no_grad():
        inputs = torch.as_tensor(X / scale, dtype=torch.float32)
        found = net.hidden(inputs).numpy().astype(float) * scale
    return hidden_error(dict(zip(HIDDEN, found.T, strict=True)), B1.truth(X))


def _watch(dde: Any, limit: float, began: float, look: Any) -> Any:
    """Return a callback that notes the error now and then, off the clock, and ends the training."""

    class Watch(dde.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.curve: Curve = []
            self.paused, self.next = 0.0, 0.1

        def on_epoch_end(self) -> None:
            now = time.perf_counter() - began - self.paused
            if now < self.next:
                return
            self.next = now * 1.1
            self.curve.append((now, look()))
            self.paused = time.perf_counter() - began - now
            self.model.stop_training = now >= limit

    return Watch()


def compare(ours: Curve, peer: Curve, limit: float) -> dict[str, Any]:
    """Return the seconds each needs to reach the same errors.

    `ratio` is at the error of our default training; where the peer does not reach it, it is the
    time the peer was given over ours, and `reached` is False. `same` is at an error that both
    reach: a tenth above the worse of the two bests.
    """
    seconds, error = ours[-1]
    theirs = first(peer, error)
    level = SLACK * max(min(e for _, e in ours), min(e for _, e in peer))
    mine, other = first(ours, level), first(peer, level)
    return {
        "error": error,
        "seconds": seconds,
        "peer_best": min(e for _, e in peer),
        "peer_end": peer[-1][1],
        "peer_seconds": theirs,
        "reached": theirs is not None,
        "ratio": (limit if theirs is None else theirs) / seconds,
        "same": {"error": level, "residuum": mine, "peer": other, "ratio": other / mine},
        "levels": levels(ours, peer),
    }


def first(curve: Sequence[tuple[float, float]], level: float) -> float | None:
    """Return the fewest seconds at which a curve is at or below an error; None if it never is."""
    times = [seconds for seconds, error in curve if error <= level]
    return min(times) if times else None


def levels(ours: Curve, peer: Curve) -> list[Mapping[str, float | None]]:
    """Return the seconds to each of a list of errors that either reaches."""
    rows = [
        {"error": level, "residuum": first(ours, level), "peer": first(peer, level)}
        for level in LEVELS
    ]
    return [row for row in rows if row["residuum"] is not None or row["peer"] is not None]
