"""The collocation surrogate as a whole: accuracy, noise, bands, units, several experiments."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from surrogate_systems import (
    lotka_data,
    lotka_path,
    lotka_problem,
    pendulum_data,
    pendulum_problem,
    relative_error,
)

from residuum.data.observations import Experiment, Noise, Observations
from residuum.errors import UserError
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter
from residuum.surrogates.pinn_surrogate import PinnSurrogate
from residuum.surrogates.settings import BottleneckSettings, PinnSettings
from residuum.surrogates.train import READERS, SURROGATES, train

SPLINES = PinnSettings(states=("spline",))
RATES = {"predation": 0.9, "growth": 0.8}


def hidden_errors(surrogate, z):
    """Relative error and share of points inside the 95 % band, for each hidden term."""
    found = {}
    for term, rate in RATES.items():
        mean, covariance = surrogate.hidden(term, z)
        truth = rate * z[:, 0] * z[:, 1]
        inside = np.abs(mean - truth) < 1.96 * np.sqrt(np.diag(covariance))
        found[term] = relative_error(mean, truth), float(inside.mean())
    return found


@pytest.fixture(scope="module")
def lotka():
    return train(lotka_problem(), lotka_data(seed=1), PinnSettings(), seed=0, device="cpu")


def test_hidden_terms_and_noise_of_lotka_volterra(lotka):
    _, z = lotka_path(5.0, 400)
    for error, inside in hidden_errors(lotka, z).values():
        assert error < 0.025
        assert inside > 0.85
    for name, column in (("x", 0), ("y", 1)):
        assert lotka.noise[name] == pytest.approx(0.01 * z[:, column].std(), rel=0.35)


def test_states_follow_the_truth_between_samples(lotka):
    t, z = lotka_path(5.0, 400)
    states = lotka.states("run_0", t)
    assert list(states) == ["x", "y"]
    for column, name in enumerate(("x", "y")):
        assert relative_error(states[name], z[:, column]) < 0.01
    with pytest.raises(KeyError):
        lotka.states("elsewhere", t)


def test_gradient_of_a_hidden_term_is_its_slope(lotka):
    _, z = lotka_path(5.0, 20)
    slope = lotka.hidden_gradient("growth", z)
    for a in range(2):
        step = np.zeros_like(z)
        step[:, a] = 1e-5
        up, down = (lotka.hidden("growth", z + s * step)[0] for s in (1, -1))
        np.testing.assert_allclose(slope[:, a], (up - down) / 2e-5, rtol=1e-4, atol=1e-5)


def test_the_prior_is_wider_than_the_posterior(lotka):
    _, z = lotka_path(5.0, 40)
    for term in RATES:
        mean, posterior = lotka.hidden(term, z)
        prior_mean, prior = lotka.hidden_prior(term, z)
        assert np.trace(prior) > 10 * np.trace(posterior)
        assert np.linalg.eigvalsh(prior - posterior).min() > -1e-6 * np.trace(prior)
        assert prior_mean.shape == mean.shape


def test_history_and_comparisons_tell_what_happened(lotka):
    heads = [row["heads"] for row in lotka.comparisons]
    assert {"spline/network", "spline/spline"} <= set(heads)
    best = max(lotka.comparisons, key=lambda row: row["evidence"])
    assert best["disagreement"] == 0.0
    for row in lotka.history:
        assert {"round", "seconds", "cost", "evidence", "noise_x", "noise_y"} <= set(row)


def test_arrays_and_json_make_the_same_surrogate(lotka):
    arrays, values = lotka.to_arrays()
    again = PinnSurrogate.from_arrays(arrays, json.loads(json.dumps(values)))
    _, z = lotka_path(5.0, 30)
    for term in RATES:
        for one, other in zip(again.hidden(term, z), lotka.hidden(term, z), strict=True):
            np.testing.assert_array_equal(one, other)
    t = np.linspace(0, 5, 7)
    np.testing.assert_array_equal(again.states("run_0", t)["y"], lotka.states("run_0", t)["y"])
    assert again.alive == lotka.alive
    assert again.latents == lotka.latents
    assert [dict(row) for row in again.history] == [dict(row) for row in lotka.history]
    with pytest.raises(ValueError, match="expected"):
        PinnSurrogate.from_arrays(arrays, {**values, "schema": "other/1"})


def test_the_same_seed_gives_the_same_numbers():
    problem, data = lotka_problem(), lotka_data(seed=2)
    one, two = (train(problem, data, SPLINES, seed=5, device="cpu") for _ in range(2))
    _, z = lotka_path(5.0, 30)
    np.testing.assert_array_equal(one.hidden("growth", z)[0], two.hidden("growth", z)[0])


def test_bands_cover_the_truth_over_many_draws():
    _, z = lotka_path(5.0, 200)
    inside, errors = [], []
    for seed in range(8):
        data = lotka_data(seed=seed, noise=0.05)
        found = train(lotka_problem(), data, SPLINES, seed=seed, device="cpu")
        rows = hidden_errors(found, z).values()
        errors.append(np.mean([error for error, _ in rows]))
        inside.append(np.mean([share for _, share in rows]))
    assert np.mean(inside) > 0.88
    assert np.median(errors) < 0.07


@pytest.mark.parametrize("kind", ["gaussian", "lognormal", "relative"])
def test_units_do_not_matter(kind):
    """Days instead of years and thousands instead of ones: the same answer in those units."""
    time, count = 365.25, np.array([1e-3, 2e4])
    data = lotka_data(seed=3, noise=0.02, kind=kind, stop=4.0)
    part = data.experiments[0]
    states = {n: part.states[n] * count[k] for k, n in enumerate(("x", "y"))}
    scaled = Observations.of([Experiment(part.name, part.t * time, states)], noise=Noise(kind))
    one = train(lotka_problem(), data, SPLINES, seed=0, device="cpu")
    two = train(lotka_problem(rate=1 / time), scaled, SPLINES, seed=0, device="cpu")
    _, z = lotka_path(4.0, 30)
    for k, term in enumerate(RATES):
        mean, covariance = one.hidden(term, z)
        factor = count[k] / time
        other, other_covariance = two.hidden(term, z * count)
        size = np.abs(mean).max()
        np.testing.assert_allclose(other / factor, mean, atol=1e-6 * size)
        sd = np.sqrt(np.diag(covariance))
        np.testing.assert_allclose(
            np.sqrt(np.diag(other_covariance)) / factor, sd, rtol=1e-4, atol=1e-6 * size
        )


@pytest.mark.parametrize("velocity", [False, True])
def test_a_pendulum_at_irregular_times(velocity):
    problem, data = pendulum_problem(), pendulum_data(velocity=velocity)
    found = train(problem, data, PinnSettings(), seed=0, device="cpu")
    t = np.linspace(0.2, 7.8, 100)
    angle = np.concatenate([found.states(name, t)["theta"] for name in found.experiments])
    speed = np.concatenate([found.states(name, t)["theta_t"] for name in found.experiments])
    torque, covariance = found.hidden("restoring", angle[:, None])
    damping, _ = found.hidden("damping", speed[:, None])
    offset = np.mean(torque - 4 * np.sin(angle))
    assert relative_error(torque - offset, 4 * np.sin(angle)) < 0.04
    assert relative_error(damping + offset, 0.3 * speed) < 0.1
    # A constant may go to either term: the posterior says so.
    assert np.sqrt(covariance.diagonal()).min() > 5 * abs(offset)


def test_missing_samples_are_left_out():
    data = lotka_data(seed=0, n=36, missing=6)
    found = train(lotka_problem(), data, SPLINES, seed=0, device="cpu")
    _, z = lotka_path(5.0, 200)
    assert max(error for error, _ in hidden_errors(found, z).values()) < 0.03


def test_experiments_share_hidden_terms_and_parameters():
    starts = ((0.44249296, 4.6280594), (1.5, 1.0), (3.0, 2.0))
    data = lotka_data(seed=0, n=20, starts=starts)
    problem = lotka_problem(alpha=None)
    found = train(problem, data, SPLINES, seed=0, device="cpu")
    assert found.experiments == ("run_0", "run_1", "run_2")
    for index, start in enumerate(starts):
        t, z = lotka_path(5.0, 50, start)
        states = found.states(f"run_{index}", t)
        assert relative_error(states["x"], z[:, 0]) < 0.02
    mean, _ = found.hidden("growth", z)
    assert relative_error(mean, 0.8 * z[:, 0] * z[:, 1]) < 0.03


def test_what_a_parameter_shares_with_a_hidden_term_is_uncertain():
    """`alpha*x` can hide in `predation(x, y)`: a wide posterior, not a failure."""
    data = lotka_data(seed=0)
    known = train(lotka_problem(), data, SPLINES, seed=0, device="cpu")
    free = train(lotka_problem(alpha=None), data, SPLINES, seed=0, device="cpu")
    _, z = lotka_path(5.0, 60)
    direction = z[:, 0] / np.linalg.norm(z[:, 0])
    spread = [np.sqrt(direction @ s.hidden("predation", z)[1] @ direction) for s in (known, free)]
    value, sd = free.parameters["alpha"]
    assert spread[1] > 10 * spread[0]
    assert spread[1] > 0.5 * sd * np.linalg.norm(z[:, 0])
    assert abs(value - 1.3) < 3 * sd
    # The sum of both is as certain as before.
    left = value * z[:, 0] - free.hidden("predation", z)[0]
    right = 1.3 * z[:, 0] - 0.9 * z[:, 0] * z[:, 1]
    assert relative_error(left, right) < 0.05


def test_a_parameter_that_the_data_determine_is_found_within_its_bounds():
    problem = read_problem(
        {"x_t": "alpha*x - predation(y)*x", "y_t": "growth(x)*y - delta*y"},
        states=("x", "y"),
        parameters={"alpha": Parameter("alpha", 1.3), "delta": Parameter("delta", None, (0, 1.5))},
    )
    found = train(problem, lotka_data(seed=0), SPLINES, seed=0, device="cpu")
    assert 0 <= found.parameters["delta"][0] <= 1.5
    problem = read_problem(
        {"x_t": "alpha*x - b*x*y", "y_t": "growth(x, y) - 1.8*y"},
        states=("x", "y"),
        parameters={"alpha": Parameter("alpha"), "b": Parameter("b", None, (0, 5))},
    )
    found = train(problem, lotka_data(seed=0), SPLINES, seed=0, device="cpu")
    for name, truth in (("alpha", 1.3), ("b", 0.9)):
        value, sd = found.parameters[name]
        assert value == pytest.approx(truth, rel=0.03)
        assert abs(value - truth) < 4 * sd


@pytest.mark.parametrize("sparsity", ["none", "width", "l1", "prune"])
def test_every_sparsity_trains(sparsity):
    settings = PinnSettings(
        states=("spline",),
        hidden=("network",),
        bottleneck=BottleneckSettings(sparsity=sparsity, width=2),
    )
    found = train(lotka_problem(), lotka_data(seed=0), settings, seed=0, device="cpu")
    _, z = lotka_path(5.0, 100)
    assert max(error for error, _ in hidden_errors(found, z).values()) < 0.1
    assert found.latents["growth"] <= 2


def test_held_out_samples_are_not_seen():
    part = lotka_data(seed=0, n=40).experiments[0]
    held = np.arange(40) >= 30
    spoiled = {n: np.where(held, 1e3, v) for n, v in part.states.items()}
    data = [Observations.of([Experiment("a", part.t, states, {}, held)])
            for states in (part.states, spoiled)]  # fmt: skip
    one, two = (train(lotka_problem(), d, SPLINES, seed=0, device="cpu") for d in data)
    assert one.noise == two.noise


def test_what_cannot_be_trained_on_is_refused():
    part = lotka_data(seed=0).experiments[0]
    data = Observations.of([Experiment("a", part.t, {"x": part.states["x"]})])
    with pytest.raises(UserError, match="'y' is not measured"):
        train(lotka_problem(), data, SPLINES, seed=0, device="cpu")
    short = Observations.of([part.take(np.arange(2))])
    with pytest.raises(UserError, match="enough samples"):
        train(lotka_problem(), short, SPLINES, seed=0, device="cpu")
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="CUDA"):
            train(lotka_problem(), lotka_data(), SPLINES, seed=0, device="cuda")


def test_no_hidden_term_is_a_parameter_fit():
    problem = read_problem(
        {"x_t": "alpha*x - b*x*y", "y_t": "d*x*y - g*y"},
        states=("x", "y"),
        parameters={name: Parameter(name) for name in ("alpha", "b", "d", "g")},
    )
    found = train(problem, lotka_data(seed=0), SPLINES, seed=0, device="cpu")
    for name, truth in (("alpha", 1.3), ("b", 0.9), ("d", 0.8), ("g", 1.8)):
        assert found.parameters[name][0] == pytest.approx(truth, rel=0.03)
    assert found.alive == {}


def test_registries_agree():
    assert set(SURROGATES) == set(READERS) == {"pinn", "graph"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_answer_of_the_cpu():
    here, there = (
        train(lotka_problem(), lotka_data(seed=1), SPLINES, seed=0, device=device)
        for device in ("cpu", "cuda")
    )
    _, z = lotka_path(5.0, 50)
    one, two = here.hidden("growth", z)[0], there.hidden("growth", z)[0]
    np.testing.assert_allclose(one, two, atol=1e-4 * np.abs(one).max())


def test_parameters_that_enter_nonlinearly_are_found_without_bounds():
    right = lambda _, z: -2 * z / (1 + z)  # noqa: E731
    t = np.linspace(0, 5, 40)
    z = solve_ivp(right, (0, 5), [4.0], t_eval=t, rtol=1e-10, atol=1e-12).y[0]
    noisy = z + 0.01 * np.random.default_rng(0).standard_normal(40)
    problem = read_problem(
        {"x_t": "-k*x/(m + x)"},
        states=("x",),
        parameters={"k": Parameter("k"), "m": Parameter("m")},
    )
    data = Observations.of([Experiment("a", t, {"x": noisy})])
    found = train(problem, data, PinnSettings(), seed=0, device="cpu")
    for name, truth in (("k", 2.0), ("m", 1.0)):
        value, sd = found.parameters[name]
        assert value == pytest.approx(truth, rel=0.05)
        assert abs(value - truth) < 4 * sd
