r"""The graph network of Cranmer et al. 2020 in torch_geometric, trained with Adam.

.. math:: e_{ij} = \phi^e(x_i, x_j), \qquad \hat a_i = \phi^v\Bigl(x_i, \sum_j e_{ij}\Bigr)

with three hidden layers of 300 rectified units each, of all that a body carries: position,
velocity, charge and mass. The loss is the mean over bodies of the absolute errors, summed over
axes, and for sparse messages 0.01 times the mean over pairs of the sum of absolute components.
Positions are moved together by a random vector in every step, weights decay by 1e-8, and the
learning rate runs one cycle up to 1e-3: as in the paper. The cycle is told by the clock, so that
it ends with the seconds whatever else the machine does.

Source: M. Cranmer et al., NeurIPS 2020, arXiv:2006.11287.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch_geometric.nn import MessagePassing

from benchmarks.particles.simulations import Snapshots

HIDDEN, LAYERS = 300, 3
RATE, DECAY = 1e-3, 1e-8
RISE, START, END = 0.3, RATE / 25, RATE / 25e5  # of the cycle; rates at its ends
PENALTY = 1e-2
SHIFT = 3.0
BODIES_A_BATCH = 256  # 64 snapshots of four bodies
FIRST_LOOK, LATER = 0.5, 1.15  # seconds, and the factor between looks


@dataclass(frozen=True)
class Variant:
    """How messages are kept small: how many components, and whether their size is penalised."""

    width: int
    penalty: float


class GraphNetwork(MessagePassing):
    """Accelerations `[N, d]` of bodies with features `x[N, f]`; it notes its messages."""

    def __init__(self, features: int, axes: int, width: int, hidden: int = HIDDEN) -> None:
        super().__init__(aggr="add")
        self.to_message = layers(2 * features, hidden, width)
        self.to_acceleration = layers(features + width, hidden, axes)
        self.noted: Tensor | None = None

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Return the accelerations."""
        # In one line with `def`, torch_geometric's reading of the source would fail.
        found = self.propagate(edge_index, x=x)
        return found

    def message(self, x_i: Tensor, x_j: Tensor) -> Tensor:
        """Return what each body receives from each other one."""
        self.noted = self.to_message(torch.cat([x_i, x_j], dim=-1))
        return self.noted

    def update(self, inputs: Tensor, x: Tensor) -> Tensor:
        """Return the acceleration of each body from the sum of its messages."""
        return self.to_acceleration(torch.cat([x, inputs], dim=-1))


def layers(inputs: int, hidden: int, outputs: int) -> torch.nn.Sequential:
    """Return a network with rectified layers."""
    sizes = [inputs, *[hidden] * LAYERS, outputs]
    parts: list[torch.nn.Module] = []
    for a, b in itertools.pairwise(sizes):
        parts += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    return torch.nn.Sequential(*parts[:-1])


def rate(share: float) -> float:
    """Return the learning rate at a share of the cycle: up in three tenths, then down to nothing.

    >>> [round(rate(share), 6) for share in (0.0, 0.3, 1.0)]
    [4e-05, 0.001, 0.0]
    """
    rising = share < RISE
    done = share / RISE if rising else (min(share, 1.0) - RISE) / (1.0 - RISE)
    first, last = (START, RATE) if rising else (RATE, END)
    return last + (first - last) * (1.0 + math.cos(math.pi * done)) / 2.0


def edges(bodies: int, frames: int) -> Tensor:
    """Return sender and receiver `[2, E]`, receiver by receiver, its senders in order.

    >>> edges(3, 1).tolist()
    [[1, 2, 0, 2, 0, 1], [0, 0, 1, 1, 2, 2]]
    """
    receiver, sender = np.nonzero(~np.eye(bodies, dtype=bool))
    pairs = torch.tensor(np.stack([sender, receiver]))
    starts = bodies * torch.arange(frames)
    return (pairs[:, None, :] + starts[None, :, None]).flatten(1)


def features_of(found: Snapshots) -> Tensor:
    """Return position, velocity, charge and mass of every body, `[F, n, 2*d + 2]`."""
    scalars = np.stack([found.charges, found.masses], axis=-1)
    parts = [found.positions, found.velocities, scalars]
    return torch.tensor(np.concatenate(parts, axis=-1), dtype=torch.float32)


Look = Callable[[np.ndarray, np.ndarray], list[float]]  # of messages and accelerations


@dataclass
class Trainer:
    """One training of so many seconds; the clock stands still while it is looked at."""

    variant: Variant
    training: Snapshots
    unseen: Snapshots
    seed: int

    def __post_init__(self) -> None:
        self.x, self.y = features_of(self.training), self._accelerations(self.training)
        self.bodies, self.axes = self.training.positions.shape[1:]
        self.batch = max(1, BODIES_A_BATCH // self.bodies)
        self.edges = edges(self.bodies, self.batch)
        self.random = torch.Generator().manual_seed(self.seed)

    def _accelerations(self, found: Snapshots) -> Tensor:
        return torch.tensor(found.accelerations, dtype=torch.float32)

    def network(self) -> GraphNetwork:
        """Return an untrained network."""
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            return GraphNetwork(self.x.shape[-1], self.axes, self.variant.width)

    def step(self, network: GraphNetwork, optimizer: torch.optim.Optimizer) -> None:
        """Do one step on a batch of snapshots drawn at random."""
        rows = torch.randint(len(self.x), (self.batch,), generator=self.random)
        x = self.x[rows].flatten(0, 1)
        shift = SHIFT * torch.randn(self.axes, generator=self.random)
        x = torch.cat([x[:, : self.axes] + shift, x[:, self.axes :]], dim=-1)
        optimizer.zero_grad()
        error = network(x, self.edges) - self.y[rows].flatten(0, 1)
        loss = error.abs().sum(-1).mean()
        if self.variant.penalty and network.noted is not None:
            loss = loss + self.variant.penalty * network.noted.abs().sum(-1).mean()
        loss.backward()
        optimizer.step()

    def run(self, seconds: float, look: Look) -> list[list[float]]:
        """Return seconds and what `look` says now and then, over one cycle of so many seconds."""
        network = self.network()
        optimizer = torch.optim.Adam(network.parameters(), lr=RATE, weight_decay=DECAY)
        curve: list[list[float]] = []
        began, paused, due, now = time.perf_counter(), 0.0, FIRST_LOOK, 0.0
        while now < seconds:
            optimizer.param_groups[0]["lr"] = rate(now / seconds)
            self.step(network, optimizer)
            now = time.perf_counter() - began - paused
            if now < min(due, seconds):
                continue
            due = now * LATER
            curve.append([now, *look(*self.answers(network))])
            paused = time.perf_counter() - began - now
        return curve

    def answers(self, network: GraphNetwork) -> tuple[np.ndarray, np.ndarray]:
        """Return messages `[E, k]` of all pairs and accelerations `[F, n, d]`, both unseen."""
        x = features_of(self.unseen)
        with torch.no_grad():
            found = network(x.flatten(0, 1), edges(self.bodies, len(x)))
        messages = network.noted
        assert messages is not None
        shape = self.unseen.accelerations.shape
        return messages.numpy().astype(float), found.numpy().astype(float).reshape(shape)
