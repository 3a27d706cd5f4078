"""`residuum distill --samples`: symbolic regression of a table file, on its own."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from residuum.errors import UserError

if TYPE_CHECKING:
    from residuum.regression import Regression

CAMPAIGN_NAMES = ("config", "dataset", "surrogate", "distiller")
TABLE_OPTIONS = ("front", "table_distiller", "units", "experiment", "operators", "complexity",
                 "budget", "seed")  # fmt: skip
CAMPAIGN_FORM = "residuum distill CONFIG DATASET SURROGATE DISTILLER"
TABLE_FORM = "residuum distill --samples FILE --front OUT.json"
SHOWN_DIGITS = 6


def add_table_options(parser: argparse.ArgumentParser) -> None:
    """Add what `distill` takes in place of a campaign."""
    group = parser.add_argument_group(
        "a table on its own", "formulas for the last column of a table in terms of the others"
    )
    group.add_argument(
        "--samples", type=Path, metavar="FILE", help="csv, tsv, parquet or npz; last the value"
    )
    group.add_argument("--front", type=Path, metavar="OUT", help="front.json to write")
    group.add_argument(
        "--distiller", dest="table_distiller", metavar="NAME", help="genetic (default) or sindy"
    )
    group.add_argument(
        "--units", metavar="x=m,y=s", help="units of every column; without: none are used"
    )
    group.add_argument("--experiment", metavar="COLUMN", help="labels of experiments, no variable")
    group.add_argument(
        "--operators", metavar="+,*,exp", help="comma-separated; quote it, --operators='-,*'"
    )
    group.add_argument("--complexity", type=int, metavar="N", help="largest complexity")
    group.add_argument(
        "--budget", metavar="60s|N", help="a time (s, min, h) or a number of evaluations"
    )
    group.add_argument("--seed", type=int, metavar="N", help="default: 0")


def check_form(options: argparse.Namespace) -> bool:
    """Tell whether a table is to be distilled; raise UserError where two forms are mixed."""
    named = [name for name in CAMPAIGN_NAMES if getattr(options, name) is not None]
    asked = [name for name in TABLE_OPTIONS if getattr(options, name) is not None]
    if options.samples is not None:
        if named:
            raise UserError(
                f"--samples and {named[0].upper()} are two forms of this command",
                expected=f"`{TABLE_FORM}` or `{CAMPAIGN_FORM}`",
            )
        if options.front is None:
            raise UserError("--samples without --front", expected=f"`{TABLE_FORM}`")
        return True
    if asked or len(named) < len(CAMPAIGN_NAMES):
        raise UserError(
            f"--{asked[0].removeprefix('table_')} without --samples" if asked else
            f"no {CAMPAIGN_NAMES[len(named)].upper()}",
            expected=f"`{CAMPAIGN_FORM}` or `{TABLE_FORM}`",
        )  # fmt: skip
    return False


def distill_table(options: argparse.Namespace) -> None:
    """Write the front of a table, and print the formulas."""
    from residuum.files import write_json
    from residuum.io.fronts import FRONT
    from residuum.regression import regress
    from residuum.stages.printing import ProgressPrinter

    table = _read(options)
    _check_target(options.front)
    found = regress(
        **table,
        settings=_settings(options.table_distiller or "genetic"),
        operators=_operators(options.operators),
        complexity=options.complexity,
        budget=_budget(options.budget),
        seed=options.seed or 0,
        workers=options.workers,
        scheduler=options.scheduler,
        progress=ProgressPrinter(str(table["value"])),
    )
    write_json(options.front, found.to_json(), FRONT)
    print("\n".join(_lines(found)))
    print(f"Front: {options.front}", file=sys.stderr)


def _read(options: argparse.Namespace) -> dict[str, Any]:
    """Return the table as `regress` takes it; the file is named in every mistake."""
    from residuum.data.table_files import read_table_file
    from residuum.data.tables import check_length, check_name, check_rows, number_table, numbers

    columns = read_table_file(options.samples)
    try:
        experiment = _experiment(columns, options.experiment)
        *variables, value = columns
        if not variables:
            raise UserError("no column of a variable", expected="a variable and, last, the value")
        check_name(value, "last column")
        y = numbers(columns.pop(value), value)
        X = number_table(columns)
        check_length(y, len(X.X), value, "as many rows as the variables")
        check_rows(len(y))
    except UserError as mistake:
        raise _in_file(mistake, options.samples) from None
    units = _units(options.units)
    unit = None if units is None else units.pop(value, None)
    return {
        "X": X.X, "y": y, "variables": X.names, "value": value, "experiment": experiment,
        "units": units, "unit": unit,
    }  # fmt: skip


def _in_file(mistake: UserError, path: Path) -> UserError:
    where = f"{path}: {mistake.where}" if mistake.where else str(path)
    return UserError(
        mistake.what,
        where=where,
        expected=mistake.expected,
        found=mistake.found,
        hint=mistake.hint,
    )


def _check_target(path: Path) -> None:
    """Say before the search, not after it, that its result cannot be written."""
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        what = "a folder" if path.is_dir() else f"{folder} is no folder to write to"
        raise UserError(f"cannot write: {what}", where=str(path))


def _experiment(columns: dict[str, Any], name: str | None) -> Any:
    from residuum.errors import unknown_name

    if name is None:
        return None
    if name not in columns:
        raise unknown_name(name, columns, what="column", where="--experiment")
    return columns.pop(name)


def _settings(distiller: str) -> Any:
    from residuum.distillers.settings import SETTINGS
    from residuum.errors import unknown_name

    if distiller not in SETTINGS:
        raise unknown_name(distiller, SETTINGS, what="distiller", where="--distiller")
    return SETTINGS[distiller]()


def _operators(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def _budget(text: str | None) -> int | str | None:
    try:
        return text if text is None else int(text)
    except ValueError:
        return text


def _units(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    found: dict[str, str] = {}
    for part in text.split(","):
        name, equals, unit = (piece.strip() for piece in part.partition("="))
        if not (name and equals and unit):
            raise UserError(
                "not a unit of a column", where="--units", expected="x=m,y=s", found=repr(part)
            )
        if name in found:
            raise UserError(f"two units of {name!r}", where="--units")
        found[name] = unit
    return found


def _lines(found: Regression) -> list[str]:
    """Return a line for every formula, the chosen one marked, and the notes."""
    from residuum.expressions.constants import rounded

    rows = [("", "complexity", "loss", found.value)]
    for index, row in enumerate(found.formulas):
        mark = "*" if index == found.chosen else ""
        text = rounded(row.expression, SHOWN_DIGITS).infix()
        rows.append((mark, str(row.complexity), f"{row.loss:.4g}", text))
    lines = [f"{mark:1} {size:>10}  {loss:>10}  {text}" for mark, size, loss, text in rows]
    return [*lines, *(f"note: {note}" for note in found.notes)]
