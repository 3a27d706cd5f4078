"""What the collocation surrogate hands on: states, hidden terms and their posterior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from residuum.problem.problem import Problem
from residuum.surrogates.heads import HiddenHead, NetworkHead, SplineHead
from residuum.surrogates.pinn import PinnFit
from residuum.surrogates.pinn_format import (
    Term,
    describe_states,
    describe_term,
    read_states,
    read_term,
)
from residuum.surrogates.states import Frame, StateHead, exponentiate
from residuum.surrogates.surrogate import SCHEMA, Surrogate
from residuum.surrogates.trained import Trained


@dataclass(frozen=True, eq=False)
class PinnSurrogate(Surrogate):
    """State heads with `state[E, P]`, hidden heads with `shared[Q]` and its `covariance[Q, Q]`.

    `components` gives state and order of derivative of each component. The covariance is the
    Laplace posterior with the states' unknowns marginalised; `prior_shared[Q]` and
    `prior_covariance[Q, Q]` are the same without the data.
    """

    names: tuple[str, ...]
    components: Mapping[str, tuple[int, int]]
    head: StateHead
    state: Tensor
    hidden_terms: Mapping[str, Term]
    shared: Tensor
    covariance: Tensor
    prior_shared: Tensor
    prior_covariance: Tensor
    parameter_values: Mapping[str, tuple[float, float]]
    noise_sizes: Mapping[str, float]
    comparisons: tuple[Mapping[str, float | str], ...]
    rows: tuple[Mapping[str, float | str], ...]

    @classmethod
    def of(cls, problem: Problem, fit: PinnFit) -> PinnSurrogate:
        """Return the surrogate of a fit, on the CPU."""
        trained, columns = fit.trained, fit.bench.samples.columns
        sigma = trained.hyper.sigma[0]
        return cls(
            names=fit.bench.samples.names,
            components=dict(trained.physics.components),
            head=_head_on_cpu(trained.head),
            state=trained.unknowns.state[0].cpu(),
            hidden_terms={
                term.name: Term(
                    term.arguments,
                    _hidden_on_cpu(trained.heads[term.name]),
                    trained.physics.hidden_scales[term.name],
                    trained.physics.places[term.name].start,
                )
                for term in problem.hidden_terms
            },
            shared=trained.unknowns.shared[0].cpu(),
            covariance=trained.factor.shared_covariance()[0].cpu(),
            prior_shared=trained.prior_shared[0].cpu(),
            prior_covariance=trained.prior.shared_covariance()[0].cpu(),
            parameter_values=_parameters(trained),
            noise_sizes={column.name: float(sigma[m]) for m, column in enumerate(columns)},
            comparisons=tuple(asdict(c) for c in fit.comparisons),
            rows=fit.history,
        )

    @property
    def experiments(self) -> tuple[str, ...]:
        return self.names

    @property
    def terms(self) -> Mapping[str, tuple[str, ...]]:
        return {name: term.arguments for name, term in self.hidden_terms.items()}

    @torch.inference_mode()
    def states(self, experiment: str, t: np.ndarray) -> dict[str, np.ndarray]:
        if experiment not in self.names:
            raise KeyError(experiment)
        e = self.names.index(experiment)
        times = torch.tensor(np.asarray(t, dtype=float)).expand(len(self.names), -1)
        V, _ = self.head.forward(self.state[None], self.head.basis(times))
        U = exponentiate(V, self.head.frame.log)[0, e]
        return {name: U[k, :, s].numpy().copy() for name, (s, k) in self.components.items()}

    @torch.inference_mode()
    def hidden(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._normal(term, X, self.shared, self.covariance)

    @torch.inference_mode()
    def hidden_prior(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._normal(term, X, self.prior_shared, self.prior_covariance)

    def _normal(
        self, term: str, X: np.ndarray, mean: Tensor, covariance: Tensor
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the distribution of a term when the shared unknowns have this one.

        The term is linear in them about the optimum.
        """
        one = self.hidden_terms[term]
        q = self.shared[None, one.place]
        values, tape = one.head.forward(q, _points(X))
        J = one.head.linearise(tape)[1][0]
        moved = values[0] + J @ (mean[one.place] - q[0])
        # The covariance as a square: symmetric and without negative eigenvalues.
        root = torch.linalg.cholesky_ex(covariance[one.place, one.place])[0]
        half = J @ root * one.scale
        return (moved * one.scale).numpy().copy(), (half @ half.mT).numpy().copy()

    @torch.inference_mode()
    def hidden_gradient(self, term: str, X: np.ndarray) -> np.ndarray:
        one = self.hidden_terms[term]
        _, tape = one.head.forward(self.shared[None, one.place], _points(X))
        return (one.head.linearise(tape)[0][0] * one.scale).numpy().copy()

    def mean(self, term: str, X: np.ndarray) -> np.ndarray:
        return self.linearised(term, X)[0]

    @torch.inference_mode()
    def linearised(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        one = self.hidden_terms[term]
        values, tape = one.head.forward(self.shared[None, one.place], _points(X))
        gradient, J = (part[0] * one.scale for part in one.head.linearise(tape))
        whole = J.new_zeros(len(J), len(self.shared))
        whole[:, one.place] = J
        mean = values[0] * one.scale
        return mean.numpy().copy(), whole.numpy().copy(), gradient.numpy().copy()

    @property
    def posterior(self) -> np.ndarray:
        return self.covariance.numpy().copy()

    @property
    def forms(self) -> Mapping[str, str]:
        return {name: describe_term(term)["kind"] for name, term in self.hidden_terms.items()}

    @property
    def maps(self) -> Mapping[str, tuple[np.ndarray, float]]:
        return {}

    @property
    def parameters(self) -> Mapping[str, tuple[float, float]]:
        return self.parameter_values

    @property
    def noise(self) -> Mapping[str, float]:
        return self.noise_sizes

    @property
    def alive(self) -> Mapping[str, tuple[bool, ...]]:
        return {
            name: tuple(index in term.head.alive for index in range(len(term.arguments)))
            for name, term in self.hidden_terms.items()
        }

    @property
    def latents(self) -> Mapping[str, int]:
        return {name: _latents(term.head) for name, term in self.hidden_terms.items()}

    @property
    def history(self) -> Sequence[Mapping[str, float | str]]:
        return self.rows

    def to_arrays(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        frame = self.head.frame
        tensors = {
            "state": self.state,
            "shared": self.shared,
            "covariance": self.covariance,
            "prior_shared": self.prior_shared,
            "prior_covariance": self.prior_covariance,
            "location": frame.location,
            "scale": frame.scale,
            "start": frame.start,
            "span": frame.span,
        }
        for name, term in self.hidden_terms.items():
            tensors[f"low.{name}"], tensors[f"high.{name}"] = term.head.low, term.head.high
        arrays = {name: np.ascontiguousarray(tensor.numpy()) for name, tensor in tensors.items()}
        return arrays, self._values()

    def _values(self) -> dict[str, Any]:
        frame = self.head.frame
        return {
            "schema": SCHEMA,
            "kind": "pinn",
            "experiments": list(self.names),
            "components": {name: list(place) for name, place in self.components.items()},
            "order": frame.order,
            "log": list(frame.log),
            "state_head": describe_states(self.head),
            "terms": {name: describe_term(term) for name, term in self.hidden_terms.items()},
            "parameters": {name: list(pair) for name, pair in self.parameter_values.items()},
            "noise": dict(self.noise_sizes),
            "comparisons": [dict(row) for row in self.comparisons],
            "history": [dict(row) for row in self.rows],
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], values: Mapping[str, Any]
    ) -> PinnSurrogate:
        if values.get("schema") != SCHEMA or values.get("kind") != "pinn":
            found = f"{values.get('schema')} {values.get('kind')}"
            raise ValueError(f"expected {SCHEMA} pinn, found {found}")
        tensors = {name: torch.tensor(array) for name, array in arrays.items()}
        frame = Frame(
            tensors["location"],
            tensors["scale"],
            tensors["start"],
            tensors["span"],
            int(values["order"]),
            tuple(values["log"]),
        )
        return cls(
            names=tuple(values["experiments"]),
            components={name: (int(s), int(k)) for name, (s, k) in values["components"].items()},
            head=read_states(frame, values["state_head"]),
            state=tensors["state"],
            hidden_terms={
                name: read_term(row, tensors[f"low.{name}"], tensors[f"high.{name}"])
                for name, row in values["terms"].items()
            },
            shared=tensors["shared"],
            covariance=tensors["covariance"],
            prior_shared=tensors["prior_shared"],
            prior_covariance=tensors["prior_covariance"],
            parameter_values={
                name: (pair[0], pair[1]) for name, pair in values["parameters"].items()
            },
            noise_sizes=dict(values["noise"]),
            comparisons=tuple(values["comparisons"]),
            rows=tuple(values["history"]),
        )


def _points(X: np.ndarray) -> Tensor:
    return torch.tensor(np.asarray(X, dtype=float))[None]


def _parameters(trained: Trained) -> dict[str, tuple[float, float]]:
    physics, start = trained.physics, trained.physics.heads_size
    scales = physics.parameter_scales
    q = trained.unknowns.shared[0, start:] * scales
    variance = trained.factor.shared_covariance()[0].diagonal()[start:]
    sd = variance.clamp_min(0).sqrt() * scales
    names = physics.problem.estimated
    return {name: (float(q[i]), float(sd[i])) for i, name in enumerate(names)}


def _latents(head: HiddenHead) -> int:
    if isinstance(head, NetworkHead) and head.bottleneck.latents is not None:
        return head.bottleneck.latents
    return len(head.alive)


def _head_on_cpu(head: StateHead) -> StateHead:
    f = head.frame
    frame = Frame(f.location.cpu(), f.scale.cpu(), f.start.cpu(), f.span.cpu(), f.order, f.log)
    return read_states(frame, describe_states(head))


def _hidden_on_cpu(head: HiddenHead) -> HiddenHead:
    if isinstance(head, NetworkHead):
        return NetworkHead(head.low.cpu(), head.high.cpu(), head.alive, head.bottleneck)
    return SplineHead(head.low.cpu(), head.high.cpu(), head.alive)
