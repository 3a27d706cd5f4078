"""Laws of bodies: from accelerations and from trajectories, masses that are not known, JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from bodies_truths import (
    DRAG,
    accelerations,
    extraction_of,
    front,
    problem_of,
    snapshots,
    trajectories,
)

from residuum.data.observations import Observations
from residuum.data.written_bodies import WrittenBodies
from residuum.errors import UserError
from residuum.laws.body_rates import rate_data
from residuum.laws.law import Law
from residuum.laws.select import select
from residuum.laws.settings import SelectSettings

SETTINGS = SelectSettings(extend=0)
FRONTS = [{"force": front()}]


def test_one_receiver_stands_for_all_bodies() -> None:
    experiments = snapshots(12, 4, seed=0)
    one = WrittenBodies.of(problem_of(), experiments, receivers=(0,))
    data = rate_data(one, experiments, Observations.of(experiments).noise)
    assert one.ragged
    assert data.nodes.shape == (sum(len(e.bodies) for e in experiments), 4)
    first = experiments[1]
    own = accelerations(
        first.states["position"][0], first.states["position_t"][0], first.scalars["mass"]
    )
    rows = slice(3, 3 + len(own))
    np.testing.assert_allclose(data.observed[rows][:, [1, 3]], own)
    assert (data.weights[:, [0, 2]] == 0).all()


def test_a_law_from_accelerations_with_fewer_bodies_in_some() -> None:
    observations = Observations.of(snapshots(60, 4, seed=0))
    found = select(
        problem_of(drag=None), observations, extraction_of({"drag": 0.1}, {}), FRONTS, SETTINGS
    )
    law = found.law
    np.testing.assert_allclose(law.hidden["force"].expression.constants, (2, 0.5), rtol=1e-6)
    assert law.parameters["drag"].value == pytest.approx(DRAG, rel=1e-6)
    assert law.scores["holdout_nrmse"] < 1e-6
    assert law.verdict.stable is None
    text = law.texts["position_tt"]
    assert "norm(position_j - position_i)" in text
    again = Law.from_json(json.loads(json.dumps(law.to_json())))
    assert again.texts == law.texts
    assert again.equations == law.equations


def test_a_mass_that_is_not_known_is_estimated() -> None:
    rng = np.random.default_rng(3)
    rows = snapshots(40, 3, seed=2)
    masses = {"a": 1.0, "b": 2.5, "c": 0.7}
    told = {"a": 1.0, "b": np.nan, "c": np.nan}
    experiments = []
    for e in rows:
        mass = np.array([masses[b] for b in e.bodies])
        x, v = e.states["position"][0], e.states["position_t"][0]
        a = accelerations(x, v, mass) + 1e-3 * rng.normal(size=x.shape)
        states = e.states | {"position_tt": a[None]}
        known = {"mass": np.array([told[b] for b in e.bodies])}
        experiments.append(replace(e, states=states, scalars=known))
    start = {"mass_of_b": 1.0, "mass_of_c": 1.0}
    observations = Observations.of(experiments, units={"mass": "kg", "t": "s"})
    law = select(problem_of(), observations, extraction_of(start, {}), FRONTS, SETTINGS).law
    assert law.parameters["mass_of_b"].unit == "kg"
    assert law.parameters["drag"].unit == "kg s-1"
    assert law.parameters["mass_of_b"].value == pytest.approx(2.5, rel=0.01)
    assert law.parameters["mass_of_c"].value == pytest.approx(0.7, rel=0.01)
    assert law.parameters["mass_of_b"].ci95[0] < 2.5 < law.parameters["mass_of_b"].ci95[1]


@pytest.mark.slow
def test_a_law_through_the_dynamics() -> None:
    observations = Observations.of(trajectories(3, 2, seed=1, noise=0.005))
    law = select(problem_of(), observations, extraction_of({}, {}), FRONTS, SETTINGS).law
    np.testing.assert_allclose(law.hidden["force"].expression.constants, (2, 0.5), rtol=0.03)
    assert law.verdict.stable
    assert law.scores["holdout_nrmse"] < 0.05


@pytest.mark.slow
def test_through_the_dynamics_bodies_may_be_missing_in_frames() -> None:
    rows = trajectories(2, 2, seed=1, noise=0.005)
    x = rows[0].states["position"].copy()
    x[:4, 1] = x[12:15, 0] = np.nan
    observations = Observations.of([replace(rows[0], states={"position": x}), rows[1]])
    law = select(problem_of(), observations, extraction_of({}, {}), FRONTS, SETTINGS).law
    np.testing.assert_allclose(law.hidden["force"].expression.constants, (2, 0.5), rtol=0.03)


def test_too_many_bodies_without_accelerations() -> None:
    observations = Observations.of(trajectories(1, 3, seed=1, noise=0.01))
    wide = [
        replace(
            e,
            states={"position": np.tile(e.states["position"], (1, 10, 1))},
            bodies=tuple(f"b{k}" for k in range(30)),
            scalars={"mass": np.ones(30)},
        )
        for e in observations.experiments
    ]
    with pytest.raises(UserError, match="too many bodies"):
        select(problem_of(), Observations.of(wide), extraction_of({}, {}), FRONTS, SETTINGS)


def test_rollouts_start_where_experiments_do() -> None:
    moving = trajectories(4, 3, seed=1, noise=0.0)
    full = []
    for e in moving:
        x = e.states["position"]
        v = np.gradient(x, e.t, axis=0, edge_order=2)
        a = np.stack([accelerations(p, q, e.scalars["mass"]) for p, q in zip(x, v, strict=True)])
        full.append(replace(e, states={"position": x, "position_t": v, "position_tt": a}))
    observations = Observations.of(full)
    found = select(problem_of(), observations, extraction_of({}, {}), FRONTS, SETTINGS)
    assert set(found.curves) == {e.name for e in full}
    curve = found.curves["run_3"]["forecast"]
    name = "position_x_1"
    measured = np.interp(curve["t"], full[3].t, full[3].states["position"][:, 0, 0])
    assert np.max(np.abs(np.array(curve["components"][name]) - measured)) < 0.1
    assert found.law.scores["valid_time"] is None
