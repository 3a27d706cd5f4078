"""Every importer reads the same table; experiments, ragged rows and missing samples."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import xarray as xr

from residuum.data.experiments import Layout, read_table
from residuum.data.importers import READERS

T = np.array([0.0, 0.1, 0.25, 0.7])
X = np.array([1.0, np.nan, 3.0, 1 / 3])
Y = np.array([-1e-300, 2e300, 0.0, 5.0])
TABLE = {"t": T, "x": X, "y": Y}


def write_netcdf(path: Path, arrays: dict[str, np.ndarray]) -> None:
    variables = {k: (("run", "t") if v.ndim == 2 else "t", v) for k, v in arrays.items()}
    xr.Dataset(variables).to_netcdf(path, engine="h5netcdf")


def write_mat73(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = np.atleast_2d(values).T


Writer = Callable[[Path, dict[str, np.ndarray]], object]
WRITERS: dict[str, Writer] = {
    ".csv": lambda p, a: pd.DataFrame(a).to_csv(p, index=False),
    ".tsv": lambda p, a: pd.DataFrame(a).to_csv(p, index=False, sep="\t"),
    ".parquet": lambda p, a: pd.DataFrame(a).to_parquet(p),
    ".nc": write_netcdf,
    ".mat": lambda p, a: scipy.io.savemat(p, a),
    ".npz": lambda p, a: np.savez(p, **a),
}
ARRAYS: dict[str, Writer] = {
    ".nc": write_netcdf,
    ".mat": WRITERS[".mat"],
    "7.mat": write_mat73,
    ".npz": WRITERS[".npz"],
}


def test_every_importer_is_tested() -> None:
    assert set(WRITERS) == set(READERS)


@pytest.mark.parametrize("suffix", [*WRITERS, "7.mat"])
def test_a_table_is_read_exactly(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    {**WRITERS, **ARRAYS}[suffix](path, TABLE)
    (found,) = read_table(path, Layout("t", {"x": "x"}, {"force": "y"}))
    np.testing.assert_array_equal(found.t, T)
    np.testing.assert_array_equal(found.states["x"], X)
    np.testing.assert_array_equal(found.inputs["force"], Y)
    assert found.name == "experiment_000"


@pytest.mark.parametrize("suffix", ARRAYS)
def test_rows_of_two_dimensional_arrays_are_experiments(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    x = np.arange(8.0).reshape(2, 4)
    ARRAYS[suffix](path, {"t": T, "x": x})
    found = read_table(path, Layout("t", {"x": "x"}, {}))
    assert [e.name for e in found] == ["experiment_000", "experiment_001"]
    for e, row in zip(found, x, strict=True):
        np.testing.assert_array_equal(e.t, T)
        np.testing.assert_array_equal(e.states["x"], row)


def test_named_axes_may_stand_in_either_order(tmp_path: Path) -> None:
    path = tmp_path / "table.nc"
    x = np.arange(8.0).reshape(4, 2)
    xr.Dataset({"time": ("time", T), "x": (("time", "run"), x)}).to_netcdf(path, engine="h5netcdf")
    found = read_table(path, Layout("time", {"x": "x"}, {}))
    np.testing.assert_array_equal(found[1].states["x"], x[:, 1])


def test_a_tail_of_missing_times_pads_ragged_rows(tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    nan = np.nan
    t = np.array([[0.0, 1.0, 2.0, 3.0], [0.0, 2.0, 4.0, nan]])
    x = np.array([[1.0, nan, 2.0, 3.0], [5.0, 6.0, 7.0, nan]])
    np.savez(path, t=t, x=x, label=np.array(["a", "b c"]))
    first, second = read_table(path, Layout("t", {"x": "x"}, {}, "label"))
    assert (first.name, second.name) == ("a", "b_c")
    assert (len(first), len(second)) == (4, 3)
    assert np.isnan(first.states["x"][1])


def test_a_column_tells_ragged_experiments_apart(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("run,t,x\nb,0,1\na,5,2\nb,1,2\nb,2,\na,6,8\na,7,9\nb,3,4\n")
    found = read_table(path, Layout("t", {"x": "x"}, {}, "run"))
    assert [(e.name, len(e)) for e in found] == [("b", 4), ("a", 3)]
    np.testing.assert_array_equal(found[0].states["x"], [1.0, 2.0, np.nan, 4.0])
    np.testing.assert_array_equal(found[1].t, [5.0, 6.0, 7.0])


def test_numbers_tell_experiments_apart_too(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("run,t,x\n1,0,1\n1,1,2\n1,2,4\n2,0,2\n2,1,8\n2,2,8\n")
    found = read_table(path, Layout("t", {"x": "x"}, {}, "run"))
    assert [e.name for e in found] == ["1", "2"]


def test_text_with_spaces_quotes_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b'\xef\xbb\xbf"t" , x, note\n0, 1, "a, b"\n1,NA,c\n2, 3e-1,d\n')
    (found,) = read_table(path, Layout("t", {"x": "x"}, {}))
    np.testing.assert_array_equal(found.states["x"], [1.0, np.nan, 0.3])


def test_two_states_may_share_a_column_and_others_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("t,x,other\n0,1,inf\n1,2,text\n2,4,\n")
    (found,) = read_table(path, Layout("t", {"a": "x", "b": "x"}, {}))
    np.testing.assert_array_equal(found.states["a"], found.states["b"])
