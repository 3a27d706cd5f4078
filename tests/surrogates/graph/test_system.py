"""The equations of bodies with heads in them: zero residual with the truth, Jacobian, symmetry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from graph_systems import Truth, pair_data, pair_problem, random_experiment, rich_problem

from residuum.expressions.torch_evaluation import evaluate
from residuum.surrogates.graph.bench import make_bench
from residuum.surrogates.graph.errors import first_errors, sizes
from residuum.surrogates.graph.frames import frames_of
from residuum.surrogates.graph.jacobian import jacobian
from residuum.surrogates.graph.model import GraphModel, differences
from residuum.surrogates.graph.values import GraphSystem
from residuum.surrogates.settings import GraphSettings

SMALL = GraphSettings(width=4, layers=2)
NONE = torch.zeros(0, dtype=torch.float64)


def rich_case(kind="mutual"):
    rng = np.random.default_rng(0)
    first = random_experiment(rng, times=3, bodies=4, name="first")
    second = random_experiment(rng, times=2, bodies=3, name="second")
    first.states["position"][1, 2] = np.nan
    first.states["position_tt"][2, 1] = np.nan
    second.scalars["mass"][1] = np.nan
    second.scalars["charge"][:2] = np.nan
    problem = rich_problem()
    frames = frames_of(problem, [first, second])
    bench = make_bench(problem, frames, SMALL, lambda row: None)
    kinds = {"force": kind, "drag": "free" if kind.startswith("free") else "central"}
    system = bench.system({term: bench.head(term, each) for term, each in kinds.items()})
    g = torch.Generator().manual_seed(0)
    theta = 0.3 * torch.randn(2, system.size, generator=g, dtype=torch.float64)
    return system, frames, theta


def accelerations(system, frames, theta):
    (equation,) = system.problem.equations
    return evaluate(equation.rhs, system.values(frames, theta))


def test_with_the_true_force_nothing_is_left():
    experiment = pair_data(
        np.random.default_rng(0), lambda r, m_i, m_j: m_i * m_j / r**2, times=5, bodies=4
    )
    problem = pair_problem()
    frames = frames_of(problem, [experiment])
    for mutual in (False, True):
        truth = Truth(lambda r, m_i, m_j: m_i * m_j / r**2, mutual)
        system = GraphSystem(problem, {"force": truth}, NONE, {})
        rest = differences(system.values(frames, torch.zeros(1, 0, dtype=torch.float64)))
        size = np.abs(experiment.states["position_tt"]).max()
        assert float(rest["position"].abs().max()) < 1e-12 * size


@pytest.mark.parametrize("kind", ["mutual", "central", "free mutual", "free"])
def test_jacobian_matches_finite_differences(kind):
    system, frames, theta = rich_case(kind)
    J = jacobian(system.values(frames, theta))["position"]
    eye = 1e-6 * torch.eye(system.size, dtype=torch.float64)
    sides = [
        accelerations(system, frames, theta + e) - accelerations(system, frames, theta - e)
        for e in eye
    ]
    expected = torch.stack(sides, -1) / 2e-6
    torch.testing.assert_close(J, expected, rtol=1e-5, atol=1e-7 * float(J.abs().max()))


def test_normal_equations_add_up_over_parts():
    system, frames, theta = rich_case()
    errors = {s: first_errors(sizes(y), len(theta)) for s, y in frames.targets.items()}
    whole = GraphModel(system, frames, errors)
    parted = replace(whole)
    parted.__dict__["parts"] = frames.parts(10)
    assert len(parted.parts) > 1
    none = theta.new_zeros(2, 1, 0)
    results = []
    for model in (whole, parted):
        r, tape = model.residuals(none, theta)
        results.append((r, model.equations(tape, r)))
    (r, one), (r_parts, other) = results
    assert torch.equal(r, r_parts)
    torch.testing.assert_close(one.shared, other.shared, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(one.gradient.shared, other.gradient.shared, rtol=1e-12, atol=1e-12)


def test_missing_accelerations_weigh_nothing():
    system, frames, theta = rich_case()
    errors = {s: first_errors(sizes(y), len(theta)) for s, y in frames.targets.items()}
    model = GraphModel(system, frames, errors)
    r, tape = model.residuals(theta.new_zeros(2, 1, 0), theta)
    missing = torch.isnan(frames.targets["position"]).flatten()
    assert int(missing.sum()) == 2
    assert bool((r[:, 0, missing] == 0).all())
    assert bool(torch.isfinite(model.equations(tape, r).shared).all())


def pairs_only(kind, axes=2):
    experiment = random_experiment(np.random.default_rng(1), times=4, bodies=5, axes=axes)
    problem = pair_problem()
    frames = frames_of(problem, [experiment])
    bench = make_bench(problem, frames, SMALL, lambda row: None)
    system = bench.system({"force": bench.head("force", kind)})
    g = torch.Generator().manual_seed(0)
    theta = 0.3 * torch.randn(1, system.size, generator=g, dtype=torch.float64)
    return system, experiment, problem, theta


@pytest.mark.parametrize("kind", ["mutual", "free mutual"])
@pytest.mark.parametrize("axes", [2, 3])
def test_mutual_messages_conserve_momentum(kind, axes):
    system, experiment, problem, theta = pairs_only(kind, axes)
    frames = frames_of(problem, [experiment])
    forces = accelerations(system, frames, theta)[0] * frames.bodies["mass"]
    total = forces.new_zeros(len(frames), axes).index_add_(0, frames.frame, forces)
    assert float(total.abs().max()) < 1e-13 * float(forces.abs().max())


@pytest.mark.parametrize("kind", ["mutual", "central"])
def test_central_messages_turn_with_the_bodies(kind):
    system, experiment, problem, theta = pairs_only(kind, 3)
    turn, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))
    turned = {name: values @ turn + 1.0 for name, values in experiment.states.items()}
    before = accelerations(system, frames_of(problem, [experiment]), theta)
    after = accelerations(system, frames_of(problem, [replace(experiment, states=turned)]), theta)
    torch.testing.assert_close(before @ torch.tensor(turn), after, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", ["mutual", "central", "free mutual", "free"])
def test_the_order_of_bodies_does_not_matter(kind):
    system, experiment, problem, theta = pairs_only(kind)
    order = np.array([3, 0, 4, 1, 2])
    shuffled = replace(
        experiment,
        states={name: values[:, order] for name, values in experiment.states.items()},
        scalars={name: values[order] for name, values in experiment.scalars.items()},
    )
    before = accelerations(system, frames_of(problem, [experiment]), theta)[0]
    after = accelerations(system, frames_of(problem, [shuffled]), theta)[0]
    before = before.unflatten(0, (-1, 5))[:, order].flatten(0, 1)
    torch.testing.assert_close(before, after, rtol=1e-11, atol=1e-11)


def test_which_arguments_are_exchanged_is_seen():
    rng = np.random.default_rng(0)
    experiment = random_experiment(rng, times=3, bodies=4)
    experiment.scalars["mass"][:] = np.nan
    problem = rich_problem()
    bench = make_bench(problem, frames_of(problem, [experiment]), SMALL, lambda row: None)
    assert bench.views["force"].exchange == (0, 2, 1)
    assert bench.views["drag"].exchange is None
    assert bench.views["drag"].kinds == ("central", "free")
