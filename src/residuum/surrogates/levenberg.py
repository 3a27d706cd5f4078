r"""How is a batch of nonlinear least-squares problems with shared unknowns solved?

Each element of the batch minimises

.. math:: F = \tfrac12 \sum_e |r_e(\theta_e, q)|^2
          + \tfrac12 \sum_e \theta_e^T \Lambda_e \theta_e + \tfrac12 q^T \Lambda_q q

over the unknowns :math:`\theta_e` of every experiment and the shared :math:`q`. Every element has
its own damping and accepts by its own cost.

Sources: D. Marquardt, SIAM J. Appl. Math. 11 (1963) 431; H. B. Nielsen, Damping parameter in
Marquardt's method, IMM-REP-1999-05, DTU 1999.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from residuum.surrogates.normal_equations import Normal, Unknowns, assemble, factorise

NEVER = 1e12  # relative stiffness that holds an unknown at its bound


class Model(Protocol):
    """Residuals `r[B, E, R]` of unknowns `state[B, E, P]`, `shared[B, Q]`, and their Jacobian."""

    def residuals(self, state: Tensor, shared: Tensor) -> tuple[Tensor, Any]:
        """Return the residuals and what the Jacobian needs."""

    def jacobian(self, tape: Any) -> Tensor:
        """Return `J[B, E, R, P + Q]`; the buffer may be reused by the next call."""


Residuals = Callable[[Tensor, Tensor], tuple[Tensor, Any]]
Equations = Callable[[Any, Tensor], Normal]


@dataclass(frozen=True, slots=True)
class Fit:
    """Where the minimisation stopped, with the undamped pieces the evidence needs.

    `damping[B]` is the last one, relative to the largest diagonal entry: a start for a next fit.
    """

    unknowns: Unknowns
    cost: Tensor
    residuals: Tensor
    normal: Normal
    iterations: int
    damping: Tensor


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits `[Q]` of the shared unknowns; infinite where there are none."""

    lower: Tensor
    upper: Tensor

    def project(self, q: Tensor) -> Tensor:
        """Return the nearest point inside."""
        return torch.minimum(torch.maximum(q, self.lower), self.upper)

    def blocked(self, q: Tensor, gradient: Tensor) -> Tensor:
        """Tell which unknowns `[B, Q]` stand at a bound that descent would cross."""
        return ((q <= self.lower) & (gradient > 0)) | ((q >= self.upper) & (gradient < 0))


def minimise(
    model: Model,
    start: Unknowns,
    precision: Unknowns,
    *,
    iterations: int,
    damping: float | Tensor = 1e-6,
    tolerance: float = 1e-3,
    bounds: Bounds | None = None,
) -> Fit:
    """Return the minimum of every batch element, found by damped Gauss-Newton steps.

    `precision` holds the diagonal priors `state[B, P]`, `shared[B, Q]`. An element is done when
    two accepted steps in a row lower its cost by less than `tolerance` (in nats), or none can.
    """
    P = start.state.shape[-1]
    return minimise_by(
        model.residuals,
        lambda tape, r: assemble(model.jacobian(tape), r, P),
        start,
        precision,
        iterations=iterations,
        damping=damping,
        tolerance=tolerance,
        bounds=bounds,
    )


def minimise_by(
    residuals: Residuals,
    equations: Equations,
    start: Unknowns,
    precision: Unknowns,
    *,
    iterations: int,
    damping: float | Tensor = 1e-6,
    tolerance: float = 1e-3,
    bounds: Bounds | None = None,
) -> Fit:
    """Return the same of functions: residuals with a tape, and normal equations from the two.

    For models that add up their normal equations and never hold a whole Jacobian.
    """
    search = _Search(residuals, equations, start, precision, damping, tolerance, bounds)
    count = 0
    for count in range(1, iterations + 1):  # noqa: B007
        if search.step():
            break
    return search.fit(count)


