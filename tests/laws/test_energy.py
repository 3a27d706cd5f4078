"""Energies of laws of bodies against closed forms, and laws that conserve none."""

from __future__ import annotations

import re

import numpy as np
import pytest

from residuum.data.observations import Experiment
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.laws.body_rollouts import follow
from residuum.laws.energy import Energy, NoEnergy, drift, energy_of
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_problem import BodyProblem
from residuum.problem.problem import Parameter

D = "(position_j - position_i)"
R = f"norm({D})"


def problem_of(text: str, inputs: tuple[str, ...] = (), **values: float) -> BodyProblem:
    given = {name: Parameter(name, value) for name, value in values.items()}
    scalars = tuple(name for name in ("mass", "charge") if name in text)
    return read_body_problem(
        {"position_tt": text}, scalars=scalars, inputs=inputs, parameters=given
    )


def bodies_of(law: BodyProblem, axes: int = 2, count: int = 3, frames: int = 5) -> Experiment:
    rng = np.random.default_rng(count + axes)
    states = {name: rng.normal(size=(frames, count, axes)) for name in law.components}
    scalars = {name: rng.uniform(0.5, 2, count) for name in law.scalars}
    if "charge" in scalars:
        scalars["charge"][0] *= -1
    t = np.arange(float(frames))
    return Experiment("e", t, states, {}, bodies=tuple("abcdef"[:count]), scalars=scalars)


CONSERVED = {
    "springs": (f"sum(2*({R} - 0.5)*{D}/{R})/mass_i", "mass", "(r - 0.5)**2"),
    "springs without mass": (f"sum(2*({R} - 0.5)*{D}/{R})", "", "(r - 0.5)**2"),
    "gravity": (f"sum(3.0*mass_j*{D}/{R}**3)", "mass", "-3.0*m*m_/r"),
    "charges": (f"-sum(charge_i*charge_j*{D}/{R}**3)/mass_i", "mass", "q*q_/r"),
    "one over r": (f"sum({D}/dot({D}, {D}))/mass_i", "mass", "log(r)"),
    "a jump": (f"sum(3*(1 + sign({R} - 1.3))*{D}/{R})/mass_i", "mass", "3*(abs(r - 1.3) + r)"),
    "by hand": ("sum(position_j)/mass_i - sum(position_i)/mass_i", "mass", "r**2/2"),
}


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("name", CONSERVED)
def test_energies_have_their_closed_forms(name: str, axes: int) -> None:
    text, inertia, form = CONSERVED[name]
    law = problem_of(text)
    e = bodies_of(law, axes)
    energy = energy_of(law, [e], {})
    assert isinstance(energy, Energy)
    assert energy.inertia == inertia
    x, v = e.states["position"], e.states["position_t"]
    kinetic, potential = energy.along(x, v, e.scalars)
    mass = e.scalars[inertia] if inertia else np.ones(3)
    np.testing.assert_allclose(kinetic, 0.5 * (mass[:, None] * v**2).sum((1, 2)))
    expected = np.zeros(len(x))
    for i, j in ((0, 1), (0, 2), (1, 2)):
        names = {"r": np.linalg.norm(x[:, i] - x[:, j], axis=1)}
        names |= {"m": e.scalars.get("mass", mass)[i], "m_": e.scalars.get("mass", mass)[j]}
        if "charge" in e.scalars:
            names |= {"q": e.scalars["charge"][i], "q_": e.scalars["charge"][j]}
        expected += evaluate(parse(form), names)
    np.testing.assert_allclose(potential, expected - expected[0], atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("name", [n for n in CONSERVED if n not in ("charges", "a jump")])
def test_a_path_keeps_its_energy(name: str) -> None:
    law = problem_of(CONSERVED[name][0])
    e = bodies_of(law)
    start = np.concatenate([e.states[c][0].ravel() for c in law.components])
    path = follow(law, e, {}, start, np.linspace(0, 3, 200)).reshape(-1, 2, 3, 2)
    energy = energy_of(law, [e], {})
    assert isinstance(energy, Energy)
    change = drift(*energy.along(path[:, 0], path[:, 1], e.scalars))
    assert np.abs(change).max() < 1e-5
    # What is not the law's own path is seen to gain energy.
    faster = drift(
        *energy.along(path[:, 0], path[:, 1] * np.linspace(1, 1.2, 200)[:, None, None], e.scalars)
    )
    assert np.abs(faster).max() > 0.05


LOST = {
    "drag": (f"(sum({D}) - 0.3*position_t_i)/mass_i", r"velocities \(position_t\), as drag does"),
    "friction between two": (f"sum(dot(position_t_j - position_t_i, {D})*{D})", "velocities"),
    "time": (f"sum({D})*(2 + sin(t))", r"in time \(with t\)"),
    "an input": (f"sum({D})*push", r"in time \(with push\)"),
    "a field": (f"sum({D}) - position_i", "on single bodies"),
    "not mutual": (f"sum((mass_i + 2*mass_j)*{D})", "not equal and opposite, whichever"),
    "not central": (f"sum({D} + 0.1*(position_j + position_i))", "not along the line"),
    "a place": (f"sum(norm(position_j + position_i)*{D})", "not along the line"),
    "three at once": (f"sum({D})*norm(sum({D}))", "not sums over pairs"),
}


@pytest.mark.parametrize("name", LOST)
def test_laws_that_conserve_none_say_why(name: str) -> None:
    text, reason = LOST[name]
    law = problem_of(text, ("push",) if "push" in text else ())
    found = energy_of(law, [bodies_of(law)], {})
    assert isinstance(found, NoEnergy)
    assert re.search(reason, found.reason)


def test_a_drag_of_nothing_is_known_by_its_name_only() -> None:
    law = problem_of(f"sum({D}) - drag*position_t_i", drag=0.0)
    assert isinstance(energy_of(law, [bodies_of(law)], {}), NoEnergy)


def test_first_order_equations_have_none() -> None:
    law = read_body_problem({"position_t": f"sum({D})"})
    e = bodies_of(law)
    found = energy_of(law, [e], {})
    assert isinstance(found, NoEnergy)
    assert "acceleration" in found.reason
