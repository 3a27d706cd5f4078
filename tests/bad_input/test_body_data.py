"""Data of bodies that are wrong: each is one message with file, body, time and experiment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from residuum.config import load_campaign
from residuum.data.body_checks import check_bodies, check_divisors
from residuum.data.body_files import BodyLayout, read_bodies
from residuum.data.observations import Experiment
from residuum.data.prepare import prepare
from residuum.data.settings import DataSettings, Noise
from residuum.data.swaps import check_swaps, find_swap
from residuum.errors import UserError

TABLE = BodyLayout("t", {"position": ("x", "y")}, {"u": "u"}, {"mass": "m"}, body="who")
ROWS = """\
t,who,x,y,m,u
0,a,0,0,1,5
0,b,1,1,2,5
1,a,0.1,0,1,6
1,b,1.1,1,2,6
2,a,0.2,0,1,7
2,b,1.2,1,2,7
"""
X = np.cumsum(np.random.default_rng(0).normal(size=(6, 3, 2)), axis=0)
ARRAYS = BodyLayout("t", {"position": "x"}, scalars={"mass": "m"})


def refused(path: Path, *parts: str, layout: BodyLayout = TABLE) -> None:
    with pytest.raises(UserError) as caught:
        read_bodies(path, layout)
    for part in (str(path), *parts):
        assert part in str(caught.value), str(caught.value)


def experiment(x: np.ndarray = X, name: str = "e", **given: object) -> Experiment:
    bodies = tuple("abcdef"[: x.shape[1]])
    given.setdefault("states", {"position": x})
    return Experiment(name, np.arange(float(len(x))), bodies=bodies, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("1,b,1.1,1,2,6", "1,b,1.1,1,3,6", ["m, row 4", "two values for body b", "expected 2"]),
        ("1,b,1.1,1,2,6", "1,b,1.1,1,2,8", ["u, row 4", "two values for t = 1", "found 8"]),
        ("1,b,", "0,b,", ["t, row 4 (b,", "appears twice at one time", "also in row 2"]),
        ("1,b,", "-1,b,", ["t, row 4 (b,", "not sorted", "-1 after 0"]),
        ("1,b,", ",b,", ["t, row 4 (b,", "missing time"]),
        ("1,b,", "1,,", ["who, row 4", "missing label of a body"]),
        ("1,b,1.1,1", "1,b,0.1,0", ["t = 1 (experiment_000)", "a and b have the same position"]),
        ("1,b,1.1", "1,b,one", ["x, row 4", "text in a column"]),
        ("1,b,1.1", "1,b,inf", ["x, row 4", "infinite"]),
        (",who,", ",whom,", ["unknown column 'who'", "did you mean 'whom'"]),
    ],
)
def test_rows_that_contradict_others(tmp_path: Path, old: str, new: str, parts: list[str]) -> None:
    path = tmp_path / "table.csv"
    path.write_text(ROWS.replace(old, new, 1))
    refused(path, *parts)


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        (["0,a,0,0,1,5", "1,a,1,0,1,5", "2,a,2,0,1,5"], ["one body only", "found a"]),
        (["0,a,0,0,1,5", "0,b,1,0,1,5", "1,a,1,0,1,5", "1,b,2,0,1,5"], ["too few samples"]),
        (["0,a,0,0,1,5", "1,a,1,0,1,5", "2,b,2,0,1,5"], ["no two bodies are measured"]),
        (
            [f"{t},{b},{x},0,1,5" for t in range(3) for b, x in (("a", t), ("b", ""))],
            ["b has no values at any time"],
        ),
    ],
)
def test_too_little_is_measured(tmp_path: Path, rows: list[str], parts: list[str]) -> None:
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["t,who,x,y,m,u", *rows]) + "\n")
    refused(path, *parts)


def test_blank_scalars_are_unknown_and_missing_rows_allowed(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(ROWS.replace(",1,2,", ",1,,").replace("1,a,0.1,0,1,6\n", ""))
    (found,) = read_bodies(path, TABLE)
    np.testing.assert_array_equal(found.scalars["mass"], [1.0, np.nan])
    assert np.isnan(found.states["position"][1, 0]).all()


def test_a_table_needs_a_column_of_bodies(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(ROWS)
    layout = replace(TABLE, body=None)
    refused(path, "no column tells bodies apart", "body: COLUMN", layout=layout)


@pytest.mark.parametrize(
    ("arrays", "parts"),
    [
        ({"x": X[..., 0]}, [": x", "wrong shape", "position: [x]", "(6, 3)"]),
        ({"x": X[0, 0]}, ["no column tells bodies apart"]),
        ({"x": X[None, None]}, ["wrong shape", "(experiment, time, body, axis)"]),
        ({"t": np.arange(5.0)}, [": t", "wrong shape", "expected (6,) or (1, 6)", "(5,)"]),
        ({"m": np.ones(2)}, [": m", "expected (3,) or (1, 3)", "found (2,)"]),
        ({"t": np.zeros(6)}, ["duplicate time"]),
        ({"x": X[:, :1], "m": np.ones(1)}, ["one body only", "found body_0"]),
        ({"x": X[:0], "t": np.zeros(0)}, [": x", "no samples"]),
        ({"x": np.where(np.arange(3)[:, None] == 2, np.nan, X)}, ["body_2 has no values"]),
        ({"x": np.repeat(X[:, :1], 3, axis=1)}, ["body_0 and body_1 have the same"]),
    ],
)
def test_arrays_that_do_not_fit(
    tmp_path: Path, arrays: dict[str, np.ndarray], parts: list[str]
) -> None:
    path = tmp_path / "arrays.npz"
    layout = ARRAYS
    if arrays.get("x", X).ndim == 1:
        arrays = {"x": np.arange(6.0), "m": np.ones(6)}
    np.savez(path, **{"t": np.arange(6.0), "x": X, "m": np.ones(3), **arrays})
    refused(path, *parts, layout=layout)


def test_labels_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    np.savez(path, t=np.arange(6.0), x=X, who=np.array(["a", "b", "a"]), run=np.array(["r", "s"]))
    layout = BodyLayout("t", {"position": "x"}, body="who")
    refused(path, ": who", "'a' appears twice", layout=layout)
    refused(path, "number of labels", layout=replace(layout, body=None, experiment="run"))


def test_states_of_different_shape(tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    np.savez(path, t=np.arange(6.0), x=X, v=X[..., :1], x1=X[..., 0], x2=X[:, :2, 1])
    layout = BodyLayout("t", {"position": "x", "position_t": "v"})
    refused(path, ": v", "wrong shape", "(1, 6, 3, 2)", "(1, 6, 3, 1)", layout=layout)
    refused(path, ": x2", "wrong shape", layout=BodyLayout("t", {"position": ("x1", "x2")}))


@pytest.mark.parametrize(
    ("dims", "parts"),
    [
        (("frame", "particle", "axis"), [": x", "frame, particle, axis", "rename the dimensions"]),
        (("time", "body", "body2"), ["dimensions cannot be told", "time, body, axis"]),
        (("experiment", "body", "axis"), ["dimensions cannot be told"]),
        (("time", "axis"), ["dimensions cannot be told"]),
    ],
)
def test_dimensions_that_cannot_be_told(
    tmp_path: Path, dims: tuple[str, ...], parts: list[str]
) -> None:
    path = tmp_path / "d.nc"
    x = X if len(dims) == 3 else X[:, 0]
    data = xr.Dataset({"x": (dims, x), "t": ("time", np.arange(6.0)), "m": ("body", np.ones(3))})
    data.to_netcdf(path, engine="h5netcdf")
    refused(path, *parts, layout=ARRAYS)


def test_scalars_that_change_in_time_in_netcdf(tmp_path: Path) -> None:
    path = tmp_path / "d.nc"
    variables = {"x": (("time", "body", "axis"), X), "t": ("time", np.arange(6.0))}
    variables["m"] = (("time", "body"), np.ones((6, 3)))
    xr.Dataset(variables).to_netcdf(path, engine="h5netcdf")
    refused(path, ": m", "dimensions cannot be told", "expected body", layout=ARRAYS)
    refused(path, "unknown column 'who'", layout=replace(ARRAYS, scalars={}, body="who"))


def test_labels_that_are_exchanged() -> None:
    x = np.cumsum(0.01 * np.random.default_rng(1).normal(size=(20, 4, 2)), axis=0)
    x += np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0], [3.0, 3.0]])
    assert find_swap(x) is None
    swapped = x.copy()
    swapped[7:, [1, 3]] = x[7:, [3, 1]]
    assert find_swap(swapped) == (7, 1, 3)
    swapped[3, 0] = np.nan
    with pytest.raises(UserError) as caught:
        check_swaps("file", [experiment(x, "first"), experiment(swapped, "second")])
    for part in (
        "file: position, t = 7 (second)",
        "b and d exchange their labels",
        "b where d was",
    ):
        assert part in str(caught.value)


def test_what_bodies_do_is_no_exchange_of_labels() -> None:
    t = np.linspace(0.0, 20.0, 200)[:, None]
    orbit = np.stack([np.concatenate([np.cos(t), np.sin(t)], 1)] * 2, axis=1)
    orbit[:, 1] *= -1
    assert find_swap(orbit) is None  # half a turn exchanges places, but slowly
    jump = X.copy()
    jump[3:, 0] += 1e3
    assert find_swap(jump) is None  # one body jumps alone
    assert find_swap(np.full((3, 2, 2), np.nan)) is None
    assert find_swap(X[:1]) is None


def test_experiments_that_differ() -> None:
    mass = {"mass": np.ones(3)}
    first = experiment(scalars=mass)
    for other, message in (
        (experiment(X[..., :1], "f", scalars=mass), "another number of axes than in e.*2; found 1"),
        (experiment(name="f"), "other scalars of bodies than in e; expected mass; found none"),
        (experiment(name="f", scalars=mass | {"q": np.ones(3)}), "expected mass; found mass, q"),
        (experiment(name="f", states={"speed": X}, scalars=mass), "other states than in e"),
    ):
        with pytest.raises(UserError, match=message):
            check_bodies("file", [first, other])
    check_bodies("file", [first, experiment(X[:, :2], "f", scalars={"mass": np.ones(2)})])


def test_few_times_need_the_left_hand_sides() -> None:
    both = {"position": X[:2], "position_t": X[:2]}
    with pytest.raises(UserError, match=r"too few samples.*or measured position_tt; found 2"):
        check_bodies("file", [experiment(X[:2], states=both)])
    check_bodies("file", [experiment(X[:2], states=both)], ["position_t"])
    check_bodies("file", [experiment(X[:2], states=both | {"position_tt": X[:2]})])


def test_divisors_of_zero() -> None:
    masses = experiment(scalars={"mass": [1.0, 0.0, np.nan], "charge": [0.0, 1.0, 1.0]})
    check_divisors([masses], [])
    check_divisors([masses], ["spin"])
    with pytest.raises(UserError, match=r"file: mass of b \(e\): mass is 0, but the equations"):
        check_divisors([masses], ["mass"], "file")


def test_lognormal_noise_and_reserved_names(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(ROWS)
    data = DataSettings(file="table.csv", states={"position": ("x", "y")}, body="who")
    with pytest.raises(UserError, match="lognormal noise of vectors"):
        prepare(replace(data, noise=Noise("lognormal")), tmp_path, dataset="d")
    with pytest.raises(UserError, match="'body' is a reserved name"):
        prepare(replace(data, scalars={"body": "m"}), tmp_path, dataset="d")
    with pytest.raises(UserError, match=r"units: unknown name 'mas'.*did you mean 'mass'"):
        prepare(replace(data, scalars={"mass": "m"}, units={"mas": "kg"}), tmp_path, dataset="d")


GOOD = """\
datasets:
  d:
    data:
      simulate:
        equations: {position_tt: sum(mass_j*(position_j - position_i))}
        bodies: {count: 2, position: {normal: 1.0}, position_t: 0, scalars: {mass: MASS}}
        times: {stop: 1, points: 5}
    equations: {position_tt: "sum(force(position_j - position_i, mass_j))"}
