"""The state of a search in one file, believed only by the search that wrote it.

A checkpoint stands beside the outputs of its stage and is none of them, so Snakemake neither
waits for it nor deletes it when it starts a stopped job again.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import write_array

from residuum.files import replacing

KEY = "key"


@dataclass(frozen=True, slots=True)
class FileCheckpoint:
    """A `Checkpoint` in an npz file; `key` is the fingerprint of the problem it belongs to.

    There is one file for a search whatever its key, so nothing is left over when settings change.
    """

    path: Path
    key: str

    def load(self) -> dict[str, np.ndarray] | None:
        """Return the arrays of this problem; None where there is no file, a torn one or another's.

        A search that starts anew loses time only, so a file in disorder is no mistake to report.
        """
        try:
            with np.load(self.path, allow_pickle=False) as file:
                if str(file[KEY]) != self.key:
                    return None
                return {name: file[name] for name in file.files if name != KEY}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def save(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Write the file whole; raises UserError when the disk is full, ValueError for objects."""
        with replacing(self.path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            # numpy's own savez would pickle objects without a word
            for name, array in {KEY: np.array(self.key), **arrays}.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    write_array(member, np.asanyarray(array), allow_pickle=False)

    def clear(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def fingerprint(*values: object) -> str:
    """Return the sha256 of values made of dataclasses, arrays, mappings, sequences and numbers.

    Raises TypeError for a value of another kind rather than hashing less than the whole problem.
    """
    digest = hashlib.sha256()
    for part in _parts(values):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    """Yield the bytes of a value, each container preceded by its kind and size."""
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        yield f"array {value.dtype.str} {value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif is_dataclass(value) and not isinstance(value, type):
        yield type(value).__qualname__.encode()
        yield from _parts({entry.name: getattr(value, entry.name) for entry in fields(value)})
    elif isinstance(value, Mapping):
        yield f"mapping {len(value)}".encode()
        for key in sorted(value):
            yield from _parts((key, value[key]))
    elif isinstance(value, tuple | list):
        yield f"sequence {len(value)}".encode()
        for item in value:
            yield from _parts(item)
    elif isinstance(value, Fraction):
        yield f"fraction {value}".encode()
    elif value is None or isinstance(value, str | bool | int | float):
        yield json.dumps(value).encode()
    else:
        raise TypeError(f"expected plain values to fingerprint, found {type(value).__name__}")
