"""Results come back as they were written, and torn ones are refused."""

from pathlib import Path

import numpy as np
import pytest

from residuum.data.observations import Experiment, Noise, Observations
from residuum.distillers.front import Candidate, Front
from residuum.errors import UserError
from residuum.expressions.parser import parse
from residuum.files import read_json, write_json
from residuum.hidden.samples import Extraction, HiddenSamples, Structure, Trajectory
from residuum.io.extraction import read_extraction, write_extraction
from residuum.io.fronts import FRONT, read_fronts, write_fronts
from residuum.io.observations import read_observations, write_observations
from residuum.io.surrogate import read_surrogate, write_surrogate
from residuum.io.trees import manifest


def observations() -> Observations:
    t = np.array([0.0, 0.25, 1.0, 2.0])
    one = Experiment("b", t, {"x": [1.0, np.nan, 3.0, 1 / 3]}, {"u": t}, t > 1.5)
    two = Experiment("a", t[:3] / 3, {"x": [5e-310, -1e300, 0.0]}, {"u": t[:3]})
    noise = Noise("gaussian", {"x": 0.1})
    return Observations.of([one, two], noise=noise, units={"t": "d", "x": "m s-1"}, title="é <b>")


def extraction() -> Extraction:
    rng = np.random.default_rng(0)
    samples = {
        name: HiddenSamples(
            term=name,
            arguments=arguments,
            X=rng.normal(size=(5, len(arguments))),
            values=rng.normal(size=5),
            covariance=np.eye(5) / 3,
            t=np.arange(5.0),
            experiment=np.array([0, 0, 0, 1, 1]),
            alive=(True, False)[: len(arguments)],
            units=("m", None)[: len(arguments)],
            unit="m s-1",
        )
        for name, arguments in (("trajectories", ("x", "t")), ("f", ("y",)))
    }
    return Extraction(
        samples=samples,
        trajectories={"e1": Trajectory(np.arange(3.0), {"x": np.ones(3), "x_t": np.zeros(3)})},
        parameters={"k": (0.1, 0.2)},
        noise={"x": 0.3},
        structure=Structure({"f": {"y": True}}, {"f": 1}, {"f": {"y": 0.7}}),
    )


def assert_same(a: object, b: object) -> None:
    """Compare results field by field, arrays exactly."""
    if isinstance(a, np.ndarray):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype  # type: ignore[attr-defined]
    elif isinstance(a, dict):
        assert list(a) == list(b)  # type: ignore[call-overload]
        for key in a:
            assert_same(a[key], b[key])  # type: ignore[index]
    elif hasattr(a, "__dataclass_fields__"):
        for name in a.__dataclass_fields__:
            assert_same(getattr(a, name), getattr(b, name))
    else:
        assert a == b


def test_observations_come_back(tmp_path: Path) -> None:
    path = tmp_path / "observations.nc"
    given = observations()
    write_observations(path, given)
    found = read_observations(path)
    assert found.tree.identical(given.tree)
    assert_same(found.experiments[0], given.experiments[0])
    assert (found.noise, found.scales, found.units) == (given.noise, given.scales, given.units)
    assert found.experiments[0].held_out.dtype == bool


def test_observations_of_bodies_come_back(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(4, 3, 2))
    x[1, 2] = np.nan
    t = np.arange(4.0)
    given = Observations.of(
        [
            Experiment(
                "b", t, {"position": x, "position_tt": -x}, {"u": t}, t > 2.5,
                ("Sun", "Erde", "Mond ☾"), {"mass": [1.0, np.nan, 0.1]},
            ),
            Experiment(
                "a", t[:1], {"position": x[:1, :2], "position_tt": x[:1, :2]}, {"u": t[:1]},
                bodies=("x", "y"), scalars={"mass": [1e-300, -2.0]},
            ),
        ],
        units={"t": "s", "position": "m", "mass": "kg"},
    )  # fmt: skip
    write_observations(tmp_path / "observations.nc", given)
    found = read_observations(tmp_path / "observations.nc")
    assert found.tree.identical(given.tree)
    for before, after in zip(given.experiments, found.experiments, strict=True):
        assert_same(before, after)
    assert (found.scales, found.units) == (given.scales, given.units)
    assert found.units == {"t": "s", "position": "m", "mass": "kg"}


