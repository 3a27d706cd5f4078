"""The name under which Snakemake finds residuum's progress display (`--logger residuum`)."""

from residuum.cli.progress import LogHandler

__all__ = ["LogHandler"]
