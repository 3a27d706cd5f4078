"""NetCDF files that prove to be whole: a manifest `FILE.sha256` is written after each."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from residuum.errors import UserError
from residuum.files import AGAIN, HASH, read_bytes, replacing, write_text

if TYPE_CHECKING:
    import xarray as xr


def manifest(path: Path) -> Path:
    """Return the name of the manifest that is written after a NetCDF file."""
    return Path(path).with_name(f"{Path(path).name}.{HASH}")


def write_tree(path: Path, tree: xr.DataTree, schema: str) -> None:
    """Write a tree with its schema, and then its manifest."""
    tree = tree.copy()
    tree.attrs["schema"] = schema
    with replacing(path) as temporary:
        # Without its manifest a file is not believed, so a kill between the two is noticed.
        manifest(path).unlink(missing_ok=True)
        tree.to_netcdf(temporary, engine="h5netcdf")
        digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
    write_text(manifest(path), f"{digest}  {Path(path).name}\n")


def read_tree(path: Path, schema: str) -> xr.DataTree:
    """Return the tree that `write_tree` wrote; raises UserError when torn or of another schema."""
    import xarray as xr

    content = read_bytes(path)
    if not manifest(path).exists():
        raise UserError(f"has no manifest {manifest(path).name}", where=str(path), hint=AGAIN)
    wanted = read_bytes(manifest(path)).decode(errors="replace").split()
    if wanted[:1] != [hashlib.sha256(content).hexdigest()]:
        raise UserError("does not match its hash", where=str(path), hint=AGAIN)
    with xr.open_datatree(
        path, engine="h5netcdf", decode_times=False, decode_timedelta=False
    ) as opened:
        tree = opened.load()
    found = tree.attrs.pop("schema", None)
    if found != schema:
        raise UserError("another schema", where=str(path), expected=schema, found=str(found))
    return tree
