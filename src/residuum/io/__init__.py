"""How results are written and read back: whole or not at all, and checked by hash.

Every file is written under a temporary name in its own folder, synced and renamed. JSON carries
a `schema` and the `sha256` of its content; NetCDF has a manifest `FILE.sha256`, written last;
tensors are named by their hash in the JSON beside them. Nothing is ever pickled.

One module for each kind of file, so that a stage depends on those it reads and writes alone.
"""
