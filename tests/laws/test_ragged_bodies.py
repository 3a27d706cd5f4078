"""Experiments with different numbers of bodies, fitted through their dynamics together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies_truths import DRAG, accelerations, extraction_of, front, problem_of, trajectories

from residuum.data.observations import Experiment, Observations
from residuum.data.written_bodies import WrittenBodies, alike
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.hidden.extract import extract
from residuum.laws.body_starts import BESIDE, body_starts
from residuum.laws.select import select
from residuum.laws.settings import SelectSettings
from residuum.surrogates.settings import PinnSettings
from residuum.surrogates.train import train

SETTINGS = SelectSettings(extend=0)
FRONTS = [{"force": front()}]


def ragged(noise: float = 0.005) -> list[Experiment]:
    """Return two experiments of two bodies, the second held out, and one of three."""
    three = replace(trajectories(2, 3, seed=2, noise=noise)[0], name="three")
    return [three, *trajectories(2, 2, seed=1, noise=noise)]


def test_written_rates_are_those_of_each_experiment_alone() -> None:
    rows = [replace(e, t=np.arange(float(len(e)))) for e in ragged(noise=0.0)]
    problem = problem_of()
    bodies = WrittenBodies.of(problem, rows)
    assert bodies.ragged
    flat = bodies.flat(Observations.of(rows))
    force = parse("2*mass_i*mass_j*(distance - 0.5)")
    sides = dict(
        zip(
            bodies.written.components,
            bodies.written.first_order(bodies.written.complete({"force": force})),
            strict=True,
        )
    )
    rng = np.random.default_rng(0)
    for e, written in zip(rows, flat.experiments, strict=True):
        x, v = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
        values = {name: value[0] for name, value in written.inputs.items()} | {"drag": DRAG}
        for body in range(3):
            for k, axis in enumerate("xy"):
                values[f"position_{axis}_{body + 1}"] = x[body, k]
                values[f"position_{axis}_{body + 1}_t"] = v[body, k]
        n = len(e.bodies)
        expected = np.zeros((3, 2))
        expected[:n] = accelerations(x[:n], v[:n], e.scalars["mass"])
        found = [
            [float(evaluate(sides[f"position_{axis}_{body + 1}_t"], values)) for axis in "xy"]
            for body in range(3)
        ]
        np.testing.assert_allclose(found, expected, atol=1e-12)
    assert np.isnan(flat.experiments[1].states["position_x_3"]).all()


def test_one_number_of_bodies_is_written_as_before() -> None:
    rows = ragged()[1:]
    bodies = WrittenBodies.of(problem_of(), rows)
    assert not bodies.ragged
    assert not [name for name in bodies.written.inputs if name.startswith("present")]
    observations = Observations.of(rows)
    assert alike(observations) is observations


def test_absent_bodies_rest_beside_the_others() -> None:
    rows = ragged()
    observations = Observations.of(rows)
    bodies = WrittenBodies.of(problem_of(), rows)
    starts = body_starts(bodies, bodies.flat(observations), observations, {})
    largest = max(np.abs(e.states["position"]).max() for e in rows)
    assert (starts["run_0"].components["position_x_3"] == BESIDE * largest).all()
    assert (starts["run_0"].components["position_x_3_t"] == 0).all()
    measured = rows[0].states["position"][:, 2, 0]
    np.testing.assert_allclose(starts["three"].components["position_x_3"], measured, atol=0.05)


def test_the_surrogate_learns_from_the_number_of_which_most_was_measured() -> None:
    units = {"t": "s", "position": "m", "mass": "kg"}
    observations = Observations.of(ragged()[::-1], units=units)
    fast = PinnSettings(states=("spline",), ensemble=1, rounds=1, iterations=2)
    surrogate = train(problem_of(), observations, fast, seed=0)
    extraction = extract(surrogate, problem_of(), observations)
    assert set(extraction.trajectories) == {"three"}
    samples = extraction.samples["force"]
    assert set(samples.experiment) == {2}
    assert (samples.units, samples.unit) == (("m", "kg", "kg"), "kg m s-2")


@pytest.mark.slow
def test_a_law_of_two_and_three_bodies() -> None:
    observations = Observations.of(ragged())
    selection = select(problem_of(), observations, extraction_of({}, {}), FRONTS, SETTINGS)
    law = selection.law
    np.testing.assert_allclose(law.hidden["force"].expression.constants, (2, 0.5), rtol=0.03)
    assert law.verdict.stable
    assert law.scores["holdout_nrmse"] < 0.05
    (term,) = law.hidden["force"].terms[:1]
    assert term.ci95[0] < term.coefficient < term.ci95[1]
    path = selection.curves["three"]["fit"]
    found = np.interp(observations.experiments[0].t, path["t"], path["components"]["position_x_3"])
    measured = observations.experiments[0].states["position"][:, 2, 0]
    np.testing.assert_allclose(found, measured, atol=0.06)


@pytest.mark.slow
def test_a_mass_that_only_the_larger_experiment_tells() -> None:
    rows = ragged(noise=1e-3)
    mass = rows[0].scalars["mass"].copy()
    truth, mass[2] = mass[2], np.nan
    rows[0] = replace(rows[0], scalars={"mass": mass})
    observations = Observations.of(rows)
    law = select(problem_of(), observations, extraction_of({}, {}), FRONTS, SETTINGS).law
    assert law.parameters["mass_of_c"].value == pytest.approx(truth, rel=0.02)
