r"""How far are the states from obeying the equations, and how does that depend on everything?

With states :math:`u`, right-hand sides :math:`R`, and the scale :math:`d_s` of each equation,

.. math:: \rho_s = \bigl(u_s^{(m)} - R_s(u, t, p, f(a(u)))\bigr) / d_s ,

divided by :math:`u_s` too where the noise is lognormal. Hidden terms and estimated parameters
are unknowns in units that make their effect on :math:`\rho` of order one, so nothing depends on
the user's units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from residuum.expressions.torch_evaluation import evaluate
from residuum.problem.names import derivative
from residuum.problem.problem import Problem
from residuum.surrogates.heads import HiddenHead

Values = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Passed:
    """What a forward pass leaves: `rho[B, E, S, nc]`, states, values by name, each call's
    arguments `[B, E, nc, a]` and its head's tape."""

    rho: Tensor
    U: Tensor
    values: Values
    arguments: Values
    tapes: Mapping[str, Any]


@dataclass(frozen=True)
class Physics:
    """The equations with a head for every hidden term.

    `forcing` holds `t` and the inputs at the collocation points, `[E, nc]`. `scales[S]` are the
    equations' scales, `hidden_scales[term]` and `parameter_scales[p]` those of the unknowns.
    Shared unknowns are the heads' in the order of the terms, then the parameters.
    """

    problem: Problem
    forcing: Values
    scales: Tensor
    log: tuple[bool, ...]
    heads: Mapping[str, HiddenHead]
    hidden_scales: Mapping[str, float]
    parameter_scales: Tensor

    @cached_property
    def places(self) -> Mapping[str, slice]:
        """Where each term's unknowns stand among the shared ones."""
        places, start = {}, 0
        for term in self.problem.hidden_terms:
            places[term.name] = slice(start, start + self.heads[term.name].size)
            start += self.heads[term.name].size
        return places

    @property
    def size(self) -> int:
        """Number of shared unknowns."""
        return self.heads_size + len(self.problem.estimated)

    @property
    def heads_size(self) -> int:
        """Number of shared unknowns that belong to heads."""
        return sum(head.size for head in self.heads.values())

    @cached_property
    def components(self) -> Mapping[str, tuple[int, int]]:
        """State index and order of each component."""
        return {
            derivative(equation.state, order): (index, order)
            for index, equation in enumerate(self.problem.equations)
            for order in range(equation.order)
        }

    def at(self, forcing: Values) -> Physics:
        """Return the same equations at other points."""
        return replace(self, forcing=forcing)

    def values(self, U: Tensor, shared: Tensor) -> Values:
        """Return what formulas may name, hidden terms aside, `[B, E, nc]` or scalars."""
        known = {name: U.new_tensor(value) for name, value in self.problem.known.items()}
        parts = {name: U[:, :, order, :, s] for name, (s, order) in self.components.items()}
        q = shared[:, self.heads_size :] * self.parameter_scales
        free = {name: q[:, i, None, None] for i, name in enumerate(self.problem.estimated)}
        return {**parts, **self.forcing, **known, **free}

    def arguments(self, values: Values, shape: torch.Size) -> dict[str, Tensor]:
        """Return the arguments `[B, E, nc, a]` of every call, by placeholder."""
        return {
            call.placeholder: torch.stack(
                [evaluate(part, values).expand(shape) for part in call.arguments], -1
            )
            for call in self.problem.calls
        }

    def forward(self, U: Tensor, shared: Tensor) -> Passed:
        """Return the residuals for states `U[B, E, K + 1, nc, S]` and shared unknowns `[B, Q]`."""
        shape = U[:, :, 0, :, 0].shape
        values, tapes = self.values(U, shared), {}
        arguments = self.arguments(values, shape)
        for call in self.problem.calls:
            theta = shared[:, self.places[call.term]]
            X = arguments[call.placeholder].flatten(1, 2)
            f, tapes[call.placeholder] = self.heads[call.term].forward(theta, X)
            values[call.placeholder] = self.hidden_scales[call.term] * f.view(shape)
        rho = [
            (U[:, :, equation.order, :, s] - evaluate(equation.rhs, values)) * self._weight(U, s)
            for s, equation in enumerate(self.problem.equations)
        ]
        return Passed(torch.stack(rho, 2), U, values, arguments, tapes)

    def linearise(self, passed: Passed) -> tuple[Tensor, Tensor]:
        """Return the derivatives of `rho[B, E, S, nc]` with respect to `U` and shared unknowns.

        They are cotangents `[B, E, S, K + 1, nc, S]` and a Jacobian `[B, E, S, nc, Q]`.
        """
        U = passed.U
        B, E, orders, nc, S = U.shape
        cotangent = U.new_zeros(B, E, S, orders, nc, S)
        jacobian = U.new_zeros(B, E, S, nc, self.size)
        calls = {
            placeholder: self._call(placeholder, tape, passed)
            for placeholder, tape in passed.tapes.items()
        }
        for s, equation in enumerate(self.problem.equations):
            weight = self._weight(U, s)
            cotangent[:, :, s, equation.order, :, s] += weight
            if self.log[s]:
                cotangent[:, :, s, 0, :, s] -= passed.rho[:, :, s] / U[:, :, 0, :, s]
            for name, partial in self.problem.partials[equation.state].items():
                change = -weight * evaluate(partial, passed.values)
                self._spread(name, change, s, cotangent, jacobian)
                if name in calls:
                    inner, rows, place = calls[name]
                    jacobian[:, :, s, :, place] += change.unsqueeze(-1) * rows
                    for variable, slope in inner.items():
                        self._spread(variable, change * slope, s, cotangent, jacobian)
        return cotangent, jacobian

    def _weight(self, U: Tensor, s: int) -> Tensor:
        return 1 / (self.scales[s] * U[:, :, 0, :, s]) if self.log[s] else 1 / self.scales[s]

    def _spread(
        self, name: str, change: Tensor, s: int, cotangent: Tensor, jacobian: Tensor
    ) -> None:
        """Add the derivative with respect to a component or a parameter to where it belongs."""
        if name in self.components:
            state, order = self.components[name]
            cotangent[:, :, s, order, :, state] += change
        elif name in self.problem.estimated:
            index = self.problem.estimated.index(name)
            jacobian[:, :, s, :, self.heads_size + index] += change * self.parameter_scales[index]

    def _call(self, placeholder: str, tape: Any, passed: Passed) -> tuple[Values, Tensor, slice]:
        """Return a call's derivatives by variable, its Jacobian `[B, E, nc, q]` and its place."""
        call = next(c for c in self.problem.calls if c.placeholder == placeholder)
        scale = self.hidden_scales[call.term]
        gradient, J = self.heads[call.term].linearise(tape)
        _, E, _, nc, _ = passed.U.shape
        gradient = scale * gradient.unflatten(1, (E, nc))
        inner: Values = {}
        for index, partials in enumerate(self.problem.argument_partials[placeholder]):
            for variable, partial in partials.items():
                slope = gradient[..., index] * evaluate(partial, passed.values)
                inner[variable] = inner[variable] + slope if variable in inner else slope
        return inner, scale * J.unflatten(1, (E, nc)), self.places[call.term]
