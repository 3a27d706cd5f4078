"""The graph surrogate as a whole: forms that are found, masses that are estimated, posterior."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
import torch
from graph_systems import pair_data, pair_problem

from residuum.data.observations import Experiment, Observations
from residuum.errors import UserError
from residuum.problem.equations import read_problem
from residuum.surrogates.graph.fit import train_graph
from residuum.surrogates.graph.frames import frames_of
from residuum.surrogates.graph.search import fit_graph
from residuum.surrogates.graph.surrogate import GraphSurrogate
from residuum.surrogates.settings import GraphSettings
from residuum.surrogates.train import train

QUICK = GraphSettings(
    messages=("mutual", "central"), ensemble=2, width=6, layers=1, rounds=5, search=30
)
CPU = torch.device("cpu")


def gravity(r, m_i, m_j):
    return m_i * m_j / (r**2 + 0.1)


def one_sided(r, m_i, m_j):
    return (m_i + 0 * m_j) / (0.3 + r)


@cache
def fitted(phi, noise=0.0, unknown=0):
    experiment = pair_data(np.random.default_rng(3), phi, times=40, bodies=4, noise=noise)
    truth = experiment.scalars["mass"].copy()
    experiment.scalars["mass"][4 - unknown :] = np.nan
    observations = Observations.of([experiment])
    fit = train_graph(pair_problem(), observations, QUICK, seed=0, device=CPU)
    return fit, truth


def relative_error(fit, phi, mass):
    r = np.linspace(0.5, 4.0, 50)
    X = np.stack([r, np.full(50, mass[0]), np.full(50, mass[1])], 1)
    mean, covariance = GraphSurrogate.of(fit).hidden("force", X)
    expected = phi(*X.T)
    return (mean - expected) / np.abs(expected).max(), np.sqrt(np.diag(covariance)), X


def test_newtons_third_law_is_found_where_it_holds():
    fit, mass = fitted(gravity)
    assert fit.kinds == {"force": "mutual"}
    assert GraphSurrogate.of(fit).alive == {"force": (True, True, True)}
    assert np.abs(relative_error(fit, gravity, mass)[0]).max() < 2e-2


def test_and_given_up_where_it_does_not():
    fit, mass = fitted(one_sided)
    assert fit.kinds == {"force": "central"}
    errors = {row["heads"]: row["error"] for row in fit.comparisons}
    assert errors["force central"] < 0.2 * errors["force mutual"]
    assert np.abs(relative_error(fit, one_sided, mass)[0]).max() < 2e-2


def test_unknown_masses_are_recovered():
    fit, truth = fitted(gravity, noise=0.01, unknown=3)
    # Without the third law every unknown mass could be any.
    assert all("mutual" in row["heads"] for row in fit.comparisons)
    values, sd = np.array(list(fit.scalars.values())).T
    assert list(fit.scalars) == ["mass_of_b1", "mass_of_b2", "mass_of_b3"]
    assert np.abs(values / truth[1:] - 1).max() < 0.05
    assert bool((sd > 0).all())
    assert bool((np.abs(values - truth[1:]) < 6 * sd + 0.01 * truth[1:]).all())


def test_posterior_and_gradient():
    fit, mass = fitted(gravity, noise=0.01)
    _, sd, X = relative_error(fit, gravity, mass)
    surrogate = GraphSurrogate.of(fit)
    prior_sd = np.sqrt(np.diag(surrogate.hidden_prior("force", X)[1]))
    assert bool((sd > 0).all())
    assert bool((sd < prior_sd).all())
    step = 1e-6
    for axis in range(3):
        shift = step * np.eye(3)[axis]
        sides = surrogate.hidden("force", X + shift)[0] - surrogate.hidden("force", X - shift)[0]
        gradient = surrogate.hidden_gradient("force", X)[:, axis]
        np.testing.assert_allclose(sides / (2 * step), gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("messages", [("mutual",), ("free mutual",), ("free",)])
def test_what_is_written_reads_back(messages):
    experiment = pair_data(np.random.default_rng(0), gravity, times=12, bodies=3)
    settings = GraphSettings(messages=messages, ensemble=1, width=3, layers=1, rounds=1, search=10)
    problem, observations = pair_problem(), Observations.of([experiment])
    found = train(problem, observations, settings, seed=0, device="cpu")
    again = GraphSurrogate.from_arrays(*json_round_trip(found.to_arrays()))
    X = np.random.default_rng(1).uniform(0.5, 2, (6, 3))
    for one, other in zip(found.hidden("force", X), again.hidden("force", X), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.alive == found.alive
    assert again.parameters == found.parameters
    with pytest.raises(ValueError, match="expected residuum/surrogate/1 graph"):
        GraphSurrogate.from_arrays({}, {"schema": "residuum/surrogate/1", "kind": "pinn"})


def json_round_trip(written):
    arrays, values = written
    return arrays, json.loads(json.dumps(values))


def test_messages_are_for_bodies():
    observations = Observations.of([Experiment("one", np.arange(4.0), {"x": np.arange(4.0)})])
    with pytest.raises(UserError, match="graph surrogate is for systems of bodies"):
        train(read_problem({"x_t": "f(x)"}), observations, GraphSettings(), seed=0)


def test_noise_is_estimated():
    fit, _ = fitted(gravity, noise=0.01)
    experiment = pair_data(np.random.default_rng(3), gravity, times=40, bodies=4)
    spread = experiment.states["position_tt"].std()
    assert fit.noise["position"] == pytest.approx(0.01 * spread, rel=0.3)


def test_same_seed_same_fit():
    experiment = pair_data(np.random.default_rng(0), gravity, times=12, bodies=3)
    frames = frames_of(pair_problem(), [experiment])
    settings = GraphSettings(
        messages=("mutual",), ensemble=1, width=3, layers=1, rounds=1, search=10
    )
    fits = [fit_graph(pair_problem(), frames, settings, seed=5) for _ in range(2)]
    assert torch.equal(fits[0].trained.theta, fits[1].trained.theta)


def test_one_snapshot_is_too_few():
    experiment = pair_data(np.random.default_rng(0), gravity, times=1, bodies=3)
    with pytest.raises(UserError, match="too few snapshots"):
        fit_graph(pair_problem(), frames_of(pair_problem(), [experiment]), QUICK, seed=0)
