"""The tree of experiments and its views."""

import numpy as np
import pytest

from residuum.data.labels import experiment_names, numbered
from residuum.data.observations import Experiment, Noise, Observations


def two_experiments() -> list[Experiment]:
    t = np.array([0.0, 0.5, 2.0, 3.0])
    first = Experiment(
        "a", t, {"x": [1.0, np.nan, 3.0, 4.0]}, {"u": [0.0, np.nan, 4.0, 6.0]},
        np.array([False, False, False, True]),
    )  # fmt: skip
    second = Experiment("b", t[:3], {"x": [5.0, 6.0, 7.0]}, {"u": [1.0, 1.0, 1.0]})
    return [first, second]


def test_the_tree_has_a_child_per_experiment_with_roles_and_units() -> None:
    observations = Observations.of(
        two_experiments(), noise=Noise("relative", 0.1), units={"t": "s", "x": "m"}, title="T"
    )
    child = observations.tree["a"]
    assert list(observations.tree.children) == ["a", "b"]
    assert child["x"].dims == ("t",)
    assert child["x"].attrs == {"role": "state", "units": "m"}
    assert child["u"].attrs == {"role": "input"}
    assert child["held_out"].attrs["role"] == "mask"
    assert observations.units == {"t": "s", "x": "m"}
    assert observations.title == "T"
    assert observations.noise == Noise("relative", 0.1)
    assert observations.states == ("x",)
    assert observations.inputs == ("u",)


def test_ragged_experiments_come_back_as_they_went_in() -> None:
    given = two_experiments()
    for before, after in zip(given, Observations.of(given).experiments, strict=True):
        assert before.name == after.name
        np.testing.assert_array_equal(before.t, after.t)
        np.testing.assert_array_equal(before.states["x"], after.states["x"])
        np.testing.assert_array_equal(before.inputs["u"], after.inputs["u"])
        np.testing.assert_array_equal(before.held_out, after.held_out)


def test_training_and_held_out_parts_divide_the_samples() -> None:
    observations = Observations.of(two_experiments())
    first = observations.experiments[0]
    np.testing.assert_array_equal(first.training().t, [0.0, 0.5, 2.0])
    np.testing.assert_array_equal(first.held_out_part().t, [3.0])
    assert [e.name for e in observations.training] == ["a", "b"]
    assert [e.name for e in observations.held_out] == ["a"]


def test_an_input_is_linear_between_known_samples_and_constant_beyond() -> None:
    first = two_experiments()[0]
    np.testing.assert_allclose(
        first.input_at("u", np.array([-1.0, 0.5, 1.0, 2.5, 9.0])), [0.0, 1.0, 2.0, 5.0, 6.0]
    )


def test_wrong_lengths_and_repeated_names_are_refused() -> None:
    with pytest.raises(ValueError, match="expected shape"):
        Experiment("a", np.arange(3.0), {"x": np.arange(2.0)})
    one = two_experiments()[0]
    with pytest.raises(ValueError, match="different name"):
        Observations.of([one, one])


def test_labels_become_safe_and_different_names() -> None:
    assert experiment_names(["../etc", "a b", "a/b", 3, 4.0, 2.5, "é"]) == (
        "etc", "a_b", "a_b_2", "3", "4", "2_5", "experiment",
    )  # fmt: skip
    assert numbered(2) == ("experiment_000", "experiment_001")


def bodies(count: int = 3, axes: int = 2, name: str = "a") -> Experiment:
    x = np.arange(4.0 * count * axes).reshape(4, count, axes)
    return Experiment(
        name, np.arange(4.0), {"position": x, "position_t": -x}, {"u": np.ones(4)},
        bodies=tuple("abcdef"[:count]), scalars={"mass": np.arange(1.0, count + 1)},
    )  # fmt: skip


def test_bodies_have_dimensions_names_and_roles() -> None:
    given = [bodies(), bodies(2, name="b")]
    observations = Observations.of(given, units={"mass": "kg", "position": "m"})
    child = observations.tree["a"]
    assert child["position"].dims == ("t", "body", "axis")
    assert child["position"].attrs == {"role": "state", "units": "m"}
    assert child["mass"].dims == ("body",)
    assert child["mass"].attrs == {"role": "scalar", "units": "kg"}
    assert list(child["body"].values) == ["a", "b", "c"]
    assert observations.of_bodies
    assert not Observations.of(two_experiments()).of_bodies
    assert (observations.states, observations.scalars) == (("position", "position_t"), ("mass",))
    for before, after in zip(given, observations.experiments, strict=True):
        assert (before.bodies, before.axes) == (after.bodies, after.axes)
        for name in before.states:
            np.testing.assert_array_equal(before.states[name], after.states[name])
        np.testing.assert_array_equal(before.scalars["mass"], after.scalars["mass"])


def test_parts_of_an_experiment_keep_its_bodies() -> None:
    whole = bodies()
    part = whole.take(np.array([0, 3]))
    assert part.states["position"].shape == (2, 3, 2)
    assert (part.bodies, part.scalars) == (whole.bodies, whole.scalars)
    assert (whole.axes, two_experiments()[0].axes) == (2, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"states": {"x": np.zeros((4, 2, 2))}},
        {"states": {"x": np.zeros((4, 3, 2)), "y": np.zeros((4, 3, 1))}},
        {"states": {"x": np.zeros(4)}},
        {"scalars": {"m": np.ones(2)}},
        {"scalars": {"m": np.ones((4, 3))}},
        {"bodies": ("a", "a", "b")},
        {"bodies": ()},
    ],
)
def test_shapes_of_bodies_are_checked(change: dict[str, object]) -> None:
    given = {"states": {"x": np.zeros((4, 3, 2))}, "bodies": ("a", "b", "c"), **change}
    with pytest.raises(ValueError, match=r"expected (shape|a different name)"):
        Experiment("e", np.arange(4.0), **given)  # type: ignore[arg-type]
