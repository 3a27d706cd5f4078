"""`residuum COMMAND`: what can be asked for, and what a mistake looks like."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from residuum import __version__
from residuum.cli import commands
from residuum.cli.results import add_export, add_predict
from residuum.cli.tables import add_table_options
from residuum.errors import UserError

USER_MISTAKE = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 2 for a user's mistake, else 1."""
    options = build_parser().parse_args(arguments)
    try:
        return int(options.function(options) or 0)
    except UserError as error:
        print(f"residuum: {error}", file=sys.stderr)
        return USER_MISTAKE
    except KeyboardInterrupt:
        print("residuum: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # the reader of our output went away; point stdout elsewhere so that exit is quiet
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    parser = argparse.ArgumentParser(
        prog="residuum",
        description="Find the hidden terms of a half-known dynamical system and write them as "
        "formulas.",
    )
    parser.add_argument("--version", action="version", version=f"residuum {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(subparsers)
    _add_validate(subparsers)
    for stage in commands.STAGES:
        _add_stage(subparsers, stage)
    add_export(subparsers)
    add_predict(subparsers)
    return parser


def _add_run(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "run",
        help="run a campaign to its end, or go on with one that was stopped",
        description="Run every stage of a campaign with Snakemake. Run it again to go on after "
        "any interruption: what is finished and up to date is not done again.",
    )
    _add_config(parser)
    parser.add_argument(
        "--cores",
        type=_positive,
        metavar="N",
        help="cores to use; default: all, or what the profile says",
    )
    parser.add_argument(
        "--directory", type=Path, default=Path(), metavar="DIR",
        help="folder for results/ and logs/; default: this one",
    )  # fmt: skip
    parser.add_argument(
        "--profile", metavar="P", help="local, slurm, or the path of a Snakemake profile"
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="a running Dask cluster for distill and select"
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="show what would be done")
    parser.set_defaults(function=commands.run)


def _add_validate(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "validate",
        help="check a campaign and its data without running anything",
        description="Check the campaign file, its equations and units, and every data file.",
    )
    _add_config(parser)
    parser.set_defaults(function=commands.validate)


def _add_stage(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], stage: commands.Stage
) -> None:
    parser = subparsers.add_parser(
        stage.name, help=stage.help, description=f"{stage.help.capitalize()}."
    )
    own = stage.name == "distill"  # of a campaign, or of a table on its own
    _add_config(parser, optional=own)
    for name in stage.names:
        parser.add_argument(
            name, metavar=name.upper(), nargs="?" if own else None,
            help=f"name of a {name} in the campaign",
        )  # fmt: skip
    if own:
        add_table_options(parser)
    parser.add_argument(
        "--results", type=Path, default=Path("results"), metavar="DIR", help="default: results"
    )
    if stage.parallel:
        parser.add_argument(
            "--workers", type=_positive, default=1, metavar="N", help="worker processes; default: 1"
        )
        parser.add_argument(
            "--scheduler", metavar="ADDRESS", default=os.environ.get(commands.SCHEDULER_VARIABLE),
            help="a running Dask cluster in place of worker processes",
        )  # fmt: skip
    parser.set_defaults(function=stage.run)


def _add_config(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    parser.add_argument(
        "config", type=Path, metavar="CONFIG", nargs="?" if optional else None,
        help="campaign file (YAML)",
    )  # fmt: skip


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, found {text!r}")
    return number


if __name__ == "__main__":
    raise SystemExit(main())
