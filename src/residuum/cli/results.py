"""`residuum export` and `residuum predict`: a law or a front in the user's hands."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from residuum.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from residuum.laws.law import Law
    from residuum.regression import Regression

TIME = "t"


def add_export(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `export`."""
    parser = subparsers.add_parser(
        "export",
        help="write a law or formula in another language",
        description="Write a law.json, or the chosen formula of a table's front.json, in another "
        "language.",
    )
    parser.add_argument("law", type=Path, metavar="LAW", help="law.json, or front.json of a table")
    parser.add_argument(
        "--to", required=True, metavar="LANGUAGE", help="python, torch, c, julia, latex or sbml"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: print it")
    parser.set_defaults(function=export)


def add_predict(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `predict`."""
    parser = subparsers.add_parser(
        "predict",
        help="predict with a law or formula",
        description="With a law.json: roll it out over the times in column t of a table, from the "
        "states in its first row. With a table's front.json: the chosen formula on every row.",
    )
    parser.add_argument("law", type=Path, metavar="LAW", help="law.json, or front.json of a table")
    parser.add_argument("table", type=Path, metavar="TABLE", help="csv, tsv, parquet or npz")
    parser.add_argument("--output", type=Path, metavar="FILE", help="csv; default: print it")
    parser.set_defaults(function=predict)


def export(options: argparse.Namespace) -> None:
    """Write the source text of a law or formula."""
    from residuum.laws.export.exporters import export as export_system
    from residuum.laws.export.system import formula_system, system_of
    from residuum.laws.law import Law

    found = _read(options.law)
    if isinstance(found, Law):
        system = system_of(found)
    else:
        used = tuple(name for name in found.variables if name in found.expression.variables)
        system = formula_system(found.value, used, found.expression)
    _write(export_system(system, options.to), options.output)


def predict(options: argparse.Namespace) -> None:
    """Write a table of what a law or formula predicts."""
    from residuum.data.table_files import read_table_file
    from residuum.data.tables import numbers
    from residuum.laws.law import Law
    from residuum.laws.prediction import predict as roll_out

    found = _read(options.law)
    raw = read_table_file(options.table, fewest=1)
    if not isinstance(found, Law):
        _write(_csv({found.value: found.predict(raw)}), options.output)
        return
    columns = {name: numbers(column, f"{options.table}: {name}") for name, column in raw.items()}
    if TIME not in columns:
        raise UserError(f"no column {TIME!r}", where=str(options.table), expected="times")
    t = columns[TIME]
    try:
        path = roll_out(found, t, columns)
    except UserError as mistake:
        raise mistake.at(str(options.table)) from None
    _write(_csv({TIME: t, **path}), options.output)


def _read(path: Path) -> Law | Regression:
    """Return what a result file holds, by its schema."""
    from residuum.files import built, read_bytes, read_json
    from residuum.io.fronts import FRONT
    from residuum.laws.law import Law
    from residuum.regression import Regression
    from residuum.stages.paths import LAW

    try:
        content = json.loads(read_bytes(path))
        schema = content.get("schema") if isinstance(content, dict) else None
    except (ValueError, RecursionError):
        schema = None
    if schema != FRONT:
        return built(path, Law.from_json, read_json(path, LAW))
    body = read_json(path, FRONT)
    if "chosen" not in body:
        raise UserError(
            "a front of hidden terms, from which `select` makes the law",
            where=str(path),
            expected="law.json, or the front.json of a table",
        )
    return built(path, Regression.from_json, body)


def _csv(columns: dict[str, np.ndarray]) -> str:
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    lines = [",".join(columns), *(",".join(map(repr, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def _write(text: str, output: Path | None) -> None:
    from residuum.files import write_text

    if output is None:
        sys.stdout.write(text)
    else:
        write_text(output, text)
