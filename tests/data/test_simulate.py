"""Simulations against closed forms, and noise against its definition."""

import numpy as np
import pytest

from residuum.data.prepare import prepare
from residuum.data.settings import DataSettings, Noise, SimulateSettings, Times
from residuum.data.simulate import add_noise, simulate
from residuum.errors import UserError
from residuum.seeds import generator


def spec(**changes: object) -> SimulateSettings:
    values: dict[str, object] = {
        "equations": {"x_tt": "-w**2*x"},
        "parameters": {"w": 2.0},
        "initial": {"x": 1.0, "x_t": 0.5},
        "times": Times(10.0, 41),
    }
    return SimulateSettings(**{**values, **changes})  # type: ignore[arg-type]


def test_an_oscillator_follows_its_closed_form() -> None:
    (found,) = simulate(spec(observe=("x", "x_t")), seed=0, dataset="d")
    t = np.linspace(0.0, 10.0, 41)
    np.testing.assert_array_equal(found.t, t)
    np.testing.assert_allclose(found.states["x"], np.cos(2 * t) + 0.25 * np.sin(2 * t), atol=1e-8)
    np.testing.assert_allclose(
        found.states["x_t"], -2 * np.sin(2 * t) + 0.5 * np.cos(2 * t), atol=1e-8
    )


def test_time_may_stand_in_the_equations() -> None:
    given = spec(equations={"x_t": "cos(t) - exp(-t)"}, initial={"x": 1.0}, parameters={})
    (found,) = simulate(given, seed=0, dataset="d")
    np.testing.assert_allclose(found.states["x"], np.sin(found.t) + np.exp(-found.t), atol=1e-8)


def test_irregular_times_hold_both_ends_and_differ_between_experiments() -> None:
    start = {"x": 1.0, "x_t": 0.0}
    given = spec(times=Times(4.0, 30, start=1.0, irregular=True), initial=(start, start))
    first, second = simulate(given, seed=0, dataset="d")
    assert (first.name, second.name) == ("experiment_000", "experiment_001")
    for e in (first, second):
        assert (e.t[0], e.t[-1], len(e)) == (1.0, 4.0, 30)
        assert np.all(np.diff(e.t) > 0)
        np.testing.assert_allclose(e.states["x"], np.cos(2 * (e.t - 1)), atol=1e-8)
    assert not np.allclose(first.t, second.t)


def test_the_draw_depends_on_seed_dataset_and_experiment_alone() -> None:
    start = {"x": 1.0, "x_t": 0.0}
    one = spec(noise=Noise("gaussian", 0.1), initial=(start,))
    two = spec(noise=Noise("gaussian", 0.1), initial=(start, start))

    def draw(given: SimulateSettings, seed: int = 0, dataset: str = "d") -> np.ndarray:
        return simulate(given, seed=seed, dataset=dataset)[0].states["x"]

    np.testing.assert_array_equal(draw(one), draw(two))
    assert not np.allclose(draw(one), draw(one, seed=1))
    assert not np.allclose(draw(one), draw(one, dataset="other"))


@pytest.mark.parametrize(
    ("kind", "size", "expected"), [("gaussian", 0.3, 0.3), ("relative", 0.1, 0.2)]
)
def test_additive_noise_has_its_size(kind: str, size: float, expected: float) -> None:
    clean = np.tile([-1.0, 3.0], 20_000)
    noisy = add_noise(clean, Noise(kind, size), "x", generator(0, "test"))  # type: ignore[arg-type]
    assert np.std(noisy - clean) == pytest.approx(expected, rel=0.02)


def test_lognormal_noise_has_its_size_and_keeps_the_sign() -> None:
    clean = np.tile([0.01, 3.0], 20_000)
    noisy = add_noise(clean, Noise("lognormal", {"x": 0.4}), "x", generator(0, "test"))
    assert np.std(np.log(noisy / clean)) == pytest.approx(0.4, rel=0.02)
    assert np.all(noisy > 0)


def test_the_fitted_noise_has_the_simulated_kind_and_no_size() -> None:
    data = DataSettings(simulate=spec(noise=Noise("relative", 0.01)))
    assert data.noise_model == Noise("relative", None)
    assert DataSettings(simulate=spec(), noise=Noise("lognormal")).noise_model.kind == "lognormal"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"equations": {"x_tt": "-force(x)"}, "parameters": {}}, "hidden term 'force'.*write out"),
        ({"initial": {"x": 1.0}}, "no initial value of 'x_t'"),
        ({"initial": {"x": 1.0, "x_t": 0.0, "y": 1.0}}, "unknown state 'y'"),
        ({"observe": ("z",)}, "unknown state 'z'"),
        ({"parameters": {"w": 2.0, "k": 1.0}}, "'k' is not used"),
        ({"parameters": {}}, "unknown name 'w'"),
        ({"noise": Noise("gaussian", {"y": 1.0})}, "unknown state 'y'"),
        ({"equations": {"x_tt": "x**3*w"}, "times": Times(1e3, 10)}, "diverges"),
    ],
)
def test_mistakes_are_one_message(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        simulate(spec(**changes), seed=0, dataset="d", where="file: datasets.d.data.simulate")


def test_prepare_marks_scales_and_titles() -> None:
    data = DataSettings(simulate=spec(noise=Noise("gaussian", 0.01)), units={"t": "s", "x": "m"})
    found = prepare(data, None, dataset="d", title="T", holdout=0.2)  # type: ignore[arg-type]
    assert found.units == {"t": "s", "x": "m"}
    assert found.experiments[0].held_out.sum() == 8
    assert found.scales.time == pytest.approx(8.0)
    assert found.title == "T"
