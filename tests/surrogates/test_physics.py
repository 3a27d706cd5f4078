"""The physics with the true term in the hidden slot, and Jacobians of everything together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from surrogate_systems import lotka_data, lotka_problem, pendulum_data, pendulum_problem

from residuum.data.observations import Experiment, Noise, Observations
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter
from residuum.surrogates.collocation import Collocation
from residuum.surrogates.heads import HiddenHead
from residuum.surrogates.physics import Physics
from residuum.surrogates.pinn import make_bench, make_heads
from residuum.surrogates.settings import BottleneckSettings, PinnSettings
from residuum.surrogates.states import NetworkStates
from residuum.surrogates.trained import physics_of

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Truth(HiddenHead):
    """A hidden head that is a given formula, without unknowns."""

    low: torch.Tensor
    high: torch.Tensor
    alive: tuple[int, ...]
    formula: object
    kind: ClassVar[str] = "truth"

    @property
    def size(self):
        return 0

    def groups(self):
        return []

    def initial(self, batch, generator):
        return torch.zeros(batch, 0, dtype=torch.float64)

    def forward(self, theta, X):
        return self.formula(*X.unbind(-1)), X

    def linearise(self, tape):
        inputs = [part.clone().requires_grad_() for part in tape.unbind(-1)]
        with torch.enable_grad():
            slopes = torch.autograd.grad(self.formula(*inputs).sum(), inputs)
        return torch.stack(slopes, -1), tape.new_zeros(*tape.shape[:2], 0)

    def without(self, argument, theta, X):
        raise NotImplementedError


def truth(count, formula):
    ends = torch.zeros(count, dtype=torch.float64)
    return Truth(ends, ends + 1, tuple(range(count)), formula)


def physics(problem, t, heads, log):
    ones = torch.ones(len(problem.equations), dtype=torch.float64)
    free = torch.ones(len(problem.estimated), dtype=torch.float64)
    return Physics(
        problem, {"t": torch.tensor(t)[None]}, ones, log, heads, dict.fromkeys(heads, 1.0), free
    )


@pytest.mark.parametrize("log", [False, True])
def test_the_true_terms_leave_residuals_at_solver_tolerance(log):
    problem = lotka_problem(alpha=None)
    heads = {"predation": truth(2, lambda x, y: 0.9 * x * y),
             "growth": truth(2, lambda x, y: 0.8 * x * y)}  # fmt: skip
    right = lambda t, z: np.array([1.3 * z[0] - 0.9 * z[0] * z[1], 0.8 * z[0] * z[1] - 1.8 * z[1]])  # noqa: E731
    t = np.linspace(0, 5, 40)
    z = solve_ivp(right, (0, 5), [1.0, 2.0], t_eval=t, rtol=1e-11, atol=1e-12, method="DOP853").y
    U = torch.tensor(np.stack([z.T, right(t, z).T]))[None, None]
    model = physics(problem, t, heads, (log, log))
    rho = model.forward(U, torch.tensor([[1.3]], dtype=torch.float64)).rho
    assert float(rho.abs().max()) < 1e-10


def test_the_true_terms_of_a_pendulum_too():
    problem = pendulum_problem()
    heads = {"damping": truth(1, lambda v: 0.3 * v), "restoring": truth(1, lambda q: 4 * q.sin())}
    t = np.linspace(0, 8, 50)
    right = lambda t, z: np.array([z[1], -0.3 * z[1] - 4 * np.sin(z[0])])  # noqa: E731
    z = solve_ivp(right, (0, 8), [2.4, 0.0], t_eval=t, rtol=1e-11, atol=1e-12, method="DOP853").y
    U = torch.tensor(np.stack([z[0], z[1], right(t, z)[1]]))[None, None, :, :, None]
    model = physics(problem, t, heads, (False,))
    assert float(model.forward(U, torch.zeros(1, 0).double()).rho.abs().max()) < 1e-10


def winding_case():
    """Two terms, one called twice with formulas as arguments, an input, a nonlinear parameter."""
    problem = read_problem(
        {
            "a_tt": "-k*sin(a) + push(a - b, a_t*b) + u/(1 + m)",
            "b_t": "push(b, a**2) - pull(b, t, u)*b + 0.5*m*a",
        },
        states=("a", "b"),
        inputs=("u",),
        parameters={
            "k": Parameter("k", None, (0.0, 4.0)),
            "m": Parameter("m", None, (0.5, 2.0)),
        },
    )
    rng = np.random.default_rng(0)
    rows = []
    for index, n in enumerate((14, 9)):
        t = np.sort(rng.uniform(0, 4, n))
        states = {
            "a": np.sin(t) + 2 + 0.05 * rng.standard_normal(n),
            "a_t": np.cos(t) + 0.05 * rng.standard_normal(n),
            "b": np.exp(0.3 * np.cos(2 * t)) + 0.02 * rng.standard_normal(n),
        }
        states["b"][3] = np.nan
        rows.append(Experiment(f"run_{index}", t, states, {"u": np.sin(3 * t)}))
    return problem, rows


CASES = {
    "lotka": lambda: (lotka_problem(alpha=None), lotka_data(n=12, stop=3.0)),
    "lognormal": lambda: (lotka_problem(), lotka_data(n=12, stop=3.0, kind="lognormal")),
    "pendulum": lambda: (pendulum_problem(), pendulum_data(n=15, velocity=True)),
    "winding": lambda: (winding_case()[0], Observations.of(winding_case()[1])),
    "winding, lognormal": lambda: (
        winding_case()[0],
        Observations.of(winding_case()[1], noise=Noise("lognormal")),
    ),
}


@pytest.mark.parametrize("kind", ["network", "spline"])
@pytest.mark.parametrize("case", list(CASES))
def test_the_joint_jacobian_is_the_derivative_of_the_residuals(case, kind):
    problem, observations = CASES[case]()
    settings = PinnSettings(
        ensemble=2, collocation=11, bottleneck=BottleneckSettings(sparsity="none")
    )
    bench = make_bench(problem, observations, settings, CPU, lambda row: None)
    alive = {t.name: tuple(range(len(t.arguments))) for t in problem.hidden_terms}
    heads = make_heads(bench, kind, alive)
    head = (
        bench.reference.head
        if kind == "spline"
        else NetworkStates(bench.reference.head.frame, (4, 3))
    )
    generator = torch.Generator().manual_seed(0)
    draw = lambda *shape: 0.3 * torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    model = Collocation(head, bench.samples, physics_of(bench, heads), bench.reference.sigma, 50.0)
    state = draw(2, len(bench.samples.names), head.size)
    shared = torch.cat([draw(2, model.physics.heads_size), 1 + draw(2, len(problem.estimated))], 1)
    r, tape = model.residuals(state, shared)
    J = model.jacobian(tape).clone()
    ds, dq = draw(*state.shape), draw(*shared.shape)
    h = 1e-6
    up, down = (model.residuals(state + s * h * ds, shared + s * h * dq)[0] for s in (1, -1))
    move = torch.cat([ds, dq[:, None].expand(-1, ds.shape[1], -1)], -1)
    found = (J @ move.unsqueeze(-1)).squeeze(-1)
    expected = (up - down) / (2 * h)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7 * float(expected.abs().max()))
    assert torch.isfinite(r).all()


def test_missing_and_padded_samples_weigh_nothing():
    problem, rows = winding_case()
    bench = make_bench(problem, Observations.of(rows), PinnSettings(), CPU, lambda row: None)
    assert bench.samples.counts.tolist() == [23.0, 23.0, 21.0]
    model = Collocation(bench.reference.head, bench.samples, None, bench.reference.sigma)
    r, _ = model.residuals(bench.reference.theta, torch.zeros(2, 0))
    rows_of = model.data_residuals(r)
    assert float(rows_of[:, 1, :, 9:].abs().max()) == 0.0
    assert float(rows_of[:, :, 2, 3].abs().max()) == 0.0
