"""Symbolic regression of any table: which formulas of the columns give the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from residuum.data.tables import (
    NumberTable,
    check_length,
    check_name,
    check_rows,
    number_table,
    numbers,
)
from residuum.distillers.choices import (
    Settings,
    check_possible,
    chosen_settings,
    named_variables,
    nothing_found,
)
from residuum.distillers.coherence import Coherent, read_units
from residuum.distillers.front import Candidate, Front, formula_nats
from residuum.distillers.regression import Table
from residuum.distillers.rescaling import in_computable_numbers
from residuum.distillers.searches import Found, search_table
from residuum.distillers.settings import SindySettings
from residuum.distillers.tables import Prepared, prepare
from residuum.errors import UserError, unknown_name
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.parallel import open_map
from residuum.seeds import child_seed

if TYPE_CHECKING:
    from residuum.distillers.journal import Report

MOST_VARIABLES = 30


@dataclass(frozen=True, slots=True)
class Regression:
    """Formulas for one value, simplest first, in the user's numbers and units.

    `formulas[chosen]` is the one that the data support best; `variables` are the columns of the
    table in their order, also those that were left out; `notes` are sentences for the reader.
    `experiments` are the labels of the experiments in the order of a formula's local constants.
    """

    value: str
    variables: tuple[str, ...]
    formulas: tuple[Candidate, ...]
    chosen: int
    notes: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()

    @property
    def expression(self) -> Expression:
        """The chosen formula."""
        return self.formulas[self.chosen].expression

    def predict(self, X: Any, formula: int | None = None, *, experiment: Any = None) -> np.ndarray:
        """Return the values `[n]` of the chosen formula, or of another by its index.

        `X` is a table as for `regress`: an array has the columns `variables`, a DataFrame or
        mapping is read by name. NaN or infinite outside a formula's domain. A formula with
        constants of each experiment needs `experiment[n]`, labels as `regress` was given them;
        raises UserError without them, and for a label that it was not given.
        """
        table = self._table(X)
        chosen = self.formulas[self.chosen if formula is None else formula]
        columns = dict(zip(table.names, table.X.T, strict=True))
        if chosen.local:
            places = self._places(experiment, len(table.X), chosen)
            columns |= {name: np.array(row)[places] for name, row in chosen.local.items()}
        values = evaluate(chosen.expression, columns)
        return np.broadcast_to(values, len(table.X)).copy()

    def _places(self, experiment: Any, rows: int, chosen: Candidate) -> np.ndarray:
        """Return the number of the experiment of each row."""
        if experiment is None:
            raise UserError(
                f"the formula has constants of each experiment: {', '.join(chosen.local)}",
                where="experiment",
                expected=f"one label a row, among {', '.join(self.experiments)}",
                hint="for a new experiment put values into the formula yourself",
            )
        labels = [str(label) for label in np.asarray(experiment).reshape(-1)]
        check_length(np.array(labels), rows, "experiment", "one label a row")
        for label in labels:
            if label not in self.experiments:
                raise unknown_name(label, self.experiments, what="experiment", where="experiment")
        return np.array([self.experiments.index(label) for label in labels], dtype=np.int64)

    def _table(self, X: Any) -> NumberTable:
        if isinstance(X, np.ndarray | list | tuple):
            return number_table(X, self.variables)
        missing = [name for name in self.variables if name not in X]
        if missing:
            raise UserError(
                f"no column {missing[0]!r}", where="X", expected=", ".join(self.variables)
            )
        return number_table({name: X[name] for name in self.variables})

    @property
    def front(self) -> Front:
        """The formulas as what a distiller returns."""
        return Front(self.value, self.formulas, notes=self.notes)

    def to_json(self) -> dict[str, Any]:
        """Return the content of `front.json` (schema residuum/front/1), with what was chosen."""
        return {
            "value": self.value,
            "variables": list(self.variables),
            "chosen": self.chosen,
            **({"experiments": list(self.experiments)} if self.experiments else {}),
            "terms": {self.value: self.front.to_json()},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Regression:
        """Return the regression that `to_json` wrote; raises KeyError on anything else."""
        value = str(content["value"])
        front = Front.from_json(value, content["terms"][value])
        chosen = int(content["chosen"])
        if not 0 <= chosen < len(front.candidates):
            raise ValueError(f"chosen: expected the index of a candidate, found {chosen}")
        labels = tuple(str(label) for label in content.get("experiments", ()))
        return cls(
            value, tuple(content["variables"]), front.candidates, chosen, front.notes, labels
        )


def regress(
    X: Any,
    y: Any,
    *,
    variables: Sequence[str] | None = None,
    value: str | None = None,
    units: Mapping[str, str] | None = None,
    unit: str | None = None,
    experiment: Any = None,
    weights: Any = None,
    covariance: Any = None,
    settings: Settings | None = None,
    operators: Sequence[str] | None = None,
    complexity: int | None = None,
    budget: int | str | None = None,
    loss: str | None = None,
    most_variables: int = MOST_VARIABLES,
    seed: int = 0,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Report | None = None,
) -> Regression:
    """Return formulas `y = f(X)` of each complexity, and which of them the data support.

    `X` is an array `[n, p]`, a DataFrame or a mapping of columns; `y[n]` the values. `units` maps
    every variable to a unit such as `m s-1` and `unit` is that of y: then only formulas that are
    consistent are tried. `experiment[n]` labels rows whose constants may differ (the setting
    `local_constants`); `weights[n]` are inverse variances of y, `covariance[n, n]` replaces them
    where errors are correlated. `operators`, `complexity`, `budget` and `loss` stand for the
    settings of these names. A `budget` in evaluations gives the same formulas on every machine
    for any number of `workers`. Nothing is read or written.

    Raises UserError, before anything runs, when table, names, units or settings do not fit.
    """
    given = {"operators": operators, "complexity": complexity, "budget": budget, "loss": loss}
    settings = chosen_settings(settings, given)
    columns, values = number_table(X, variables), numbers(y, "y")
    check_length(values, len(columns.X), "y", "as many values as X has rows")
    check_rows(len(values))
    named = _value_name(value, y, columns.names)
    kept = named_variables(settings, columns.names)
    coherent = _units(columns.names, units, named, unit)
    table = _table(columns, values, experiment, weights, covariance)
    if values.min() == values.max():
        return _constant(named, columns.names, float(values[0]))
    check_possible(settings, columns.names, values, coherent)
    prepared = prepare(
        table, value=named, coherent=coherent, kept=kept, most=most_variables, seed=seed
    )
    with open_map(workers, scheduler=scheduler) as mapped:
        found = search_table(
            prepared.table,
            settings,
            seed=child_seed(seed, "regress"),
            map=mapped,
            progress=progress,
        )
    if not found.formulas:
        raise nothing_found(settings, coherent is not None)
    origin = "sindy" if isinstance(settings, SindySettings) else "genetic"
    return _result(found, prepared, named, columns, origin, _labels(experiment))


def _value_name(value: str | None, y: Any, variables: tuple[str, ...]) -> str:
    if value is not None:
        if check_name(value, "value") in variables:
            raise UserError(f"{value!r} names a variable and the value", where="value")
        return value
    return next(name for name in ("y", "value", "value_", "y_value") if name not in variables)


def _units(
    variables: tuple[str, ...], units: Mapping[str, str] | None, value: str, unit: str | None
) -> Coherent | None:
    if units is None and unit is None:
        return None
    if units is None or unit is None:
        raise UserError(
            "units of some only",
            where="unit" if unit is None else "units",
            expected="units of the variables and of the value, or none at all",
        )
    return read_units(variables, units, value, unit)


def _table(
    columns: NumberTable, y: np.ndarray, experiment: Any, weights: Any, covariance: Any
) -> Table:
    """Return the table with rows sorted by experiment."""
    if weights is not None and covariance is not None:
        raise UserError(
            "weights and a covariance", where="weights", hint="the covariance holds both: give one"
        )
    labels, order = _experiments(experiment, len(y))
    X, values = columns.X[order], y[order]
    whitening = None
    if covariance is not None:
        whitening = _whitening(covariance, len(y))[:, order]
    return Table(
        columns.names,
        X,
        values,
        labels,
        precision=None if weights is None else _weights(weights, len(y))[order],
        whitening=whitening,
        target=None if whitening is None else whitening @ values,
    )


def _experiments(experiment: Any, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted numbers of the experiments and the order of rows that sorts them."""
    if experiment is None:
        return np.zeros(rows, dtype=np.int64), np.arange(rows)
    labels = [str(label) for label in np.asarray(experiment).reshape(-1)]
    check_length(np.array(labels), rows, "experiment", "one label a row")
    seen = {label: k for k, label in enumerate(dict.fromkeys(labels))}
    numbered = np.array([seen[label] for label in labels], dtype=np.int64)
    order = np.argsort(numbered, kind="stable")
    return numbered[order], order


