"""The commands."""

from __future__ import annotations

import os
from collections.abc import Sequence

from residuum.parallel import THREAD_VARIABLES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # Before numpy is imported. Snakemake tells a job how many threads it has, and linear algebra
    # on two of them rounds otherwise: a law would depend on the number of cores.
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    from residuum.cli.entry import main as run_command

    return run_command(arguments)
