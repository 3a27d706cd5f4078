"""Data files that are wrong or hostile: each is one message with file, variable and place."""

import pickle
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import xarray as xr

from residuum.data import reading
from residuum.data.experiments import Layout, check_positive, read_table
from residuum.data.prepare import prepare
from residuum.data.settings import DataSettings, Noise
from residuum.errors import UserError

LAYOUT = Layout("t", {"x": "x"}, {})


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return (Path.touch, (self.mark,))


def refused(path: Path, *parts: str, layout: Layout = LAYOUT) -> None:
    with pytest.raises(UserError) as caught:
        read_table(path, layout)
    message = str(caught.value)
    assert str(path) in message
    for part in parts:
        assert part in message, message


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["empty file"]),
        ("\n\n", ["empty file"]),
        ("t,x\n", ["no rows"]),
        ("t,x\n0,1\n", ["t (experiment_000)", "too few samples", "found 1"]),
        ("t,x\n0,2\n1,2\n2,2\n", ["x", "constant signal", "2 everywhere"]),
        ("t,x\n0,1\n1,2\n1,3\n", ["t, row 3", "duplicate time", "1 after 1"]),
        ("t,x\n0,1\n2,2\n1,3\n", ["t, row 3", "not sorted", "1 after 2"]),
        ("t,x\n0,1\n,2\n1,3\n", ["t, row 2", "missing time"]),
        ("t,x\n0,1\nnan,2\n1,3\n", ["t, row 2", "missing time"]),
        ("t,x\n0,1\n1,inf\n2,3\n", ["x, row 2", "infinite"]),
        ("t,x\n0,1\n1,-inf\n2,3\n", ["x, row 2", "infinite"]),
        ("t,x\n0,1\n1,1e999\n2,3\n", ["x, row 2", "infinite"]),
        ("t,x\n0,1\n1,2\ninf,3\n", ["t, row 3", "infinite"]),
        ("t,x\n0,1\n1,two\n2,3\n", ["x, row 2", "text in a column of numbers", "'two'"]),
        ("t,x\n0,1\n1,1_000\n2,3\n", ["x, row 2", "text in a column of numbers"]),
        ("t,x\n0,True\n1,False\n2,True\n", ["x, row 1", "text in a column of numbers"]),
        ("t,x\n1900-01-01,1\n1901-01-01,2\n1902-01-01,3\n", ["t, row 1", "1900-01-01"]),
        ("t,xs\n0,1\n1,2\n2,3\n", ["unknown column 'x'", "one of t, xs", "did you mean 'xs'?"]),
        ("t,x\n0,\n1,\n2,\n", ["x", "all are missing"]),
        ("t,x,x\n0,1,2\n1,2,3\n2,3,4\n", ["'x' appears twice"]),
        ("t,x\n0,1\n1,2,3\n2,3\n", ["cannot be read as a table"]),
        ("t;x\n0;1\n1;2\n2;3\n", ["one column only", "','"]),
        ('t,x\n0,"1\n1,2\n2,3\n', ["cannot be read as a table"]),
    ],
)
def test_text_tables(tmp_path: Path, text: str, parts: list[str]) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    refused(path, *parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("t,x,run\n0,1,a\n1,2,a\n2,3,a\n0,1,b\n", ["(b)", "too few samples"]),
        ("t,x,run\n0,1,a\n1,2,a\n2,3,a\n0,1,b\n1,2,b\n1,4,b\n", ["row 6 (b)", "duplicate time"]),
        ("t,x,run\n0,1,a\n1,2,\n2,3,a\n", ["run, row 2", "missing label"]),
        ("t,x,run\n0,1,a\n1,2,a\n2,3,a\n0,,b\n1,,b\n2,,b\n", ["x (b)", "all are missing"]),
    ],
)
def test_ragged_tables(tmp_path: Path, text: str, parts: list[str]) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    refused(path, *parts, layout=Layout("t", {"x": "x"}, {}, "run"))


def test_what_is_not_a_file_of_measurements(tmp_path: Path) -> None:
    refused(tmp_path / "none.csv", "no such file")
    (tmp_path / "folder.csv").mkdir()
    refused(tmp_path / "folder.csv", "not a file")
    refused(tmp_path / "table.xlsx", "unsupported kind of file", ".csv, .tsv", "found .xlsx")
    refused(tmp_path / "table.pkl", "unsupported")
    refused(tmp_path / "table", "no suffix")
    with pytest.raises(UserError, match="no such file"):
        read_table(tmp_path / "a\0b.csv", LAYOUT)


def test_bytes_that_are_not_the_format(tmp_path: Path) -> None:
    for suffix in (".npz", ".nc", ".parquet", ".mat", ".csv"):
        for index, noise in enumerate((b"\x00\xff\xfe" * 400, b"MATLAB 5.0" * 50, b"PK\x03\x04")):
            path = tmp_path / f"noise{index}{suffix}"
            path.write_bytes(noise)
            refused(path)


@pytest.mark.parametrize("suffix", [".npz", ".nc", ".parquet", ".mat"])
def test_torn_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"whole{suffix}"
    t, x = np.arange(500.0), np.random.default_rng(0).normal(size=500)
    if suffix == ".npz":
        np.savez(path, t=t, x=x)
    elif suffix == ".nc":
        xr.Dataset({"x": ("t", x)}, {"t": t}).to_netcdf(path, engine="h5netcdf")
    elif suffix == ".parquet":
        pd.DataFrame({"t": t, "x": x}).to_parquet(path)
    else:
        scipy.io.savemat(path, {"t": t, "x": x})
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    refused(path)