def _labels(experiment: Any) -> tuple[str, ...]:
    if experiment is None:
        return ()
    return tuple(dict.fromkeys(str(label) for label in np.asarray(experiment).reshape(-1)))


def _weights(weights: Any, rows: int) -> np.ndarray:
    array = numbers(weights, "weights")
    check_length(array, rows, "weights", "one a row")
    if (array < 0).any() or not array.any():
        found = "zero everywhere" if not array.any() else f"{array.min():g}"
        raise UserError(
            "not weights", where="weights", expected="numbers of at least zero", found=found
        )
    return array


def _whitening(covariance: Any, rows: int) -> np.ndarray:
    """Return `w[n, n]` with `w.T @ w` the inverse of the covariance."""
    array = np.asarray(covariance, dtype=float)
    if array.shape != (rows, rows):
        raise UserError(
            "wrong shape", where="covariance", expected=str((rows, rows)), found=str(array.shape)
        )
    if not np.isfinite(array).all() or not np.allclose(array, array.T):
        raise UserError("not a covariance", where="covariance", expected="finite and symmetric")
    try:
        return np.linalg.inv(np.linalg.cholesky(array))
    except np.linalg.LinAlgError:
        raise UserError(
            "not a covariance", where="covariance", expected="a positive definite matrix"
        ) from None


