"""The whole pipeline on one dataset in one process, with the wall time of each stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from residuum.data.observations import Observations
from residuum.distillers.distiller import distill
from residuum.distillers.front import Front
from residuum.distillers.settings import SindySettings
from residuum.expressions.expression import Expression
from residuum.hidden.extract import extract
from residuum.hidden.samples import Extraction
from residuum.laws.choice import Selection
from residuum.laws.select import select
from residuum.laws.settings import SelectSettings
from residuum.problem.problem import Problem
from residuum.seeds import child_seed
from residuum.surrogates.settings import PinnSettings
from residuum.surrogates.train import train

Value = TypeVar("Value")


@dataclass
class Clock:
    """Wall seconds by the name of what was done, and the processor's seconds of all of it.

    Only the latter does not depend on what else the machine does.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    cpu: float = 0.0

    def time(self, name: str, work: Callable[[], Value]) -> Value:
        """Do the work and note how long it took."""
        began, cpu = time.perf_counter(), time.process_time()
        value = work()
        self.seconds[name] = time.perf_counter() - began
        self.cpu += time.process_time() - cpu
        return value


@dataclass(frozen=True)
class Settings:
    """Settings of the stages; the defaults of the library, with nothing held out."""

    pinn: PinnSettings = field(default_factory=lambda: PinnSettings(device="cpu"))
    sindy: SindySettings = field(default_factory=lambda: SindySettings(degree=3))
    select: SelectSettings = field(default_factory=lambda: SelectSettings(holdout=0.0))


@dataclass(frozen=True)
class Outcome:
    """What the stages returned, their wall times and the processor time of all."""

    surrogate: Any
    extraction: Extraction
    fronts: Mapping[str, Front]
    selection: Selection
    seconds: Mapping[str, float]
    cpu: float

    @property
    def hidden(self) -> dict[str, Expression]:
        """The formula of each hidden term of the chosen law."""
        return formulas(self.selection)


def run(
    problem: Problem,
    observe: Callable[[], Observations],
    *,
    seed: int,
    settings: Settings | None = None,
) -> tuple[Observations, Outcome]:
    """Prepare, train, extract, distil and select; one core if the threads are limited to one."""
    settings, clock = settings or Settings(), Clock()
    observations = clock.time("prepare", observe)
    surrogate = clock.time(
        "train",
        lambda: train(
            problem, observations, settings.pinn, seed=child_seed(seed, "train"), device="cpu"
        ),
    )
    extraction = clock.time("extract", lambda: extract(surrogate, problem, observations))
    fronts = clock.time("distill", lambda: distil(extraction, settings.sindy, seed))
    selection = clock.time(
        "select",
        lambda: select(problem, observations, extraction, [fronts], settings.select),
    )
    return observations, Outcome(surrogate, extraction, fronts, selection, clock.seconds, clock.cpu)


def distil(extraction: Extraction, settings: SindySettings, seed: int) -> dict[str, Front]:
    """Return the front of every hidden term."""
    return {
        term: distill(samples, settings, seed=child_seed(seed, "distill", term))
        for term, samples in extraction.samples.items()
    }


def select_without_sharing(
    problem: Problem, observations: Observations, outcome: Outcome, settings: Settings
) -> Selection:
    """Choose again from the same fronts, with every form at its full price.

    A whole selection of its own: which laws are extended follows from its own ranking.
    """
    alone = replace(settings.select, shared_forms=False)
    return select(problem, observations, outcome.extraction, [outcome.fronts], alone)


def formulas(selection: Selection) -> dict[str, Expression]:
    """Return the formula of each hidden term of a selection's law."""
    return {name: formula.expression for name, formula in selection.law.hidden.items()}
