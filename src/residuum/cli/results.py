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
    from residuum.problem.body_problem import BodyProblem
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
        "states in its first row; of bodies, from the rows of its first time, with a column body "
        "and columns such as position_x, position_y, position_x_t, position_y_t. With a table's "
        "front.json: the chosen formula on every row.",
    )
    parser.add_argument("law", type=Path, metavar="LAW", help="law.json, or front.json of a table")
    parser.add_argument("table", type=Path, metavar="TABLE", help="csv, tsv, parquet or npz")
    parser.add_argument("--output", type=Path, metavar="FILE", help="csv; default: print it")
    parser.set_defaults(function=predict)


def export(options: argparse.Namespace) -> None:
    """Write the source text of a law or formula."""
    from residuum.laws.export.body_system import BodySystem, system_of_bodies
    from residuum.laws.export.exporters import export as export_system
    from residuum.laws.export.system import System, formula_system, system_of
    from residuum.laws.law import Law

    found = _read(options.law)
    system: System | BodySystem
    if isinstance(found, Law):
        system = system_of(found) if found.bodies is None else system_of_bodies(found)
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
    if isinstance(found, Law) and found.bodies is not None:
        _write(_csv(_predicted_bodies(found, found.bodies, options.table)), options.output)
        return
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


def _predicted_bodies(law: Law, problem: BodyProblem, table: Path) -> dict[str, np.ndarray]:
    """Return a long table of the paths of bodies: a row for every experiment, time and body."""
    import numpy as np

    from residuum.data.body_starts import long_table, read_starts
    from residuum.laws.body_prediction import predict_bodies

    experiments = read_starts(table, problem.components, problem.scalars, problem.inputs)
    try:
        parts = [long_table(e, predict_bodies(law, e)) for e in experiments]
    except UserError as mistake:
        raise mistake.at(str(table)) from None
    names = [name for name in parts[0] if name != "experiment" or len(parts) > 1]
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


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
    # Labels are safe names (data.labels), numbers are written in full precision.
    lines = [",".join(columns), *(",".join(map(_cell, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def _cell(value: float | str) -> str:
    return value if isinstance(value, str) else repr(value)


def _write(text: str, output: Path | None) -> None:
    from residuum.files import write_text

    if output is None:
        sys.stdout.write(text)
    else:
        write_text(output, text)
