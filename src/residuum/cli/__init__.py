"""The commands."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    from residuum.cli.entry import main as run_command

    return run_command(arguments)
