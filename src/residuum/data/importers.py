"""How files become columns of numbers; one reader a format, none of which runs what it reads.

Sizes are taken from headers and checked before anything is loaded. HDF5 links and storage that
lead outside the file are refused, as are pickled arrays.
"""

from __future__ import annotations

import csv
import struct
import warnings
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from residuum.errors import UserError, unknown_name

MAX_VALUES = 100_000_000
MAX_TEXT_BYTES = 2_000_000_000

Columns = dict[str, np.ndarray]
Reader = Callable[[Path, Collection[str]], Columns]


def read_columns(path: Path, wanted: Iterable[str]) -> Columns:
    """Return the wanted columns of a file, float64 or text as they are, 1-D or 2-D.

    Raises UserError, located in the file, on anything that is not a readable file with those
    columns.
    """
    names = tuple(dict.fromkeys(wanted))
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(
            "unsupported kind of file",
            where=str(path),
            expected=f"a name ending in {', '.join(READERS)}",
            found=path.suffix or "no suffix",
        )
    _check_file(path)
    return {name: np.asarray(values) for name, values in reader(path, names).items()}


def _check_file(path: Path) -> None:
    try:
        if not path.exists():
            raise UserError("no such file", where=str(path))
        if not path.is_file():
            raise UserError("not a file", where=str(path))
        if path.stat().st_size == 0:
            raise UserError("empty file", where=str(path), expected="measurements")
    except (OSError, ValueError) as problem:
        raise UserError(f"cannot open: {problem}", where=ascii(str(path))) from None


def _choose(path: Path, wanted: Collection[str], available: Iterable[str]) -> None:
    names = [str(name) for name in available]
    for name in wanted:
        if name not in names:
            raise unknown_name(name, names, what="column", where=str(path))


def _check_size(path: Path, name: str, shape: Iterable[int]) -> None:
    count = 1
    for length in shape:
        count *= int(length)
    if count > MAX_VALUES:
        raise UserError(
            "too large to load",
            where=f"{path}: {name}",
            expected=f"at most {MAX_VALUES:,} values",
            found=f"{count:,} (from the header)",
        )


def _unreadable(path: Path, kind: str, problem: object) -> UserError:
    detail = str(problem).splitlines()[0][:200] if str(problem) else type(problem).__name__
    return UserError(f"cannot be read as {kind}: {detail}", where=str(path))


# -- text ------------------------------------------------------------------------------------


def read_csv(path: Path, wanted: Collection[str]) -> Columns:
    """Read comma-separated text with a header."""
    return _read_text(path, wanted, ",")


def read_tsv(path: Path, wanted: Collection[str]) -> Columns:
    """Read tab-separated text with a header."""
    return _read_text(path, wanted, "\t")


def _read_text(path: Path, wanted: Collection[str], separator: str) -> Columns:
    import pandas as pd

    if path.stat().st_size > MAX_TEXT_BYTES:
        raise UserError("too large to load", where=str(path), expected="at most 2 GB of text")
    try:
        header = _header(path, separator)
        _choose(path, wanted, header)
        with warnings.catch_warnings():
            # A row longer than the header would be cut with no more than a warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path, sep=separator, header=0, names=header, usecols=list(wanted),
                index_col=False, skipinitialspace=True, encoding="utf-8-sig", low_memory=False,
            )  # fmt: skip
    except UnicodeDecodeError:
        raise UserError("not a text file in UTF-8", where=str(path)) from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error, ValueError) as problem:
        raise _unreadable(path, "a table", problem) from None
    if frame.empty:
        raise UserError("no rows under the header", where=str(path), expected="measurements")
    return {str(name): frame[name].to_numpy() for name in frame.columns}


def _header(path: Path, separator: str) -> list[str]:
    with path.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        names = [name.strip() for name in next((row for row in rows if row), [])]
    if len(names) != len(set(names)):
        repeated = next(name for name in names if names.count(name) > 1)
        raise UserError(f"column {repeated!r} appears twice in the header", where=str(path))
    if len(names) == 1 and any(mark in names[0] for mark in ";\t,"):
        raise UserError(
            "one column only", where=str(path), hint=f"columns are separated by {separator!r}"
        )
    return names


# -- tables and arrays -----------------------------------------------------------------------


def read_parquet(path: Path, wanted: Collection[str]) -> Columns:
    """Read columns of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            _choose(path, wanted, file.schema_arrow.names)
            _check_size(path, "table", (file.metadata.num_rows, max(1, len(wanted))))
            table = file.read(columns=list(wanted))
    except (pa.ArrowException, OSError) as problem:
        raise _unreadable(path, "parquet", problem) from None
    if table.num_rows == 0:
        raise UserError("no rows", where=str(path), expected="measurements")
    return {name: table[name].to_numpy() for name in table.column_names}


def read_npz(path: Path, wanted: Collection[str]) -> Columns:
    """Read arrays of an npz archive; arrays of Python objects (pickles) are refused."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {n.removesuffix(".npy"): n for n in archive.namelist()}
            _choose(path, wanted, members)
            for name in wanted:
                _check_npy(path, name, archive, members[name])
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in wanted}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, KeyError) as problem:
        raise _unreadable(path, "npz", problem) from None


