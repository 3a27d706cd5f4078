"""What each command does: read the options, call one function, say where the result is.

Heavy modules are imported inside the functions, so that `residuum --help` is quick.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from residuum.config import Dataset

SCHEDULER_VARIABLE = "RESIDUUM_SCHEDULER"
SIGNALLED = 128  # an exit code above this is 128 plus the number of a signal


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage as a command: its name, its help and what it names beside the campaign."""

    name: str
    help: str
    names: tuple[str, ...]
    run: Callable[[Namespace], None]
    parallel: bool = False


def run(options: Namespace) -> int:
    """Check the campaign whole, then run it to its end."""
    from residuum.cli.run import RunRequest
    from residuum.cli.run import run as run_campaign

    validate_campaign(options.config)
    if options.scheduler:
        os.environ[SCHEDULER_VARIABLE] = options.scheduler
    request = RunRequest(
        config=options.config.resolve(),
        directory=options.directory.resolve(),
        cores=options.cores,
        profile=options.profile,
        dry_run=options.dry_run,
    )
    code = run_campaign(request)
    if code == 0 and not options.dry_run:
        print(f"Results: {request.directory / 'results' / 'index.html'}", file=sys.stderr)
    elif code > SIGNALLED:
        print("Stopped; the same command goes on from here.", file=sys.stderr)
    return code


def validate(options: Namespace) -> None:
    """Check the campaign and its data, and say what is in it."""
    for line in validate_campaign(options.config):
        print(line)


def validate_campaign(config: Path) -> list[str]:
    """Return one line for each dataset; raises UserError at the first mistake."""
    from residuum.config import load_campaign
    from residuum.stages.prepare import observe

    lines = []
    for dataset in load_campaign(config).datasets.values():
        experiments = observe(dataset).experiments
        samples = sum(len(experiment.t) for experiment in experiments)
        terms = ", ".join(term.name for term in dataset.problem.hidden_terms) or "none"
        lines.append(
            f"{dataset.name}: experiments: {len(experiments)}; samples: {samples}; "
            f"hidden terms: {terms}"
        )
    return lines


def prepare(options: Namespace) -> None:
    """Run the stage of this name."""
    from residuum.stages.prepare import prepare

    prepare(_dataset(options, checked=False), options.results)


def train(options: Namespace) -> None:
    """Run the stage of this name."""
    from residuum.stages.train import train

    train(_dataset(options), options.surrogate, options.results)


def extract(options: Namespace) -> None:
    """Run the stage of this name."""
    from residuum.stages.extract import extract

    extract(_dataset(options), options.surrogate, options.results)


def distill(options: Namespace) -> None:
    """Run the stage of this name, or distil a table on its own."""
    from residuum.cli.tables import check_form, distill_table

    if check_form(options):
        distill_table(options)
        return
    from residuum.parallel import open_map
    from residuum.stages.distill import distill

    with open_map(options.workers, scheduler=options.scheduler) as mapped:
        distill(
            _dataset(options), options.surrogate, options.distiller, options.results, map=mapped
        )


def select(options: Namespace) -> None:
    """Run the stage of this name."""
    from residuum.parallel import open_map
    from residuum.stages.select import select

    with open_map(options.workers, scheduler=options.scheduler) as mapped:
        select(_dataset(options), options.results, map=mapped)


def report(options: Namespace) -> None:
    """Run the stage of this name."""
    from residuum.stages.report import report

    report(_dataset(options), options.results)


def summarize(options: Namespace) -> None:
    """Run the stage of this name."""
    from residuum.config import load_campaign
    from residuum.stages.summarize import summarize

    summarize(load_campaign(options.config, dimensions=False), options.results)


def _dataset(options: Namespace, *, checked: bool = True) -> Dataset:
    """Return the dataset that is named; units are checked by `prepare`, not again after it."""
    from residuum.config import load_campaign

    return load_campaign(options.config, dimensions=not checked).dataset(options.dataset)


STAGES = (
    Stage("prepare", "check the data of a dataset and hold some out", ("dataset",), prepare),
    Stage("train", "fit the states and the hidden terms", ("dataset", "surrogate"), train),
    Stage("extract", "read samples of the hidden terms", ("dataset", "surrogate"), extract),
    Stage(
        "distill", "distil the samples into formulas", ("dataset", "surrogate", "distiller"),
        distill, parallel=True,
    ),
    Stage(
        "select", "refit the formulas and choose one law", ("dataset",), select, parallel=True
    ),
    Stage("report", "write the page of a dataset", ("dataset",), report),
    Stage("summarize", "write the index of the campaign", (), summarize),
)  # fmt: skip