""".replace("MASS", "{uniform: [1, 2]}")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("count: 2", "count: 1", "simulate.bodies.count: expected 2 to 1000 bodies"),
        ("count: 2", "cuont: 2", "unknown key 'cuont'"),
        ("count: 2", "count: 2.5", "simulate.bodies.count"),
        ("normal:", "norml:", "unknown key 'norml'"),
        ("position: {n", "positoin: {n", "unknown key 'positoin'"),
        ("uniform: [1, 2]", "uniform: [2, 1]", "lowest, highest"),
        ("uniform: [1, 2]", "uniform: [2]", "scalars.mass.uniform: too few values"),
        (
            "        bodies",
            "        initial: {position: 1}\n        bodies",
            "either initial or bod",
        ),
        ("points: 5", "points: 2", "points: expected 3 to"),
    ],
)
def test_settings_of_bodies(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    path = tmp_path / "campaign.yaml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        load_campaign(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"states": {"x": ("a", "b"), "y": ("c",)}}, r"as many columns for every state"),
        ({"states": {"x": ()}}, r"as many columns"),
        ({"states": {"x": "x"}, "scalars": {"x": "m"}}, "a state, an input or a scalar"),
    ],
)
def test_columns_that_do_not_fit(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataSettings(file="d.csv", body="who", **given)  # type: ignore[arg-type]
