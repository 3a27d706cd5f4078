"""What the graph surrogate hands on: hidden terms between bodies and their posterior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from residuum.surrogates.graph.fit import GraphFit
from residuum.surrogates.graph.format import (
    BodyTerm,
    describe_body_term,
    read_body_term,
    term_arrays,
)
from residuum.surrogates.graph.heads import MessageHead
from residuum.surrogates.graph.latent import TopHead, latents_of
from residuum.surrogates.graph.narrowing import LatentMap
from residuum.surrogates.surrogate import SCHEMA, Surrogate

# Times, and every component at them.
Path = tuple[np.ndarray, Mapping[str, np.ndarray]]
PATH = "@"  # before an experiment's name: no term begins with it


@dataclass(frozen=True, eq=False)
class GraphSurrogate(Surrogate):
    """Heads of hidden terms with unknowns `theta[Q]` and their posterior `covariance[Q, Q]`.

    `prior[Q]` is the precision of the prior, about zero. Where accelerations were measured, so were
    the states; else `paths[experiment]` holds the smoothed ones, under the names of the equations
    written out. A term that is a vector is told by its component along its vector argument.
    """

    body_terms: Mapping[str, BodyTerm]
    theta: Tensor
    covariance: Tensor
    prior: Tensor
    parameter_values: Mapping[str, tuple[float, float]]
    noise_sizes: Mapping[str, float]
    comparisons: tuple[Mapping[str, float | str], ...]
    rows: tuple[Mapping[str, float | str], ...]
    paths: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def of(cls, fit: GraphFit, paths: Mapping[str, Path] | None = None) -> GraphSurrogate:
        """Return the surrogate of a fit, on the CPU."""
        places = fit.system.places
        return cls(
            body_terms={
                name: BodyTerm(
                    measures,
                    fit.kinds[name],
                    fit.system.heads[name],
                    fit.axes,
                    places[name].start,
                    fit.maps.get(name),
                )
                for name, measures in fit.terms.items()
            },
            theta=fit.theta.cpu(),
            covariance=fit.covariance.cpu(),
            prior=fit.prior_precision.cpu(),
            parameter_values=dict(fit.parameters) | dict(fit.scalars),
            noise_sizes=dict(fit.noise),
            comparisons=fit.comparisons,
            rows=fit.history,
            paths=paths or {},
        )

    @property
    def experiments(self) -> tuple[str, ...]:
        return tuple(self.paths)

    @property
    def terms(self) -> Mapping[str, tuple[str, ...]]:
        return {name: term.measures for name, term in self.body_terms.items()}

    def states(self, experiment: str, t: np.ndarray) -> dict[str, np.ndarray]:
        own, components = self.paths[experiment]
        return {name: np.interp(t, own, values) for name, values in components.items()}

    @torch.inference_mode()
    def hidden(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        place = self.body_terms[term].place
        values, J, _ = self._along(term, X)
        # The covariance as a square: symmetric and without negative eigenvalues.
        half = J @ torch.linalg.cholesky_ex(self.covariance[place, place])[0]
        return values.numpy().copy(), (half @ half.mT).numpy().copy()

    @torch.inference_mode()
    def hidden_prior(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        place = self.body_terms[term].place
        values, J, _ = self._along(term, X)
        half = J / self.prior[place].sqrt()
        return (values - J @ self.theta[place]).numpy().copy(), (half @ half.mT).numpy().copy()

    @torch.inference_mode()
    def hidden_gradient(self, term: str, X: np.ndarray) -> np.ndarray:
        return self._along(term, X)[2].numpy().copy()

    @torch.inference_mode()
    def mean(self, term: str, X: np.ndarray) -> np.ndarray:
        one = self.body_terms[term]
        if not one.head.central:
            return self._along(term, X)[0].numpy().copy()
        points = torch.tensor(np.asarray(X, dtype=float))[None]
        values, _ = one.head.forward(self.theta[None, one.place], points, points[..., :1])
        return values[0, :, 0].numpy().copy()

    @torch.inference_mode()
    def linearised(self, term: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values, J, gradient = self._along(term, X)
        whole = J.new_zeros(len(J), len(self.theta))
        whole[:, self.body_terms[term].place] = J
        return values.numpy().copy(), whole.numpy().copy(), gradient.numpy().copy()

    @property
    def posterior(self) -> np.ndarray:
        return self.covariance.numpy().copy()

    @property
    def forms(self) -> Mapping[str, str]:
        return {name: term.kind for name, term in self.body_terms.items()}

    def _along(self, term: str, X: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Return values `[n]`, their Jacobian `[n, q]` and gradient `[n, m]`, along the vector."""
        one = self.body_terms[term]
        points = torch.tensor(np.asarray(X, dtype=float))[None]
        return along(one.head, self.theta[None, one.place], points, one.axes, one.map)

    @property
    def parameters(self) -> Mapping[str, tuple[float, float]]:
        return self.parameter_values

    @property
    def noise(self) -> Mapping[str, float]:
        return self.noise_sizes

    @property
    def alive(self) -> Mapping[str, tuple[bool, ...]]:
        return {
            name: tuple(k in term.head.alive for k in range(len(term.measures)))
            for name, term in self.body_terms.items()
        }

    @property
    def latents(self) -> Mapping[str, int]:
        return {name: latents_of(term.head) for name, term in self.body_terms.items()}

    @property
    def maps(self) -> Mapping[str, tuple[np.ndarray, float]]:
        terms = {name: term.map for name, term in self.body_terms.items()}
        return {
            name: (map.matrix.cpu().numpy().copy(), map.aligned)
            for name, map in terms.items()
            if map is not None
        }

    @property
    def history(self) -> Sequence[Mapping[str, float | str]]:
        return self.rows

    def to_arrays(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        tensors = {"theta": self.theta, "covariance": self.covariance, "prior": self.prior}
        arrays = {name: np.ascontiguousarray(tensor.numpy()) for name, tensor in tensors.items()}
        for name, term in self.body_terms.items():
            arrays |= term_arrays(name, term)
        for name, (t, components) in self.paths.items():
            arrays[PATH + name] = np.stack([t, *components.values()])
        return arrays, {
            "schema": SCHEMA,
            "kind": "graph",
            "terms": {name: describe_body_term(term) for name, term in self.body_terms.items()},
            "paths": {name: list(components) for name, (_, components) in self.paths.items()},
            "parameters": {name: list(pair) for name, pair in self.parameter_values.items()},
            "noise": dict(self.noise_sizes),
            "comparisons": [dict(row) for row in self.comparisons],
            "history": [dict(row) for row in self.rows],
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], values: Mapping[str, Any]
    ) -> GraphSurrogate:
        if values.get("schema") != SCHEMA or values.get("kind") != "graph":
            found = f"{values.get('schema')} {values.get('kind')}"
            raise ValueError(f"expected {SCHEMA} graph, found {found}")
        return cls(
            body_terms={
                name: read_body_term(name, row, arrays) for name, row in values["terms"].items()
            },
            theta=torch.tensor(arrays["theta"]),
            covariance=torch.tensor(arrays["covariance"]),
            prior=torch.tensor(arrays["prior"]),
            parameter_values={n: (pair[0], pair[1]) for n, pair in values["parameters"].items()},
            noise_sizes=dict(values["noise"]),
            comparisons=tuple(values["comparisons"]),
            rows=tuple(values["history"]),
            paths={name: _path(arrays[PATH + name], c) for name, c in values["paths"].items()},
        )


