"""The law of bodies does not depend on the units of the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies_truths import DRAG, problem_of, snapshots
from hypothesis import given, settings
from hypothesis import strategies as st

from residuum.data.observations import Experiment, Observations
from residuum.discovery import discover
from residuum.distillers.settings import SindySettings
from residuum.expressions.evaluation import evaluate
from residuum.hidden.extract import extract
from residuum.laws.settings import SelectSettings
from residuum.problem.dimensions import coherent, inferred_units, units_of_terms
from residuum.surrogates.settings import GraphSettings
from residuum.surrogates.train import train
from residuum.units import conversion_factor

SI = {"t": "s", "position": "m", "mass": "kg"}
FAST = GraphSettings(messages=("mutual",), ensemble=2, rounds=4)


def measured(units: dict[str, str]) -> Observations:
    """Return the same frames of three bodies with noise, in some units."""
    length, time, mass = (
        conversion_factor(SI[name], units[name]) for name in ("position", "t", "mass")
    )
    sizes = {"position": length, "position_t": length / time, "position_tt": length / time**2}

    def converted(e: Experiment) -> Experiment:
        states = {name: values * sizes[name] for name, values in e.states.items()}
        return replace(e, t=e.t * time, states=states, scalars={"mass": e.scalars["mass"] * mass})

    return Observations.of(
        [converted(e) for e in snapshots(24, 3, seed=0, noise=0.02)], units=units
    )


def law_in(units: dict[str, str]):
    """Return the law found in some units, its drag declared in others."""
    problem = problem_of(DRAG)
    drag = replace(problem.parameters[0], unit="kg s-1")
    return discover(
        replace(problem, parameters=(drag,)),
        measured(units),
        surrogate=FAST,
        distillers={"sindy": SindySettings(degree=3)},
        select=SelectSettings(extend=0),
    )


@pytest.mark.slow
def test_the_law_is_the_same_in_other_units():
    other = {"t": "h", "position": "km", "mass": "g"}
    first, second = law_in(SI), law_in(other)
    for name in ("fit_nrmse", "holdout_nrmse", "evidence"):
        assert first.scores[name] == pytest.approx(second.scores[name], rel=1e-6)
    assert second.parameters["drag"].unit == "g h-1"
    assert second.parameters["drag"].value == pytest.approx(DRAG * 3.6e6)
    rng = np.random.default_rng(0)
    points = {name: rng.uniform(0.3, 2, 50) for name in ("distance", "mass_i", "mass_j")}
    there = {
        name: values * conversion_factor(*(("m", "km") if name == "distance" else ("kg", "g")))
        for name, values in points.items()
    }
    force = evaluate(first.hidden["force"].expression, points)
    found = evaluate(second.hidden["force"].expression, there)
    factor = conversion_factor("kg m s-2", "g km h-2")
    np.testing.assert_allclose(found, factor * force, rtol=1e-6)
    skeletons = [
        [term.term.tokens for term in law.hidden["force"].terms] for law in (first, second)
    ]
    assert skeletons[0] == skeletons[1]


def test_samples_have_the_units_of_force():
    observations = measured(SI)
    problem = problem_of(DRAG)
    small = replace(FAST, ensemble=1, rounds=1, iterations=2, search=8)
    samples = extract(train(problem, observations, small, seed=0), problem, observations).samples
    assert samples["force"].units == ("m", "kg", "kg")
    assert samples["force"].unit == "kg m s-2"


@given(
    st.sampled_from(["m", "km", "mm", "1000 m"]),
    st.sampled_from(["s", "h", "ms", "yr"]),
    st.sampled_from(["kg", "g", "lb"]),
)
@settings(max_examples=20, deadline=None)
def test_units_that_follow_are_consistent(length: str, time: str, mass: str) -> None:
    units = {"position": length, "t": time, "mass": mass}
    problem = problem_of(None)
    found = units_of_terms(problem, units)["force"]
    expected = conversion_factor(length, "m") * conversion_factor(mass, "kg")
    expected /= conversion_factor(time, "s") ** 2
    assert conversion_factor(str(found.value), "N") == pytest.approx(expected)
    drag = inferred_units(problem, units)["drag"]
    known = replace(problem.parameters[0], value=1.0, unit="kg s-1")
    value = coherent(replace(problem, parameters=(known,)), units).known["drag"]
    assert value * conversion_factor(str(drag), "kg s-1") == pytest.approx(1.0)