def test_extractions_come_back(tmp_path: Path) -> None:
    given = extraction()
    write_extraction(tmp_path / "hidden.nc", tmp_path / "structure.json", given)
    assert_same(given, read_extraction(tmp_path / "hidden.nc", tmp_path / "structure.json"))


def test_surrogates_come_back(tmp_path: Path) -> None:
    arrays = {"w": np.arange(6.0).reshape(2, 3).T, "mask": np.array([True]), "n": np.array(3)}
    paths = tmp_path / "surrogate.safetensors", tmp_path / "surrogate.json"
    write_surrogate(*paths, arrays, {"heads": ["spline"], "noise": {"x": 0.1}})
    found, content = read_surrogate(*paths)
    assert_same(dict(sorted(arrays.items())), dict(sorted(found.items())))
    assert content == {"heads": ["spline"], "noise": {"x": 0.1}}


def test_a_surrogate_of_another_run_is_refused(tmp_path: Path) -> None:
    paths = tmp_path / "surrogate.safetensors", tmp_path / "surrogate.json"
    write_surrogate(*paths, {"w": np.zeros(2)}, {})
    before = paths[0].read_bytes()
    write_surrogate(*paths, {"w": np.ones(2)}, {})
    paths[0].write_bytes(before)
    with pytest.raises(UserError, match="does not belong to"):
        read_surrogate(*paths)


def fronts() -> dict[str, Front]:
    good = Candidate("f", parse("0.1*x*y - x**2"), 1.5, 2.5, "sindy", frequency=0.9)
    failed = Candidate("f", parse("log(x)"), float("nan"), 1.0, "sindy", status="NaN at row 3")
    return {"f": Front("f", (good, failed), 10), "g": Front("g", ())}


def test_fronts_come_back(tmp_path: Path) -> None:
    path = tmp_path / "front.json"
    write_fronts(path, fronts())
    found = read_fronts(path)
    assert found["f"].candidates[0] == fronts()["f"].candidates[0]
    assert np.isnan(found["f"].candidates[1].loss)
    assert found["f"].library_size == 10
    assert found["g"] == fronts()["g"]
    assert set(read_json(path, FRONT)["terms"]["f"]) >= {"library_size", "candidates"}


def test_a_front_that_no_stage_wrote_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "front.json"
    for terms in ({"f": {}}, {"f": {"candidates": [{"tokens": ["x", "y"]}]}}, 3):
        write_json(path, {"terms": terms}, FRONT)
        with pytest.raises(UserError, match="holds what no stage wrote"):
            read_fronts(path)


@pytest.mark.parametrize("damage", ["torn", "edited", "no manifest", "old manifest", "schema"])
def test_damaged_netcdf_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "observations.nc"
    write_observations(path, observations())
    content = path.read_bytes()
    if damage == "torn":
        path.write_bytes(content[:-100])
    elif damage == "edited":
        path.write_bytes(content.replace(b"held_out", b"held_in_"))
    elif damage == "no manifest":
        manifest(path).unlink()
    elif damage == "old manifest":
        manifest(path).write_text("")
    else:
        write_extraction(path, tmp_path / "structure.json", extraction())
    with pytest.raises(UserError, match=r"observations\.nc: (does not match|has no mani|another)"):
        read_observations(path)


def test_writing_leaves_no_other_files(tmp_path: Path) -> None:
    write_observations(tmp_path / "observations.nc", observations())
    write_observations(tmp_path / "observations.nc", observations())
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["observations.nc", "observations.nc.sha256"]
