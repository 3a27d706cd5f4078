"""Scales against their closed forms."""

import numpy as np
import pytest

from residuum.data.observations import Experiment, Noise
from residuum.data.scaling import scales_of


def experiment(x: list[float], held_out: list[bool] | None = None) -> Experiment:
    t = np.arange(len(x), dtype=float)
    mask = np.zeros(len(x), bool) if held_out is None else np.array(held_out)
    return Experiment("e", t, {"x": np.array(x)}, {"u": np.full(len(x), 2.0)}, mask)


def test_rms_and_geometric_mean_of_the_training_samples() -> None:
    given = [experiment([3.0, 4.0, np.nan, 100.0], [False, False, False, True])]
    assert scales_of(given, Noise()).states["x"] == pytest.approx(np.sqrt(12.5))
    assert scales_of(given, Noise("lognormal")).states["x"] == pytest.approx(np.sqrt(12.0))
    assert scales_of(given, Noise()).inputs["u"] == pytest.approx(2.0)
    assert scales_of(given, Noise()).time == 2.0


def test_time_is_the_longest_span_of_ragged_experiments() -> None:
    assert scales_of([experiment([1.0, 2.0]), experiment([1.0] * 9)], Noise()).time == 8.0


@pytest.mark.parametrize("factor", [1e-200, 1e-3, 1e200])
@pytest.mark.parametrize("kind", ["gaussian", "relative", "lognormal"])
def test_scales_follow_the_units(factor: float, kind: str) -> None:
    x = [1.0, 2.0, 5.0]
    noise = Noise(kind)  # type: ignore[arg-type]
    one, other = (
        scales_of([experiment(x)], noise),
        scales_of([experiment([factor * v for v in x])], noise),
    )
    assert other.states["x"] == pytest.approx(factor * one.states["x"], rel=1e-12)


def test_a_state_that_is_zero_has_scale_one() -> None:
    assert scales_of([experiment([0.0, 0.0])], Noise()).states["x"] == 1.0


def test_vectors_have_one_scale_for_all_bodies_and_axes() -> None:
    x = np.array([[[3.0, 4.0], [0.0, np.nan]], [[1.0, 2.0], [np.nan, np.nan]]])
    given = Experiment(
        "e", np.arange(2.0), {"position": x, "position_tt": 2 * x},
        bodies=("a", "b"), scalars={"mass": [3.0, np.nan]},
    )  # fmt: skip
    other = Experiment(
        "f", np.arange(2.0), {"position": np.ones((2, 3, 2)), "position_tt": np.ones((2, 3, 2))},
        bodies=("a", "b", "c"), scalars={"mass": [4.0, 0.0, np.nan]},
    )  # fmt: skip
    found = scales_of([given, other], Noise())
    assert found.states["position"] == pytest.approx(np.sqrt((9 + 16 + 1 + 4 + 12) / 17))
    assert found.states["position_tt"] == pytest.approx(np.sqrt((4 * 30 + 12) / 17))
    assert found.scalars["mass"] == pytest.approx(np.sqrt(25 / 3))
