"""Simulated bodies against closed forms and conservation laws, and what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.data.body_settings import BodiesSettings, Draw
from residuum.data.observations import Experiment
from residuum.data.prepare import prepare
from residuum.data.settings import DataSettings, Noise, SimulateSettings, Times
from residuum.data.simulate_bodies import simulate_bodies
from residuum.errors import UserError
from residuum.problem.body_equations import read_body_problem

PAIR = "position_j - position_i"
GRAVITY = {"position_tt": f"sum(mass_j*({PAIR})/norm({PAIR})**3)"}
SOFT = {"position_tt": f"sum(mass_j*({PAIR})/(0.1 + dot({PAIR}, {PAIR}))**1.5)"}
SPRING = {"position_tt": f"sum(k*({PAIR}))/mass_i"}
ALL = ("position", "position_t", "position_tt")
START = {"position": ((0.0, 0.0), (1.0, 0.5)), "position_t": ((0.0, 0.0), (0.0, 0.0))}


def spec(**changes: object) -> SimulateSettings:
    values: dict[str, object] = {"equations": SOFT, "times": Times(3.0, 31), "observe": ALL}
    if "initial" not in changes:
        values["bodies"] = drawn()
    return SimulateSettings(**{**values, **changes})  # type: ignore[arg-type]


def drawn(**changes: object) -> BodiesSettings:
    values: dict[str, object] = {
        "count": 4,
        "states": {"position": Draw(normal=1.0), "position_t": Draw(normal=0.3)},
        "scalars": {"mass": Draw(lognormal=0.5)},
    }
    return BodiesSettings(**{**values, **changes})  # type: ignore[arg-type]


def run(given: SimulateSettings, seed: int = 0, dataset: str = "d") -> tuple[Experiment, ...]:
    return simulate_bodies(given, seed=seed, dataset=dataset, where="file: simulate")


def test_two_bodies_on_a_spring_follow_their_closed_form() -> None:
    start = {"position": ((0.0, 0.0), (1.0, 0.5)), "position_t": 0.0, "mass": (1.0, 3.0)}
    given = spec(equations=SPRING, parameters={"k": 2.0}, initial=(start,))
    (found,) = run(given)
    w = np.sqrt(2.0 * (1 / 1.0 + 1 / 3.0))
    centre, apart = 0.75 * np.array([1.0, 0.5]), np.array([1.0, 0.5])
    for body, share in ((0, -0.75), (1, 0.25)):
        wave = share * apart * np.cos(w * found.t)[:, None]
        np.testing.assert_allclose(found.states["position"][:, body], centre + wave, atol=1e-8)
        np.testing.assert_allclose(found.states["position_tt"][:, body], -(w**2) * wave, atol=1e-7)
    assert found.bodies == ("body_0", "body_1")
    np.testing.assert_array_equal(found.scalars["mass"], [1.0, 3.0])


def test_a_circular_orbit_stays_one() -> None:
    m, r = np.array([2.0, 1.0]), 1.5
    w = np.sqrt(m.sum() / r**3)
    radii = np.array([-m[1], m[0]]) * r / m.sum()
    start = {
        "position": tuple((x, 0.0, 0.0) for x in radii),
        "position_t": tuple((0.0, w * x, 0.0) for x in radii),
        "mass": (2.0, 1.0),
    }
    (found,) = run(spec(equations=GRAVITY, initial=start, times=Times(4 * np.pi / w, 41)))
    angle = w * found.t[:, None]
    wave = np.stack([radii * np.cos(angle), radii * np.sin(angle), 0 * radii * angle], axis=-1)
    np.testing.assert_allclose(found.states["position"], wave, atol=1e-7)
    np.testing.assert_allclose(found.states["position_tt"], -(w**2) * wave, atol=1e-7)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_momentum_angular_momentum_and_energy_are_conserved(axes: int) -> None:
    for e in run(spec(bodies=drawn(axes=axes, experiments=3))):
        m, x, v = e.scalars["mass"], e.states["position"], e.states["position_t"]
        assert x.shape == (31, 4, axes)
        momentum = np.einsum("b,nbd->nd", m, v)
        np.testing.assert_allclose(momentum, momentum[:1].repeat(31, 0), atol=1e-8)
        force = np.einsum("b,nbd->nd", m, e.states["position_tt"])
        np.testing.assert_allclose(force, 0.0, atol=1e-8)
        r = np.sqrt(0.1 + np.sum((x[:, :, None] - x[:, None]) ** 2, axis=-1))
        potential = -0.5 * np.sum(m[:, None] * m / r, axis=(1, 2))
        energy = 0.5 * np.einsum("b,nbd,nbd->n", m, v, v) + potential
        np.testing.assert_allclose(energy, energy[0], atol=1e-8)


def test_accelerations_are_those_along_the_trajectory() -> None:
    (found,) = run(spec(times=Times(0.02, 21)))
    dt, v, a = 0.001, found.states["position_t"], found.states["position_tt"]
    np.testing.assert_allclose((v[2:] - v[:-2]) / (2 * dt), a[1:-1], atol=1e-4)


def test_counts_are_drawn_for_each_experiment() -> None:
    found = run(spec(bodies=drawn(count=(2, 5), experiments=30), times=Times(0.1, 3)))
    assert {len(e.bodies) for e in found} == {2, 3, 4, 5}


def test_distributions() -> None:
    scalars = {
        "mass": Draw(lognormal=0.4), "charge": Draw(choice=(-1.0, 1.0)),
        "size": 2.5, "spin": Draw(uniform=(3.0, 4.0)),
    }  # fmt: skip
    states = {"position": Draw(uniform=(-2.0, 6.0)), "position_t": 0.0}
    bodies = drawn(count=500, scalars=scalars, states=states)
    (found,) = run(spec(bodies=bodies, times=Times(0.0, 1)))
    assert np.std(np.log(found.scalars["mass"])) == pytest.approx(0.4, rel=0.1)
    assert set(found.scalars["charge"]) == {-1.0, 1.0}
    assert abs(found.scalars["charge"].mean()) < 0.2
    assert set(found.scalars["size"]) == {2.5}
    assert 3.0 <= found.scalars["spin"].min() < found.scalars["spin"].max() <= 4.0
    x = found.states["position"]
    assert (x.mean(), x.min() >= -2.0, x.max() <= 6.0) == (pytest.approx(2.0, abs=0.4), True, True)
    assert not found.states["position_t"].any()


def test_a_single_time_serves_where_accelerations_are_observed() -> None:
    times = {"times": Times(0.0, 1), "bodies": drawn(experiments=4)}
    data = DataSettings(simulate=spec(**times, observe=("position", "position_tt")))
    found = prepare(data, None, dataset="d")  # type: ignore[arg-type]
    assert [len(e) for e in found.experiments] == [1, 1, 1, 1]
    assert [bool(e.held_out[0]) for e in found.experiments] == [False, False, True, False]
    with pytest.raises(UserError, match=r"one time only.*position_tt under observe"):
        run(spec(**times, observe=("position",)))
    assert len(run(spec(times=(0.5,)))[0]) == 1
    with pytest.raises(ValueError, match="expected 3 to"):
        spec(times=(0.0,), initial={"x": 1.0}, equations={"x_t": "-x"}, observe=())


def test_the_draw_depends_on_seed_dataset_and_experiment_alone() -> None:
    def draw(count: int, seed: int = 0, dataset: str = "d", **changes: object) -> np.ndarray:
        given = spec(bodies=drawn(experiments=count), noise=Noise("relative", 0.1), **changes)
        return run(given, seed, dataset)[0].states["position"]

    one = draw(1)
    np.testing.assert_array_equal(one, draw(2))
    np.testing.assert_array_equal(one, draw(1, observe=ALL[::-1]))
    assert not np.allclose(one, draw(1, seed=1))
    assert not np.allclose(one, draw(1, dataset="other"))


def test_relative_noise_is_of_the_whole_state() -> None:
    bodies = drawn(count=300)
    (clean,) = run(spec(bodies=bodies, times=Times(0.01, 3)))
    (noisy,) = run(spec(bodies=bodies, times=Times(0.01, 3), noise=Noise("relative", 0.2)))
    for name in ALL:
        size = np.std(noisy.states[name] - clean.states[name])
        expected = 0.2 * np.mean(np.abs(clean.states[name]))
        assert size == pytest.approx(expected, rel=0.1)


def test_experiments_that_diverge_are_drawn_again() -> None:
    repulsion = {"position_t": f"sum({PAIR}) + charge_i*dot(position_i, position_i)*position_i"}
    states = {"position": Draw(normal=0.1)}
    scalars = {"charge": Draw(choice=(0.0, 0.0, 40.0))}
    bodies = drawn(count=2, states=states, scalars=scalars, experiments=2)
    given = spec(equations=repulsion, bodies=bodies, times=Times(20.0, 5), observe=("position",))
    found = run(given)
    assert len(found) == 2
    assert all(np.isfinite(e.states["position"]).all() for e in found)
    never = drawn(count=2, states=states, scalars=scalars, experiments=6, retry=False)
    with pytest.raises(UserError, match=r"simulate \(experiment_00\d\): the simulation diverges"):
        run(spec(equations=repulsion, bodies=never, times=Times(20.0, 5), observe=("position",)))


TWO = {**START, "mass": (1.0, 2.0)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"equations": {"position_tt": f"sum(force({PAIR}))"}}, "hidden term 'force'.*write out"),
        ({"bodies": drawn(states={"position": 0.0})}, "bodies.states: no initial value of 'posit"),
        ({"bodies": drawn(scalars={})}, "unknown name 'mass_j'"),
        ({"bodies": drawn(states={"position": 1.0, "position_t": 0.0})}, "body_0 and body_1 have"),
        ({"observe": ("speed",)}, "observe: unknown state 'speed'"),
        ({"noise": Noise("gaussian", {"position": 1.0})}, "no noise size for 'position_t'"),
        ({"noise": Noise("lognormal", 0.1)}, "lognormal noise of vectors"),
        ({"initial": {**TWO, "position_t": ((0.0, 0.0),)}}, "wrong shape; expected .2, 2., as pos"),
        ({"initial": {**TWO, "position": ((0.0,), (1.0, 0.0))}}, "vectors of different length"),
        ({"initial": {**TWO, "position": (0.0, 1.0)}}, "initial.position: not a vector for each"),
        ({"initial": {**TWO, "mass": (1.0, 2.0, 3.0)}}, "initial.mass: wrong shape"),
        ({"initial": {**TWO, "position": ((1.0, 0.0), (1.0, 0.0))}}, "have the same position"),
        (
            {"initial": {"position": START["position"], "mass": 1.0}},
            "no initial value of 'position_t'",
        ),
        ({"initial": (TWO, {**START})}, r"initial\[1\]: no value of scalar 'mass'"),
        ({"initial": (TWO, {**TWO, "charge": 1.0})}, "unknown state 'charge'"),
        (
            {"initial": {**TWO, "mass": (1e3, 1e3)}, "equations": GRAVITY, "times": Times(9.0, 4)},
            "does not end|diverges",
        ),
    ],
)
def test_mistakes_are_one_message(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(spec(**changes))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 1}, "count: expected 2 to"),
        ({"count": (5, 3)}, "count: expected 2 to"),
        ({"axes": 4}, "axes: expected 1 to 3"),
        ({"experiments": 0}, "experiments: expected"),
        ({"scalars": {"mass": (1.0, 2.0)}}, "expected 4 numbers of mass, found 2"),
        ({"scalars": {"mass": float("nan")}}, "finite"),
        ({"states": {}}, "states: expected"),
    ],
)
def test_wrong_systems(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        drawn(**change)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "found none"),
        ({"normal": 1.0, "uniform": (0.0, 1.0)}, "found normal and uniform"),
        ({"normal": -1.0}, "normal: expected at least 0"),
        ({"uniform": (1.0, 0.0)}, "lowest, highest"),
        ({"choice": ()}, "at least one number"),
        ({"choice": (float("inf"),)}, "finite"),
    ],
)
def test_wrong_distributions(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Draw(**given)  # type: ignore[arg-type]


def test_bodies_of_different_dimension_and_one_body_are_refused() -> None:
    other = {"position": ((0.0,), (1.0,)), "position_t": 0.0, "mass": 1.0}
    data = DataSettings(simulate=spec(initial=(TWO, other)))
    with pytest.raises(UserError, match=r"another number of axes.*expected 2; found 1"):
        prepare(data, None, dataset="d")  # type: ignore[arg-type]
    alone = {"position": ((0.0, 0.0),), "position_t": 0.0, "mass": 1.0}
    with pytest.raises(UserError, match="one body only"):
        prepare(DataSettings(simulate=spec(initial=alone)), None, dataset="d")  # type: ignore[arg-type]


def test_masses_of_zero_are_refused_where_the_equations_divide_by_them() -> None:
    data = DataSettings(simulate=spec(initial={**TWO, "mass": (1.0, 0.0)}))
    assert prepare(data, None, dataset="d").of_bodies  # type: ignore[arg-type]
    hidden = read_body_problem(
        {"position_tt": f"sum(force({PAIR}))/mass_i"}, scalars=("mass",), states=ALL
    )
    with pytest.raises(UserError, match=r"mass of body_1 \(experiment_000\): mass is 0"):
        prepare(data, None, dataset="d", bodies=hidden)  # type: ignore[arg-type]