def _check_npy(path: Path, name: str, archive: zipfile.ZipFile, member: str) -> None:
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0
        header = read if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(stream)
    if dtype.hasobject:
        raise UserError(
            "holds pickled Python objects, which are never loaded",
            where=f"{path}: {name}",
            expected="an array of numbers",
            hint="save it with numpy.savez and a dtype such as float64",
        )
    _check_size(path, name, shape)


# -- HDF5: NetCDF-4 and MATLAB 7.3 -----------------------------------------------------------


def read_netcdf(path: Path, wanted: Collection[str]) -> Columns:
    """Read variables of a NetCDF-4 file; an axis of experiments comes first, time last."""
    import xarray as xr

    _check_hdf5(path, "NetCDF-4")
    try:
        with xr.open_dataset(
            path, engine="h5netcdf", decode_cf=True, decode_times=False, cache=False
        ) as data:
            _choose(path, wanted, [str(name) for name in data.variables])
            for name in wanted:
                _check_size(path, name, data[name].shape)
            return {name: _experiment_first(data[name], data, wanted) for name in wanted}
    except (OSError, ValueError, KeyError, RuntimeError) as problem:
        raise _unreadable(path, "NetCDF-4", problem) from None


def _experiment_first(variable: Any, data: Any, wanted: Collection[str]) -> np.ndarray:
    """Order two named axes as (experiment, time): a wanted 1-D coordinate tells time."""
    axes = {data[name].dims[0] for name in wanted if data[name].ndim == 1}
    if variable.ndim == 2 and variable.dims[0] in axes and variable.dims[1] not in axes:
        variable = variable.transpose(*reversed(variable.dims))
    return np.asarray(variable.values)


def read_mat(path: Path, wanted: Collection[str]) -> Columns:
    """Read arrays of a MATLAB file: version 5 by scipy, version 7.3 (HDF5) by h5py."""
    import h5py

    if h5py.is_hdf5(path):
        return _read_mat73(path, wanted)
    return _read_mat5(path, wanted)


def _read_mat5(path: Path, wanted: Collection[str]) -> Columns:
    import scipy.io
    from scipy.io.matlab import MatReadError

    failures = (MatReadError, ValueError, OSError, TypeError, NotImplementedError, KeyError)
    try:
        held = {name: (shape, kind) for name, shape, kind in scipy.io.whosmat(path)}
        _choose(path, wanted, held)
        for name in wanted:
            shape, kind = held[name]
            _check_size(path, name, shape)
            if kind in {"cell", "struct", "object", "opaque", "function", "sparse"}:
                raise UserError(
                    "not an array of numbers", where=f"{path}: {name}", found=f"a {kind}"
                )
        arrays = scipy.io.loadmat(path, variable_names=list(wanted))
    except (*failures, struct.error) as problem:
        raise _unreadable(path, "a MATLAB file", problem) from None
    return {name: _squeeze(arrays[name]) for name in wanted}


def _read_mat73(path: Path, wanted: Collection[str]) -> Columns:
    import h5py

    _check_hdf5(path, "MATLAB 7.3")
    columns: Columns = {}
    with h5py.File(path, "r") as file:
        _choose(path, wanted, file.keys())
        for name in wanted:
            array = file[name]
            if not isinstance(array, h5py.Dataset) or array.dtype.kind not in "fiub":
                raise UserError("not an array of numbers", where=f"{path}: {name}")
            _check_size(path, name, array.shape)
            # MATLAB writes columns first: its (experiment, time) arrives transposed.
            columns[name] = _squeeze(np.asarray(array[()]).T)
    return columns


def _squeeze(array: np.ndarray) -> np.ndarray:
    """Drop MATLAB's second axis of a vector."""
    return array.reshape(-1) if array.ndim == 2 and 1 in array.shape else array


def _check_hdf5(path: Path, kind: str) -> None:
    """Refuse files that are not HDF5 and links or storage that lead outside the file."""
    import h5py

    if not h5py.is_hdf5(path):
        raise UserError(f"not a {kind} file", where=str(path), found="another format")
    try:
        with h5py.File(path, "r") as file:
            _check_group(path, file, set())
    except (OSError, RuntimeError, KeyError, RecursionError) as problem:
        raise _unreadable(path, kind, problem) from None


def _check_group(path: Path, group: Any, seen: set[Any]) -> None:
    import h5py

    for name in group:
        where = f"{path}: {group.name.rstrip('/')}/{name}"
        if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
            raise UserError("links to another file, which is refused", where=where)
        member = group.get(name)
        if isinstance(member, h5py.Dataset) and (member.external or member.is_virtual):
            raise UserError("keeps its values in another file, which is refused", where=where)
        if isinstance(member, h5py.Group) and member.id not in seen:
            seen.add(member.id)
            _check_group(path, member, seen)


READERS: Mapping[str, Reader] = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
    ".nc": read_netcdf,
    ".mat": read_mat,
    ".npz": read_npz,
}
