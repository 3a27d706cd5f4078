"""prepare: from a file or a simulation to checked observations with a held-out split."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from residuum.data.prepare import prepare as prepare_observations
from residuum.io.observations import write_observations
from residuum.problem.body_problem import BodyProblem
from residuum.stages.paths import paths_of

if TYPE_CHECKING:
    from residuum.config import Dataset
    from residuum.data.observations import Observations


def prepare(dataset: Dataset, results: Path) -> None:
    """Write `observations.nc`."""
    write_observations(paths_of(results, dataset.name).observations, observe(dataset))


def observe(dataset: Dataset) -> Observations:
    """Return the observations of a dataset; raises UserError on every fault of the data."""
    problem = dataset.problem
    return prepare_observations(
        dataset.data,
        dataset.base,
        dataset=dataset.name,
        states=problem.states,
        title=dataset.title,
        holdout=dataset.select.holdout,
        seed=dataset.seed,
        where=f"{dataset.where}.data",
        bodies=problem if isinstance(problem, BodyProblem) else None,
    )
