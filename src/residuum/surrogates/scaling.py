"""In which units do the unknowns of the physics have size one?

All from the smoothing splines of the data, so that a change of the user's units changes
nothing but these numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from residuum.expressions.torch_evaluation import evaluate
from residuum.problem.problem import Parameter, Problem
from residuum.surrogates.levenberg import Bounds
from residuum.surrogates.physics import Physics
from residuum.surrogates.reference import Reference
from residuum.surrogates.samples import Samples

NARROWEST = 1e-6  # a range or scale is never smaller than this share of the variable's size


@dataclass(frozen=True, slots=True)
class PhysicsUnits:
    """Scales of equations `[S]`, hidden terms and parameters; ranges `[a]` of arguments.

    `start[p]` holds first values of the parameters in their scales, `bounds` their limits.
    """

    equations: Tensor
    hidden: Mapping[str, float]
    parameters: Tensor
    ranges: Mapping[str, tuple[Tensor, Tensor]]
    start: Tensor
    bounds: Bounds


def physics_units(
    problem: Problem, samples: Samples, reference: Reference, first: Tensor | None = None
) -> PhysicsUnits:
    """Return the units in which residuals, hidden terms and parameters are of order one.

    `first[p]` are values of the parameters to start from, the middle of their bounds by default.
    """
    U, log = reference.U[None], reference.head.frame.log
    if first is None:
        first = U.new_tensor([_first_value(p) for p in problem.parameters if p.estimated])
    equations = _equation_scales(problem, samples, U, log, reference)
    probe = Physics(problem, forcing(samples), equations, log, {}, {}, torch.ones_like(first))
    values = probe.values(U, first[None])
    shape = U[:, :, 0, :, 0].shape
    effects = _Effects(problem, equations, log, U, values)
    sizes = U.new_tensor(
        [
            effects.scale([name], abs(float(q)))
            for name, q in zip(problem.estimated, first, strict=True)
        ]
    )
    hidden = {
        term.name: effects.scale(_placeholders(problem, term.name), 0.0)
        for term in problem.hidden_terms
    }
    arguments = probe.arguments(values, shape)
    ranges = {
        term.name: _range(arguments[name] for name in _placeholders(problem, term.name))
        for term in problem.hidden_terms
    }
    return PhysicsUnits(equations, hidden, sizes, ranges, first / sizes, _bounds(problem, sizes))


def forcing(samples: Samples) -> dict[str, Tensor]:
    """Return time and inputs at the collocation points."""
    return {"t": samples.tc, **samples.inputs}


def tangled(problem: Problem) -> bool:
    """Tell whether estimated parameters enter the equations other than linearly."""
    free = set(problem.estimated)
    arguments = {v for call in problem.calls for a in call.arguments for v in a.variables}
    return bool(free & arguments) or any(
        free & set(partial.variables)
        for partials in problem.partials.values()
        for name, partial in partials.items()
        if name in free
    )


def random_starts(units: PhysicsUnits, count: int, generator: torch.Generator) -> Tensor:
    """Return parameters `[count, p]` in their scales: within bounds, or over many decades."""
    p = len(units.start)
    share = torch.rand(count, p, generator=generator, dtype=torch.float64).to(units.start.device)
    size = 10 ** (6 * share - 2)
    sign = torch.rand(count, p, generator=generator, dtype=torch.float64).to(share.device)
    free = torch.where(sign < 0.5, -size, size)
    low, high = units.bounds.lower, units.bounds.upper
    inside = low + share * (high - low)
    return torch.where(torch.isfinite(inside), inside, free)


def _first_value(parameter: Parameter) -> float:
    low, high = parameter.bounds if parameter.bounds is not None else (0.0, 0.0)
    return 0.5 * (low + high)


def _equation_scales(
    problem: Problem, samples: Samples, U: Tensor, log: tuple[bool, ...], reference: Reference
) -> Tensor:
    scales = []
    for s, equation in enumerate(problem.equations):
        rate = U[:, :, equation.order, :, s]
        rate = rate / U[:, :, 0, :, s] if log[s] else rate
        floor = NARROWEST * reference.head.frame.scale[s] / samples.span.max() ** equation.order
        scales.append(torch.maximum(rate.square().mean().sqrt(), floor))
    return torch.stack(scales)


@dataclass(frozen=True)
class _Effects:
    """How strongly names act on the scaled residuals, at the reference."""

    problem: Problem
    equations: Tensor
    log: tuple[bool, ...]
    U: Tensor
    values: dict[str, Tensor]

    def scale(self, names: list[str], otherwise: float) -> float:
        """Return one over the rms effect of the names together (`otherwise` if there is none)."""
        for trial in (0.0, 1.0):
            effect = math.sqrt(sum(self._square(name, trial) for name in names))
            if math.isfinite(effect) and effect > 0:
                return 1 / effect
        return otherwise or 1.0

    def _square(self, name: str, placeholder: float) -> float:
        zero = {
            c.placeholder: torch.zeros_like(self.U[:, :, 0, :, 0]) + placeholder
            for c in self.problem.calls
        }
        total = 0.0
        for s, equation in enumerate(self.problem.equations):
            partial = self.problem.partials[equation.state].get(name)
            if partial is not None:
                effect = evaluate(partial, {**self.values, **zero}) / self.equations[s]
                effect = effect / self.U[:, :, 0, :, s] if self.log[s] else effect
                total += float(effect.square().mean())
        return total


def _placeholders(problem: Problem, term: str) -> list[str]:
    return [call.placeholder for call in problem.calls if call.term == term]


def _range(arguments: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    points = torch.cat([part.flatten(0, 2) for part in arguments])
    low, high = points.amin(0), points.amax(0)
    size = torch.maximum(low.abs(), high.abs()).clamp_min(1e-300)
    # A constant argument has no range of its own: any will do.
    flat = (high - low) < NARROWEST * size
    return torch.where(flat, low - size, low), torch.where(flat, high + size, high)


def _bounds(problem: Problem, sizes: Tensor) -> Bounds:
    limits = [
        p.bounds if p.bounds is not None else (-math.inf, math.inf)
        for p in problem.parameters
        if p.estimated
    ]
    pairs = torch.tensor(limits, dtype=torch.float64, device=sizes.device).reshape(-1, 2)
    return Bounds(pairs[:, 0] / sizes, pairs[:, 1] / sizes)
