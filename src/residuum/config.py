"""What a campaign is: its file read, checked whole, and turned into problems and settings.

Nothing is trained before everything here has passed. Importing this module is cheap, because
Snakemake does so in every job.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from residuum.config_reading import listed, numbers, read_model
from residuum.config_schema import (
    NAME_PATTERN,
    DatasetModel,
    ParameterModel,
)
from residuum.data.settings import DataSettings
from residuum.distillers.settings import SETTINGS as DISTILLERS
from residuum.distillers.settings import SindySettings
from residuum.errors import UserError, unknown_name
from residuum.laws.settings import SelectSettings
from residuum.surrogates.settings import SETTINGS as SURROGATES
from residuum.surrogates.settings import GraphSettings, PinnSettings
from residuum.yaml_file import check_plain, read_yaml

if TYPE_CHECKING:
    from residuum.problem.body_problem import BodyProblem
    from residuum.problem.problem import Parameter, Problem


@dataclass(frozen=True)
class Dataset:
    """One dataset of a campaign, checked: the problem and the settings of every stage.

    `base` is the folder that relative paths start from; `where` says where the dataset stands
    in the file, for messages.
    """

    name: str
    title: str
    seed: int
    base: Path
    where: str
    data: DataSettings
    problem: Problem | BodyProblem
    surrogates: Mapping[str, PinnSettings | GraphSettings]
    distillers: Mapping[str, SindySettings]
    select: SelectSettings

    @property
    def file(self) -> Path | None:
        """The data file, or None for a simulation."""
        return None if self.data.file is None else self.base / self.data.file

    def surrogate(self, name: str) -> PinnSettings | GraphSettings:
        """Return the settings of a surrogate; raises UserError for another name."""
        if name not in self.surrogates:
            raise unknown_name(name, self.surrogates, what="surrogate", where=self.where)
        return self.surrogates[name]

    def distiller(self, name: str) -> SindySettings:
        """Return the settings of a distiller; raises UserError for another name."""
        if name not in self.distillers:
            raise unknown_name(name, self.distillers, what="distiller", where=self.where)
        return self.distillers[name]

    @property
    def physics(self) -> dict[str, Any]:
        """The known equations and parameters as plain values."""
        return {
            "equations": {equation.left: equation.text for equation in self.problem.equations},
            "parameters": [asdict(parameter) for parameter in self.problem.parameters],
        }

    def section(self, stage: str, name: str | None = None) -> dict[str, Any]:
        """Return, as plain values, the settings that one stage depends on and no others.

        `name` is the surrogate of `train` or the distiller of `distill`. A workflow that passes
        this as a parameter of a rule re-runs exactly what an edit of the file touches.
        """
        select = asdict(self.select)
        holdout = select.pop("holdout")
        sections: dict[str, Any] = {
            "prepare": {
                "title": self.title,
                "holdout": holdout,
                **_plain(self.data),
                "equations": [equation.left for equation in self.problem.equations],
            },
            "train": {**self.physics, "units": dict(self.data.units)},
            "extract": self.physics,
            "distill": {},
            "select": {**self.physics, **select},
            "report": {"title": self.title, **self.physics, "units": dict(self.data.units)},
        }
        if stage not in sections:
            raise unknown_name(stage, sections, what="stage")
        found = {"seed": self.seed, **sections[stage]}
        if stage == "train" and name is not None:
            found["settings"] = _plain(self.surrogate(name))
        if stage == "distill" and name is not None:
            found["settings"] = _plain(self.distiller(name))
        return found


@dataclass(frozen=True)
class Campaign:
    """Everything a campaign file says, checked."""

    seed: int
    datasets: Mapping[str, Dataset]
    where: str

    def dataset(self, name: str) -> Dataset:
        """Return a dataset by name; raises UserError for another name."""
        if name not in self.datasets:
            raise unknown_name(name, self.datasets, what="dataset", where=self.where)
        return self.datasets[name]


def load_campaign(path: str | Path, *, dimensions: bool = True) -> Campaign:
    """Return the campaign of a YAML file, checked whole.

    `dimensions=False` leaves out the check of units, whose tables take a second to import: for
    stages of a campaign that was checked before.

    Raises one UserError that lists up to ten mistakes, each with its YAML path, what was
    expected, what was found and the nearest valid name.
    """
    path = Path(path)
    return _campaign(read_yaml(path), path.parent, str(path), dimensions)


def campaign_from_mapping(
    mapping: Mapping[str, Any],
    base: str | Path,
    where: str = "config",
    *,
    dimensions: bool = True,
) -> Campaign:
    """Return the campaign of a mapping that is already read, such as Snakemake's `config`.

    Relative paths start from `base`. Raises UserError as `load_campaign` does.
    """
    plain = check_plain(numbers(dict(mapping)), where)
    return _campaign(plain, Path(base), where, dimensions)


def _campaign(raw: dict[str, Any], base: Path, where: str, dimensions: bool) -> Campaign:
    model = read_model(raw, where)
    datasets, faults = {}, []
    for name, dataset in model.datasets.items():
        try:
            place = f"{where}: datasets.{name}"
            problem = _problem(dataset, place, dimensions)
            surrogates = _chosen(
                dataset.surrogates, SURROGATES, "graph" if dataset.data.of_bodies else "pinn"
            )
            _check_surrogates(surrogates, dataset.data, problem, place)
            datasets[name] = Dataset(
                name=name,
                title=dataset.title,
                seed=model.seed,
                base=base,
                where=place,
                data=dataset.data,
                problem=problem,
                surrogates=surrogates,
                distillers=_chosen(dataset.distillers, DISTILLERS, "sindy"),
                select=dataset.select,
            )
        except UserError as fault:
            faults.append(fault)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise listed([str(fault).removeprefix(f"{where}: ") for fault in faults], where)
    return Campaign(model.seed, datasets, where)


def _check_surrogates(
    surrogates: Mapping[str, object],
    data: DataSettings,
    problem: Problem | BodyProblem,
    where: str,
) -> None:
    if "graph" in surrogates and not data.of_bodies:
        raise UserError(
            "graph is for systems of bodies, and these data have none",
            where=f"{where}.surrogates.graph",
            hint="use pinn, or name the column that tells bodies apart: data: {body: COLUMN}",
        )
    if data.of_bodies and "pinn" in surrogates:
        from residuum.problem.body_problem import refuse_nested

        refuse_nested(cast("BodyProblem", problem), f"{where}.surrogates.pinn")


def _problem(model: DatasetModel, where: str, dimensions: bool) -> Problem | BodyProblem:
    if model.data.of_bodies:
        return _body_problem(model, where, dimensions)
    from residuum.data.specification import check_simulation, units_of
    from residuum.problem.dimensions import coherent
    from residuum.problem.equations import read_problem

    data = model.data
    states = tuple(data.states) or None
    if data.simulate is not None:
        truth = check_simulation(data.simulate, f"{where}.data.simulate")
        states = data.simulate.observe or truth.states
    parameters = {key: _parameter(key, value) for key, value in model.parameters.items()}
    equations = {left: _text(right) for left, right in model.equations.items()}
    named = (*(states or map(_state, equations)), *data.inputs)
    units = units_of(data, named, f"{where}.data")
    # A parameter given in 1/day serves a system in years: converting needs the tables anyway.
    converts = any(parameter.unit is not None for parameter in parameters.values())
    problem = read_problem(
        equations,
        states=states,
        inputs=tuple(data.inputs),
        parameters=parameters,
        units=units if dimensions or converts else {},
        where=where,
    )
    return coherent(problem, units, where=where) if converts else problem


def _body_problem(model: DatasetModel, where: str, dimensions: bool) -> BodyProblem:
    from residuum.data.body_specification import check_body_simulation
    from residuum.data.specification import units_of
    from residuum.problem.body_equations import read_body_problem
    from residuum.problem.body_problem import refuse_nested
    from residuum.problem.dimensions import coherent

    data = model.data
    states, scalars = tuple(data.states) or None, tuple(data.scalars)
    if data.simulate is not None:
        truth = check_body_simulation(data.simulate, f"{where}.data.simulate")
        states, scalars = data.simulate.observe or truth.states, truth.scalars
    equations = {left: _text(right) for left, right in model.equations.items()}
    named = (*(states or map(_state, equations)), *data.inputs, *scalars)
    units = units_of(data, named, f"{where}.data")
    parameters = {key: _parameter(key, value) for key, value in model.parameters.items()}
    converts = any(parameter.unit is not None for parameter in parameters.values())
    problem = read_body_problem(
        equations,
        states=states,
        scalars=scalars,
        inputs=tuple(data.inputs),
        parameters=parameters,
        units=units if dimensions or converts else {},
        where=where,
    )
    if states is not None and not set(equations) <= set(states):
        refuse_nested(problem, f"{where}.equations")
    return coherent(problem, units, where=where) if converts else problem


def _state(left: str) -> str:
    from residuum.problem.names import split_suffix

    return (split_suffix(left) or (left, ""))[0]


def _text(right: str | float) -> str:
    return right if isinstance(right, str) else repr(right)


def _parameter(name: str, model: ParameterModel | None) -> Parameter:
    from residuum.problem.problem import Parameter

    model = model or ParameterModel()
    unit = f"{model.unit:.17g}" if isinstance(model.unit, int | float) else model.unit
    return Parameter(name, model.value, model.bounds, unit)


def _chosen(model: Any, registry: Mapping[str, type], default: str) -> dict[str, Any]:
    """Return the settings of the entries that the file names, or those of the default one."""
    named = [key for key in registry if key in model.model_fields_set]
    return {key: getattr(model, key) or registry[key]() for key in named or [default]}


def _plain(settings: Any) -> dict[str, Any]:
    """Return settings as JSON values."""
    whole: dict[str, Any] = json.loads(json.dumps(asdict(settings)))
    return whole


__all__ = ["NAME_PATTERN", "Campaign", "Dataset", "campaign_from_mapping", "load_campaign"]
