"""Extraction from a surrogate that is known in closed form."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from residuum.data.observations import Experiment, Observations
from residuum.hidden.extract import extract, sample_times
from residuum.hidden.structure import sensitivity
from residuum.problem.dimensions import units_of_terms
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter
from residuum.units import conversion_factor


class Known:
    """`theta = sin t`, the term `f(a, b) = a*b` and `g(c) = 2`, each with a given spread."""

    experiments = ("late", "early")
    parameters: ClassVar = {"k": (2.0, 0.1)}
    noise: ClassVar = {"theta": 0.01}
    alive: ClassVar = {"f": (True, True), "g": (False,)}
    latents: ClassVar = {"f": 2, "g": 1}

    def states(self, experiment, t):
        shift = {"late": 1.0, "early": 0.0}[experiment]
        return {"theta": np.sin(t + shift), "theta_t": np.cos(t + shift)}

    def hidden(self, term, X):
        mean = X[:, 0] * X[:, 1] if term == "f" else np.full(len(X), 2.0)
        return mean, X @ X.T

    def hidden_prior(self, term, X):
        return np.zeros(len(X)), 9 * X @ X.T

    def hidden_gradient(self, term, X):
        return X[:, ::-1] if term == "f" else np.zeros_like(X)


@pytest.fixture
def case():
    problem = read_problem(
        {"theta_tt": "-k*f(theta, u) + f(k*theta_t, t) + g(theta)"},
        states=("theta",),
        inputs=("u",),
        parameters={"k": Parameter("k")},
    )
    rows = []
    for name, n in (("out", 5), ("early", 9), ("late", 6)):
        t = np.linspace(0, n - 1, n)
        held = np.full(n, name == "out") | (t > 6)
        rows.append(Experiment(name, t, {"theta": np.sin(t)}, {"u": t**2}, held))
    return problem, Observations.of(rows)


def test_samples_stand_on_the_trajectories(case):
    problem, observations = case
    found = extract(Known(), problem, observations)
    samples = found.samples["f"]
    early = samples.experiment == 1
    t = samples.t[early]
    # Seven samples stay for training: eighteen intervals of a third, and both calls of the term.
    assert len(t) == 2 * 19
    assert t.max() == 6.0
    first, second = samples.X[early][:19], samples.X[early][19:]
    np.testing.assert_allclose(first[:, 0], np.sin(t[:19]))
    np.testing.assert_allclose(first[:, 1], np.interp(t[:19], np.arange(9), np.arange(9) ** 2))
    np.testing.assert_allclose(second, np.stack([2 * np.cos(t[19:]), t[19:]], -1))
    np.testing.assert_allclose(samples.values, samples.X[:, 0] * samples.X[:, 1])
    np.testing.assert_allclose(samples.covariance, samples.X @ samples.X.T)
    np.testing.assert_allclose(samples.prior, 9 * samples.covariance)
    np.testing.assert_array_equal(samples.prior_mean, 0.0)
    assert samples.arguments == problem.hidden_term("f").arguments
    assert set(samples.experiment) == {1, 2}


def test_trajectories_stand_at_the_training_samples(case):
    found = extract(Known(), *case)
    assert set(found.trajectories) == {"early", "late"}
    np.testing.assert_array_equal(found.trajectories["early"].t, np.arange(7.0))
    np.testing.assert_allclose(
        found.trajectories["late"].components["theta_t"], np.cos(np.arange(6) + 1)
    )
    assert found.parameters == {"k": (2.0, 0.1)}
    assert found.noise == {"theta": 0.01}


def test_the_number_of_samples_is_limited():
    part = Experiment("a", np.linspace(0, 1, 5000), {"x": np.zeros(5000)})
    t = sample_times(part, 200)
    assert len(t) == 200
    assert (t[0], t[-1]) == (0.0, 1.0)


def test_structure_names_arguments_and_what_they_do(case):
    structure = extract(Known(), *case).structure
    assert structure.alive["g"] == {"theta": False}
    assert structure.latents == {"f": 2, "g": 1}
    assert structure.sensitivity["g"] == {"theta": 0.0}


def test_sensitivity_of_a_linear_term_is_its_share(case):
    samples = extract(Known(), *case).samples["f"]
    gradient = np.tile([3.0, 0.0], (len(samples.values), 1))
    size = np.sqrt(np.mean(samples.values**2))
    expected = 3 * samples.X[:, 0].std() / size
    np.testing.assert_allclose(sensitivity(samples, gradient), [expected, 0.0])


def test_units_follow_from_the_equations():
    problem = read_problem(
        {"prey_t": "r*prey - f(prey, 2*prey/h)", "predator_t": "e*f(prey, 2*prey/h)"},
        states=("prey", "predator"),
        parameters={"r": Parameter("r"), "h": Parameter("h", unit="mg/L"), "e": Parameter("e")},
    )
    units = {"t": "day", "prey": "mg/L", "predator": "mg/L"}
    found = units_of_terms(problem, units)["f"]
    assert found.value is not None
    assert found.arguments[0] is not None
    assert conversion_factor(found.value, "mg/L/day") == pytest.approx(1.0)
    assert conversion_factor(found.arguments[0], "mg/L") == pytest.approx(1.0)
    assert conversion_factor(found.arguments[1], "1") == pytest.approx(1.0)
    assert units_of_terms(problem, {})["f"].value is None