def _constant(value: str, variables: tuple[str, ...], number: float) -> Regression:
    formula = Candidate(value, Expression.number(number), 0.0, 0.0, "constant")
    return Regression(value, variables, (formula,), 0, (f"{value} is constant: so is the law",))


def _result(
    found: Found,
    prepared: Prepared,
    value: str,
    columns: NumberTable,
    origin: str,
    labels: tuple[str, ...],
) -> Regression:
    plain = prepared.table.precision is None and prepared.table.whitening is None
    size = prepared.factor if plain else 1.0
    known = dict(zip(columns.names, columns.X.T, strict=True))
    local = [dict(getattr(row, "local", {})) for row in found.formulas]
    formulas = tuple(
        Candidate(
            term=value,
            expression=in_computable_numbers(
                row.expression,
                {**prepared.factors, **dict.fromkeys(own, 1.0)},
                prepared.factor,
                known | {name: np.full(len(columns.X), v[0]) for name, v in own.items()},
            ),
            loss=float(row.loss) / size / size,
            structure_nats=formula_nats(row.expression),
            origin=origin,
            local=own,
        )
        for row, own in zip(found.formulas, local, strict=True)
    )
    notes = (*prepared.notes, *found.notes)
    return Regression(
        value, columns.names, formulas, found.chosen, notes, labels if any(local) else ()
    )
