"""How Parquet tables and npz archives are read; pickled objects never are."""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from pathlib import Path

import numpy as np

from residuum.data.reading import Columns, check_size, choose, unreadable
from residuum.errors import UserError


def read_parquet(path: Path, wanted: Collection[str]) -> Columns:
    """Read columns of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            choose(path, wanted, file.schema_arrow.names)
            check_size(path, "table", (file.metadata.num_rows, max(1, len(wanted))))
            table = file.read(columns=list(wanted))
    except (pa.ArrowException, OSError) as problem:
        raise unreadable(path, "parquet", problem) from None
    if table.num_rows == 0:
        raise UserError("no rows", where=str(path), expected="measurements")
    return {name: table[name].to_numpy() for name in table.column_names}


def read_npz(path: Path, wanted: Collection[str]) -> Columns:
    """Read arrays of an npz archive; arrays of Python objects (pickles) are refused."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {n.removesuffix(".npy"): n for n in archive.namelist()}
            choose(path, wanted, members)
            for name in wanted:
                _check_npy(path, name, archive, members[name])
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in wanted}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, KeyError) as problem:
        raise unreadable(path, "npz", problem) from None


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
    check_size(path, name, shape)
