"""Every format gives the same experiments of bodies; padding, missing rows, named dimensions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import xarray as xr

from residuum.data.body_files import BodyLayout, read_bodies
from residuum.data.observations import Experiment, Observations
from residuum.data.prepare import prepare
from residuum.data.settings import DataSettings

T = np.array([0.0, 0.5, 2.0, 3.0])
RNG = np.random.default_rng(0)
X, V = RNG.normal(size=(2, 4, 3, 2)), RNG.normal(size=(2, 4, 3, 2))
X[1, 2, 0], V[1, 2, 0] = np.nan, np.nan
MASS = np.array([[1.0, 2.0, np.nan], [4.0, 5.0, 6.0]])
FORCE = np.array([0.0, 1.0, -1.0, 2.0])
ARRAYS = {"t": T, "x": X, "v": V, "m": MASS, "u": FORCE, "who": np.array(["a", "b", "c"])}
DIMS = {
    "t": ("time",), "x": ("experiment", "time", "body", "axis"), "u": ("time",),
    "v": ("experiment", "time", "body", "axis"), "m": ("experiment", "body"), "who": ("body",),
}  # fmt: skip
STATES = {"position": "x", "position_t": "v"}
LAYOUT = BodyLayout("t", STATES, {"u": "u"}, {"mass": "m"}, body="who")
LONG = replace(
    LAYOUT,
    states={"position": ("x1", "x2"), "position_t": ("v1", "v2")},
    experiment="run",
)


def long_table() -> pd.DataFrame:
    """The arrays as rows; the missing body has none."""
    rows = [
        {"run": f"experiment_00{e}", "t": T[k], "who": "abc"[b], "u": FORCE[k], "m": MASS[e, b]}
        | {"x1": X[e, k, b, 0], "x2": X[e, k, b, 1], "v1": V[e, k, b, 0], "v2": V[e, k, b, 1]}
        for e, k, b in np.ndindex(2, 4, 3)
    ]
    table = pd.DataFrame(rows)
    return table[table.x1.notna()]


def write_mat73(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for name in ("t", "x", "v", "m", "u"):
            file[name] = np.atleast_2d(ARRAYS[name]).T


WRITERS: dict[str, tuple[BodyLayout, Callable[[Path], object]]] = {
    ".csv": (LONG, lambda p: long_table().to_csv(p, index=False)),
    ".tsv": (LONG, lambda p: long_table().to_csv(p, index=False, sep="\t")),
    ".parquet": (LONG, lambda p: long_table().to_parquet(p)),
    ".npz": (LAYOUT, lambda p: np.savez(p, **ARRAYS)),
    ".mat": (replace(LAYOUT, body=None), lambda p: scipy.io.savemat(p, {**ARRAYS, "who": 0})),
    "7.mat": (replace(LAYOUT, body=None), write_mat73),
    ".nc": (LAYOUT, lambda p: netcdf(p)),
}


def netcdf(path: Path, **dims: tuple[str, ...]) -> None:
    data = xr.Dataset({name: (DIMS[name], values) for name, values in ARRAYS.items()})
    for name, order in dims.items():
        data[name] = data[name].transpose(*order)
    data.to_netcdf(path, engine="h5netcdf")


def check(found: tuple[Experiment, ...], *, named: bool = True) -> None:
    assert [e.name for e in found] == ["experiment_000", "experiment_001"]
    for e, x, v, mass in zip(found, X, V, MASS, strict=True):
        assert e.bodies == (("a", "b", "c") if named else ("body_0", "body_1", "body_2"))
        np.testing.assert_array_equal(e.t, T)
        np.testing.assert_array_equal(e.states["position"], x)
        np.testing.assert_array_equal(e.states["position_t"], v)
        np.testing.assert_array_equal(e.scalars["mass"], mass)
        np.testing.assert_array_equal(e.inputs["u"], FORCE)


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_format_gives_the_same_experiments(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bodies{suffix}"
    layout, write = WRITERS[suffix]
    write(path)
    check(read_bodies(path, layout), named="mat" not in suffix)


def test_prepared_observations_are_the_same(tmp_path: Path) -> None:
    trees = []
    for suffix in (".csv", ".npz", ".nc"):
        layout, write = WRITERS[suffix]
        write(tmp_path / f"d{suffix}")
        data = DataSettings(
            file=f"d{suffix}", states=layout.states, inputs=layout.inputs, scalars=layout.scalars,
            body="who", experiment=layout.experiment, units={"t": "s", "position": "m"},
        )  # fmt: skip
        trees.append(prepare(data, tmp_path, dataset="d"))
    assert trees[0].of_bodies
    assert trees[0].units == {"t": "s", "position": "m"}
    for other in trees[1:]:
        assert other.tree.identical(trees[0].tree)


def test_rows_may_stand_body_by_body(tmp_path: Path) -> None:
    long_table().sort_values(["run", "who", "t"]).to_csv(tmp_path / "d.csv", index=False)
    check(read_bodies(tmp_path / "d.csv", LONG))


def test_long_arrays_are_tables_too(tmp_path: Path) -> None:
    table = long_table()
    np.savez(tmp_path / "d.npz", **{name: table[name].to_numpy(dtype=None) for name in table
                                    if name not in ("who", "run")},
             who=table.who.to_numpy(dtype="U1"), run=table.run.to_numpy(dtype="U20"))  # fmt: skip
    check(read_bodies(tmp_path / "d.npz", LONG))
    xr.Dataset({name: ("row", table[name].to_numpy()) for name in table}).to_netcdf(
        tmp_path / "d.nc", engine="h5netcdf"
    )
    check(read_bodies(tmp_path / "d.nc", LONG))


def test_named_dimensions_may_stand_in_any_order(tmp_path: Path) -> None:
    netcdf(
        tmp_path / "d.nc",
        x=("axis", "body", "time", "experiment"),
        v=("body", "experiment", "axis", "time"),
        m=("body", "experiment"),
    )
    check(read_bodies(tmp_path / "d.nc", LAYOUT))


def test_other_names_of_dimensions_are_told_by_the_settings(tmp_path: Path) -> None:
    names = {"experiment": "run", "time": "frame", "body": "particle", "m": "m"}
    data = xr.Dataset({name: (DIMS[name], values) for name, values in ARRAYS.items()})
    data = data.rename_dims({k: v for k, v in names.items() if k in data.dims})
    data.drop_vars("who").to_netcdf(tmp_path / "d.nc", engine="h5netcdf")
    found = read_bodies(tmp_path / "d.nc", replace(LAYOUT, body="particle", experiment="run"))
    check(found, named=False)


def test_a_column_for_each_axis_serves_arrays_too(tmp_path: Path) -> None:
    columns = {f"{name}{d + 1}": values[..., d] for name, values in (("x", X), ("v", V))
               for d in range(2)}  # fmt: skip
    np.savez(tmp_path / "d.npz", t=np.tile(T, (2, 1)), m=MASS, u=FORCE, **columns)
    check(read_bodies(tmp_path / "d.npz", replace(LONG, experiment=None, body=None)), named=False)


def test_one_experiment_needs_no_dimension_for_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", t=T, x=X[0])
    (found,) = read_bodies(tmp_path / "d.npz", BodyLayout("t", {"position": "x"}))
    np.testing.assert_array_equal(found.states["position"], X[0])


def test_tails_of_missing_times_and_bodies_pad_experiments(tmp_path: Path) -> None:
    x, t, m = X.copy(), np.tile(T, (2, 1)), MASS.copy()
    x[0, 3], t[0, 3] = np.nan, np.nan
    x[0, :, 2], m[0, 2] = np.nan, np.nan
    np.savez(tmp_path / "d.npz", t=t, x=x, m=m)
    layout = BodyLayout("t", {"position": "x"}, scalars={"mass": "m"})
    first, second = read_bodies(tmp_path / "d.npz", layout)
    assert first.states["position"].shape == (3, 2, 2)
    assert first.bodies == ("body_0", "body_1")
    np.testing.assert_array_equal(first.scalars["mass"], [1.0, 2.0])
    assert second.states["position"].shape == (4, 3, 2)
    found = Observations.of([first, second]).experiments
    assert [e.states["position"].shape for e in found] == [(3, 2, 2), (4, 3, 2)]


def test_snapshots_with_accelerations(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", t=np.zeros(2), x=X[:, :1], a=V[:, :1])
    layout = BodyLayout("t", {"position": "x", "position_tt": "a"})
    found = read_bodies(tmp_path / "d.npz", layout, ["position_tt"])
    assert [e.states["position_tt"].shape for e in found] == [(1, 3, 2), (1, 3, 2)]


def test_a_vector_without_one_of_its_axes_is_missing(tmp_path: Path) -> None:
    x = X[0].copy()
    x[1, 1, 0] = np.nan
    np.savez(tmp_path / "d.npz", t=T, x=x)
    (found,) = read_bodies(tmp_path / "d.npz", BodyLayout("t", {"position": "x"}))
    assert np.isnan(found.states["position"][1, 1]).all()
    assert np.isfinite(found.states["position"][1, [0, 2]]).all()