def _path(table: np.ndarray, names: Sequence[str]) -> Path:
    return table[0], dict(zip(names, table[1:], strict=True))


def along(
    head: MessageHead, theta: Tensor, points: Tensor, axes: int, map: LatentMap | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return values `[n]`, Jacobian `[n, q]` and gradient `[n, m]` of a term along its vector.

    A free term is averaged over the axes and back. Latents are told by the vector they stand for.
    """
    if head.central:
        value, tape = head.forward(theta, points, points[..., :1])
        J, gradient, _ = head.linearise(theta, tape)
        return value[0, :, 0], J[0, :, 0], gradient[0, :, 0]
    totals = [points.new_zeros(())] * 3
    for axis in range(axes):
        for sign in (1.0, -1.0):
            u = points.new_zeros(1, points.shape[1], axes)
            u[..., axis] = sign
            if map is not None and isinstance(head, TopHead):
                u = u @ torch.linalg.pinv(map.matrix).mT
            value, tape = head.forward(theta, points, u)
            J, gradient, _ = head.linearise(theta, tape)
            parts = tuple(part[0] for part in (value.unsqueeze(-1), J, gradient))
            if map is not None and not isinstance(head, TopHead):
                parts = tuple(map.matrix @ part for part in parts)
            parts = (parts[0][:, axis, 0], parts[1][:, axis], parts[2][:, axis])
            totals = [a + sign * b / (2 * axes) for a, b in zip(totals, parts, strict=True)]
    return totals[0], totals[1], totals[2]