def test_pickled_arrays_are_never_loaded(tmp_path: Path) -> None:
    path, mark = tmp_path / "table.npz", tmp_path / "executed"
    x = np.array([Bomb(mark), 1.0, 2.0], dtype=object)
    np.savez(path, t=np.arange(3.0), x=x)
    refused(path, ": x", "pickled Python objects", "savez")
    with zipfile.ZipFile(tmp_path / "raw.npz", "w") as archive:
        archive.writestr("t.npy", pickle.dumps(Bomb(mark)))
        archive.writestr("x.npy", pickle.dumps(Bomb(mark)))
    refused(tmp_path / "raw.npz")
    assert not mark.exists()


def test_sizes_are_checked_from_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n"
    whole = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    with zipfile.ZipFile(tmp_path / "table.npz", "w") as archive:
        archive.writestr("t.npy", whole)
        archive.writestr("x.npy", whole)
    refused(tmp_path / "table.npz", "too large", "1,000,000,000,000 (from the header)")
    monkeypatch.setattr(reading, "MAX_VALUES", 5)
    values = {"t": np.arange(9.0), "x": np.arange(9.0)}
    scipy.io.savemat(tmp_path / "table.mat", values)
    pd.DataFrame(values).to_parquet(tmp_path / "table.parquet")
    xr.Dataset({k: ("t", v) for k, v in values.items()}).to_netcdf(
        tmp_path / "table.nc", engine="h5netcdf"
    )
    for name in ("table.mat", "table.parquet", "table.nc"):
        refused(tmp_path / name, "too large")


@pytest.mark.parametrize("suffix", [".nc", ".mat"])
def test_hdf5_that_leads_outside_the_file(tmp_path: Path, suffix: str) -> None:
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = np.arange(3.0)
    (tmp_path / "raw").write_bytes(np.arange(3.0).tobytes())
    for index, kind in enumerate(("link", "storage", "virtual", "deep")):
        path = tmp_path / f"table{index}{suffix}"
        with h5py.File(path, "w") as file:
            file["t"] = np.arange(3.0)
            if kind == "link":
                file["x"] = h5py.ExternalLink(str(secret), "/x")
            elif kind == "deep":
                file["a/b/x"] = h5py.ExternalLink(str(secret), "/x")
            elif kind == "storage":
                external = [(str(tmp_path / "raw"), 0, 24)]
                file.create_dataset("x", shape=(3,), dtype="f8", external=external)
            else:
                layout = h5py.VirtualLayout(shape=(3,), dtype="f8")
                layout[:] = h5py.VirtualSource(str(secret), "x", shape=(3,))
                file.create_virtual_dataset("x", layout)
        refused(path, "another file, which is refused", "/x")


def test_matlab_cells_and_structs(tmp_path: Path) -> None:
    path = tmp_path / "table.mat"
    scipy.io.savemat(path, {"t": np.arange(3.0), "x": {"a": 1.0}})
    refused(path, ": x", "not an array of numbers", "a struct")


def test_shapes_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    np.savez(path, t=np.arange(3.0), x=np.arange(4.0))
    refused(path, ": t", "wrong shape", "(4,)", "(3,)")
    np.savez(path, t=np.arange(3.0), x=np.zeros((2, 3, 3)))
    refused(path, ": x", "(experiments, times)")
    np.savez(path, t=np.array(1.0), x=np.array(1.0))
    refused(path, ": x", "wrong shape")
    np.savez(path, t=np.zeros(0), x=np.zeros(0))
    refused(path, "no samples")
    np.savez(path, t=np.arange(3.0), x=np.arange(3.0) * 1j)
    refused(path, ": x", "not a column of numbers", "complex128")
    np.savez(path, t=np.arange(3.0), x=np.arange(6.0).reshape(2, 3), label=np.array(["a"]))
    refused(path, ": label", "number of labels", layout=Layout("t", {"x": "x"}, {}, "label"))


def test_lognormal_noise_needs_positive_data(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("t,x\n0,1\n1,0\n2,3\n")
    (experiment,) = read_table(path, LAYOUT)
    with pytest.raises(UserError, match=r"x, t = 1 .*lognormal.*positive.*found 0"):
        check_positive(str(path), [experiment])
    data = DataSettings(file="table.csv", states={"x": "x"}, noise=Noise("lognormal"))
    with pytest.raises(UserError, match="not positive"):
        prepare(data, tmp_path, dataset="d")


def test_reserved_names(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("t,x\n0,1\n1,0\n2,3\n")
    data = DataSettings(file="table.csv", states={"held_out": "x"})
    with pytest.raises(UserError, match="'held_out' is a reserved name"):
        prepare(data, tmp_path, dataset="d")


def test_units_of_names_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("t,x\n0,1\n1,0\n2,3\n")
    data = DataSettings(file="table.csv", states={"x": "x"}, units={"xx": "m"})
    with pytest.raises(UserError, match=r"data\.units: unknown name 'xx'.*did you mean 'x'"):
        prepare(data, tmp_path, dataset="d", where="data")
