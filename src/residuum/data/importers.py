"""How files become columns of numbers; one reader a format, none of which runs what it reads.

Sizes are taken from headers and checked before anything is loaded. HDF5 links and storage that
lead outside the file are refused, as are pickled arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from residuum.data.array_files import read_npz, read_parquet
from residuum.data.hdf5_files import read_mat, read_netcdf
from residuum.data.reading import Columns, Reader
from residuum.data.text_files import read_csv, read_tsv
from residuum.errors import UserError

READERS: Mapping[str, Reader] = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
    ".nc": read_netcdf,
    ".mat": read_mat,
    ".npz": read_npz,
}


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
    check_file(path)
    return {name: np.asarray(values) for name, values in reader(path, names).items()}


def check_file(path: Path) -> None:
    """Raise UserError unless there is a file with something in it."""
    try:
        if not path.exists():
            raise UserError("no such file", where=str(path))
        if not path.is_file():
            raise UserError("not a file", where=str(path))
        if path.stat().st_size == 0:
            raise UserError("empty file", where=str(path), expected="measurements")
    except (OSError, ValueError) as problem:
        raise UserError(f"cannot open: {problem}", where=ascii(str(path))) from None