class _Search:
    """The iteration's moving parts: point, cost, normal equations, damping of each element."""

    def __init__(
        self,
        residuals: Residuals,
        equations: Equations,
        start: Unknowns,
        precision: Unknowns,
        damping: float | Tensor,
        tolerance: float,
        bounds: Bounds | None,
    ) -> None:
        self.residuals, self.equations = residuals, equations
        self.precision, self.bounds = precision, bounds
        self.tolerance, self.at = tolerance, start
        self.r, tape = residuals(start.state, start.shared)
        self.cost = self.cost_of(self.r, start)
        self.normal = equations(tape, self.r)
        self.mu = damping * self.normal.largest
        self.nu = torch.full_like(self.mu, 2.0)
        self.small = torch.zeros_like(self.mu)
        self.done = torch.zeros_like(self.mu, dtype=torch.bool)

    def cost_of(self, r: Tensor, at: Unknowns) -> Tensor:
        return 0.5 * (r.square().sum((1, 2)) + at.dot(at.times(self.precision)))

    def fit(self, count: int) -> Fit:
        damping = self.mu / self.normal.largest
        return Fit(self.at, self.cost, self.r, self.normal, count, damping)

    def step(self) -> bool:
        """Try one step for every element; return whether all are done."""
        g = self.at.times(self.precision).plus(self.normal.gradient)
        move, predicted, ok = self._propose(g)
        trial = self.at.plus(move)
        if self.bounds is not None:
            trial = Unknowns(trial.state, self.bounds.project(trial.shared))
        r, tape = self.residuals(trial.state, trial.shared)
        cost = self.cost_of(r, trial)
        gain = self.cost - cost
        accept = ok & (gain >= 0) & torch.isfinite(cost) & ~self.done
        self._adapt(accept, gain, gain / predicted.clamp_min(1e-300))
        if bool(accept.any()):
            self._move(accept, trial, r, cost, tape)
        return bool(self.done.all())

    def _propose(self, g: Unknowns) -> tuple[Unknowns, Tensor, Tensor]:
        """Return the damped step, the decrease it predicts and whether it could be computed."""
        extra = torch.zeros_like(self.precision.shared)
        if self.bounds is not None:
            blocked = self.bounds.blocked(self.at.shared, g.shared)
            extra = torch.where(blocked, NEVER * self.normal.largest[:, None], extra)
            g = Unknowns(g.state, torch.where(blocked, torch.zeros_like(g.shared), g.shared))
        mu = self.mu[:, None]
        diagonal = Unknowns(self.precision.state + mu, self.precision.shared + mu + extra)
        factor = factorise(self.normal, diagonal)
        step = factor.solve(g)
        move = Unknowns(-step.state, -step.shared)
        predicted = 0.5 * (self.mu * move.dot(move) - move.dot(g))
        finite = torch.isfinite(predicted)
        if not bool((factor.ok & finite).all()):
            keep = factor.ok & finite
            zero = Unknowns(torch.zeros_like(move.state), torch.zeros_like(move.shared))
            move = move.where(keep, zero)
        return move, predicted, factor.ok & finite & (predicted >= 0)

    def _adapt(self, accept: Tensor, gain: Tensor, ratio: Tensor) -> None:
        """Update damping (Nielsen) and decide who is done."""
        shrink = (1 - (2 * ratio.clamp(-10, 10) - 1) ** 3).clamp(min=1 / 3)
        # Damping below rounding of the normal equations has no effect and hides their noise.
        lower = 1e-14 * self.normal.largest
        self.mu = torch.where(accept, torch.maximum(self.mu * shrink, lower), self.mu * self.nu)
        self.nu = torch.where(accept, torch.full_like(self.nu, 2.0), 2 * self.nu)
        little = accept & (gain < self.tolerance)
        self.small = torch.where(little, self.small + 1, torch.where(accept, 0.0, self.small))
        self.done = self.done | (self.small >= 2) | (self.nu > 2.0**24)

    def _move(self, accept: Tensor, trial: Unknowns, r: Tensor, cost: Tensor, tape: Any) -> None:
        normal = self.equations(tape, r)
        if bool(accept.all()):
            self.at, self.r, self.cost, self.normal = trial, r, cost, normal
            return
        self.at = trial.where(accept, self.at)
        self.r = torch.where(accept[:, None, None], r, self.r)
        self.cost = torch.where(accept, cost, self.cost)
        self.normal = normal.where(accept, self.normal)
