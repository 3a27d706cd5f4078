"""Latent messages: derivatives, what may be changed without a change, how many survive."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from graph_systems import NESTED, pair_data, random_experiment

from residuum.data.observations import Observations
from residuum.expressions.torch_evaluation import evaluate
from residuum.hidden.extract import extract
from residuum.problem.body_equations import read_body_problem
from residuum.surrogates.graph.bench import make_bench
from residuum.surrogates.graph.divergence import divergences, gains
from residuum.surrogates.graph.errors import first_errors, sizes
from residuum.surrogates.graph.frames import frames_of
from residuum.surrogates.graph.jacobian import jacobian
from residuum.surrogates.graph.latent import principal, rotated_message
from residuum.surrogates.graph.model import GraphModel
from residuum.surrogates.graph.surrogate import GraphSurrogate
from residuum.surrogates.graph.views import latent_partners
from residuum.surrogates.settings import BottleneckSettings, GraphSettings, PinnSettings
from residuum.surrogates.train import train

PAIR = "position_j - position_i"


def problem(text=NESTED):
    states = ("position", "position_tt")
    return read_body_problem({"position_tt": text}, states=states, scalars=("mass",))


def case(top, text=NESTED):
    rng = np.random.default_rng(0)
    experiments = [
        random_experiment(rng, times=3, bodies=b, name=n) for b, n in ((4, "one"), (3, "two"))
    ]
    experiments[1].scalars["mass"][1] = np.nan
    frames = frames_of(problem(text), experiments)
    settings = GraphSettings(width=4, layers=2, top=top)
    bench = make_bench(problem(text), frames, settings, lambda row: None)
    system = bench.system({term: bench.head(term, "latent") for term in bench.views})
    g = torch.Generator().manual_seed(0)
    theta = 0.3 * torch.randn(1, system.size, generator=g, dtype=torch.float64)
    return system, frames, theta


def accelerations(system, frames, theta):
    return evaluate(system.problem.equations[0].rhs, system.values(frames, theta))


@pytest.mark.parametrize("top", [0, 3])
@pytest.mark.parametrize("text", [NESTED, f"update(sum(mass_j*message({PAIR})))"])
def test_jacobian_matches_finite_differences(top, text):
    system, frames, theta = case(top, text)
    J = jacobian(system.values(frames, theta))["position"]
    eye = 1e-6 * torch.eye(system.size, dtype=torch.float64)
    sides = [
        accelerations(system, frames, theta + e) - accelerations(system, frames, theta - e)
        for e in eye
    ]
    expected = torch.stack(sides, -1) / 2e-6
    torch.testing.assert_close(J, expected, rtol=1e-5, atol=1e-7 * float(J.abs().max()))


@pytest.mark.parametrize("top", [0, 3])
def test_other_latents_are_the_same_law(top):
    system, frames, theta = case(top)
    message, update = system.heads["message"], system.heads["update"]
    g = torch.Generator().manual_seed(2)
    map = torch.randn(4, 4, generator=g, dtype=torch.float64)
    parts = {name: theta[:, place] for name, place in system.places.items()}
    other_message, parts["message"] = rotated_message(message, parts["message"], map)
    other_update, parts["update"] = update.rotated(parts["update"], torch.linalg.inv(map))
    other = replace(system, heads={"message": other_message, "update": other_update})
    torch.testing.assert_close(
        accelerations(system, frames, theta),
        accelerations(other, frames, torch.cat(list(parts.values()), 1)),
        rtol=1e-9,
        atol=1e-9,
    )


def test_principal_latents_are_white_and_in_the_order_in_which_they_are_read():
    g = torch.Generator().manual_seed(0)
    messages = torch.randn(500, 5, generator=g, dtype=torch.float64)
    messages = torch.cat([messages[:, :3], messages[:, :2] @ messages[:2, :2]], 1)
    answer = torch.randn(1, 2, 5, generator=g, dtype=torch.float64).expand(90, -1, -1)
    shares, map, back = principal(messages, answer)
    assert len(shares) == 3
    assert float(shares[2]) < 1e-14 < float(shares[1]) <= float(shares[0])
    white = messages @ map
    torch.testing.assert_close(white.mT @ white / 500, torch.eye(3, dtype=torch.float64))
    torch.testing.assert_close(white @ back, messages)


@pytest.mark.parametrize(
    ("text", "latent"),
    [
        (NESTED, True),
        (f"update(sum(message({PAIR})*mass_j), mass_i)", True),
        (f"update(2*sum(message({PAIR})), mass_i)", False),
        (f"update(sum(message({PAIR}) + position_j), mass_i)", False),
        (f"update(sum(message({PAIR}))) + sum(message({PAIR}))", False),
        (f"update(sum(message({PAIR})), r=norm(sum(message({PAIR}))))", False),
        (f"sum(force({PAIR}))", False),
    ],
)
def test_latents_are_for_updates_that_take_nothing_but_messages(text, latent):
    assert bool(latent_partners(problem(text))) == latent


@cache
def springs(sparsity, axes=2, top=0):
    phi = lambda r, m_i, m_j: 2 * m_i * m_j * (r - 1)  # noqa: E731
    experiments = []
    for k in range(20):
        rng = np.random.default_rng(k)
        one = pair_data(rng, phi, times=4, bodies=4, axes=axes, noise=0.01)
        experiments.append(replace(one, name=f"e{k}"))
    observations = Observations.of(experiments)
    settings = GraphSettings(
        messages=("latent",), ensemble=2, width=6, layers=2, rounds=4, top=top,
        bottleneck=BottleneckSettings(sparsity=sparsity, width=4),
    )  # fmt: skip
    found = train(problem(), observations, settings, seed=0, device="cpu")
    return found, observations


@pytest.mark.parametrize("axes", [2, 3])
def test_as_many_latents_survive_as_there_are_axes(axes):
    found, observations = springs("prune", axes)
    assert found.latents == {"message": axes, "update": axes}
    matrix, aligned = found.maps["message"]
    assert matrix.shape == (axes, axes)
    assert aligned > 0.99
    extraction = extract(found, problem(), observations)
    r, _, m_j = extraction.samples["message"].X.T
    true = 2 * m_j * (r - 1)
    assert np.std(extraction.samples["message"].values - true) < 0.05 * np.std(true)
    told = extraction.structure.gauge["update"]
    assert f"on {axes} latents" in told["map"]
    assert extraction.structure.latents["message"] == axes


@pytest.mark.parametrize(("sparsity", "counts"), [("width", {4}), ("l1", {2, 3}), ("kl", {2, 3})])
def test_other_sparsities(sparsity, counts):
    found, _ = springs(sparsity)
    assert found.latents["message"] in counts
    assert found.maps["message"][1] > 0.99


def test_what_is_written_reads_back():
    found, _ = springs("prune")
    arrays, values = found.to_arrays()
    again = GraphSurrogate.from_arrays(arrays, json.loads(json.dumps(values)))
    X = np.random.default_rng(1).uniform(0.5, 2, (6, 3))
    for term, points in (("message", X), ("update", X[:, :2])):
        for one, other in zip(
            found.linearised(term, points), again.linearised(term, points), strict=True
        ):
            np.testing.assert_array_equal(one, other)
    assert again.latents == found.latents
    assert again.alive == found.alive
    assert again.maps["update"][1] == found.maps["update"][1]


def test_derivatives_of_what_is_read_out_match_differences():
    found, _ = springs("prune")
    X = np.random.default_rng(1).uniform(0.5, 2, (6, 3))
    for term, points in (("message", X), ("update", X[:, :2])):
        for k in range(points.shape[1]):
            move = 1e-6 * np.eye(points.shape[1])[k]
            sides = [found.mean(term, points + s * move) for s in (1, -1)]
            gradient = found.hidden_gradient(term, points)[:, k]
            np.testing.assert_allclose((sides[0] - sides[1]) / 2e-6, gradient, rtol=1e-4, atol=1e-6)


def test_the_divergence_is_for_messages():
    with pytest.raises(ValueError, match="kl is for messages between bodies"):
        PinnSettings(bottleneck=BottleneckSettings(sparsity="kl"))


def test_the_divergence_is_a_residual_with_its_normal_equations():
    system, frames, theta = case(0)
    errors = {s: first_errors(sizes(y), len(theta)) for s, y in frames.targets.items()}
    plain, model = GraphModel(system, frames, errors), GraphModel(system, frames, errors, 2.5)
    none = theta.new_zeros(1, 1, 0)
    r, tape = model.residuals(none, theta)
    z = system.values(frames, theta).pairs.call("message@0").value
    count = r.shape[2] - z.numel()
    torch.testing.assert_close(r[:, 0, count:], 2.5**0.5 * z.flatten(1))
    step = 1e-6 * torch.eye(system.size, dtype=torch.float64)
    sides = [[model.residuals(none, theta + s * e)[0][0, 0] for e in step] for s in (1, -1)]
    J = (torch.stack(sides[0], -1) - torch.stack(sides[1], -1)) / 2e-6
    normal = model.equations(tape, r)
    size = float(normal.shared.abs().max())
    torch.testing.assert_close(normal.shared[0], J.mT @ J, rtol=1e-5, atol=1e-8 * size)
    torch.testing.assert_close(normal.gradient.shared[0], J.mT @ r[0, 0], rtol=1e-5, atol=1e-6)
    assert plain.residuals(none, theta)[0].shape[2] == count


def test_the_noise_of_a_latent_is_the_best_there_is():
    """The divergence plus what noise costs is least at the noise that it was worked out with."""
    system, frames, theta = case(0)
    errors = {s: first_errors(sizes(y), len(theta)) for s, y in frames.targets.items()}
    gain = gains(system, frames, theta, errors)["update"][0]
    square = system.values(frames, theta).pairs.call("message@0").value[0].square().mean(0)

    def cost(variance):
        return 0.5 * (square + variance - variance.log() - 1) + 0.5 * gain * variance

    best = 1 / (1 + gain)
    assert bool((cost(best) <= cost(1.1 * best)).all())
    assert bool((cost(best) <= cost(0.9 * best)).all())
    nats = divergences(system, frames, theta, errors)["update"][0]
    torch.testing.assert_close(nats, cost(best) - 0.5 * gain * best)
