"""How NetCDF-4 and MATLAB files are read; links and storage outside the file are refused."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from residuum.data.reading import Columns, check_size, choose, unreadable
from residuum.errors import UserError

EXPERIMENT = "experiment"


def read_netcdf(path: Path, wanted: Collection[str]) -> Columns:
    """Read variables of a NetCDF-4 file; an axis of experiments comes first, time last."""

    def read(data: Any) -> Columns:
        return {name: _experiment_first(data[name], data, wanted) for name in wanted}

    return _from_netcdf(path, wanted, read)


def read_named(
    path: Path,
    wanted: Mapping[str, Sequence[str]],
    meanings: Mapping[str, str],
    optional: Collection[str] = (),
) -> Columns:
    """Read variables of a NetCDF-4 file with their dimensions in a fixed order.

    `wanted[name]` are the dimensions that a variable has after one of experiments, which it may
    have; `meanings` says which of these a name of the file stands for, and a variable of one
    dimension says so of its own. The `optional` ones may be dimensions without a variable. Raises
    UserError where a dimension cannot be told.
    """

    def read(data: Any) -> Columns:
        known = {
            str(data[name].dims[0]): (*order, EXPERIMENT)[0]
            for name, order in wanted.items()
            if name in data.variables and data[name].ndim == 1 and len(order) < 2
        } | dict(meanings)
        return {
            name: _ordered(f"{path}: {name}", data[name], order, known)
            for name, order in wanted.items()
            if name in data.variables
        }

    return _from_netcdf(path, wanted, read, optional)


def _from_netcdf(
    path: Path,
    wanted: Collection[str],
    read: Callable[[Any], Columns],
    optional: Collection[str] = (),
) -> Columns:
    import xarray as xr

    _check_hdf5(path, "NetCDF-4")
    try:
        with xr.open_dataset(
            path, engine="h5netcdf", decode_cf=True, decode_times=False, cache=False
        ) as data:
            names = [str(name) for name in data.variables]
            bare = [str(name) for name in data.dims if name in optional and name not in names]
            choose(path, wanted, [*names, *bare])
            for name in wanted:
                check_size(path, name, () if name in bare else data[name].shape)
            return read(data)
    except (OSError, ValueError, KeyError, RuntimeError) as problem:
        raise unreadable(path, "NetCDF-4", problem) from None


def _experiment_first(variable: Any, data: Any, wanted: Collection[str]) -> np.ndarray:
    """Order two named axes as (experiment, time): a wanted 1-D coordinate tells time."""
    axes = {data[name].dims[0] for name in wanted if data[name].ndim == 1}
    if variable.ndim == 2 and variable.dims[0] in axes and variable.dims[1] not in axes:
        variable = variable.transpose(*reversed(variable.dims))
    return np.asarray(variable.values)


def _ordered(
    where: str, variable: Any, order: Sequence[str], meanings: Mapping[str, str]
) -> np.ndarray:
    if variable.ndim < 2:
        return np.asarray(variable.values)
    found = {meanings.get(str(name), str(name)): name for name in variable.dims}
    whole = [EXPERIMENT, *order] if EXPERIMENT in found else list(order)
    if set(found) != set(whole):
        raise UserError(
            "dimensions cannot be told",
            where=where,
            expected=f"{', '.join(order)}, and {EXPERIMENT} if there are several",
            found=", ".join(map(str, variable.dims)),
            hint="rename the dimensions, or name them under time, body and experiment",
        )
    return np.asarray(variable.transpose(*(found[name] for name in whole)).values)


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
        choose(path, wanted, held)
        for name in wanted:
            shape, kind = held[name]
            check_size(path, name, shape)
            if kind in {"cell", "struct", "object", "opaque", "function", "sparse"}:
                raise UserError(
                    "not an array of numbers", where=f"{path}: {name}", found=f"a {kind}"
                )
        arrays = scipy.io.loadmat(path, variable_names=list(wanted))
    except (*failures, struct.error) as problem:
        raise unreadable(path, "a MATLAB file", problem) from None
    return {name: _squeeze(arrays[name]) for name in wanted}


def _read_mat73(path: Path, wanted: Collection[str]) -> Columns:
    import h5py

    _check_hdf5(path, "MATLAB 7.3")
    columns: Columns = {}
    with h5py.File(path, "r") as file:
        choose(path, wanted, file.keys())
        for name in wanted:
            array = file[name]
            text = array.attrs.get("MATLAB_class") == b"char"
            if not isinstance(array, h5py.Dataset) or text or array.dtype.kind not in "fiub":
                raise UserError("not an array of numbers", where=f"{path}: {name}")
            check_size(path, name, array.shape)
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
        raise unreadable(path, kind, problem) from None


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
