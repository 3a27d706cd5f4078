"""From observations to a law in memory: the stages train to select, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from residuum.distillers.settings import GeneticSettings, SindySettings
from residuum.laws.settings import SelectSettings
from residuum.seeds import child_seed
from residuum.surrogates.settings import PinnSettings

if TYPE_CHECKING:
    from residuum.data.observations import Observations
    from residuum.laws.law import Law
    from residuum.problem.body_problem import BodyProblem
    from residuum.problem.problem import Problem

SURROGATE, DISTILLER = "pinn", "sindy"


def discover(
    problem: Problem | BodyProblem,
    observations: Observations,
    *,
    surrogate: PinnSettings | None = None,
    distillers: Mapping[str, SindySettings | GeneticSettings] | None = None,
    select: SelectSettings | None = None,
    seed: int = 0,
    dataset: str = "",
    map: Callable[..., Iterable[Any]] = map,
) -> Law:
    """Return the law that completes `problem` on `observations`; nothing is read or written.

    The answer is that of a campaign with the same settings, seed and dataset name. `distillers`
    are settings by name (`sindy`, `genetic`), sparse regression alone if not given. `map` may
    spread candidates over workers, such as the one of `residuum.parallel.open_map`. Values are in
    the user's units throughout. Raises UserError when the observations do not fit the problem.
    """
    from residuum.distillers.distiller import distill
    from residuum.hidden.extract import extract
    from residuum.laws.select import select as select_law
    from residuum.problem.dimensions import coherent
    from residuum.surrogates.train import train

    problem = coherent(problem, observations.units)
    settings = surrogate or PinnSettings()
    trained = train(
        problem,
        observations,
        settings,
        seed=child_seed(seed, "train", dataset, SURROGATE),
        device=settings.device,
    )
    extraction = extract(trained, problem, observations)
    fronts = [
        {
            term: distill(
                samples,
                chosen,
                seed=child_seed(seed, "distill", dataset, SURROGATE, name, term),
                map=map,
            )
            for term, samples in extraction.samples.items()
        }
        for name, chosen in (distillers or {DISTILLER: SindySettings()}).items()
    ]
    selection = select_law(
        problem,
        observations,
        extraction,
        fronts,
        select or SelectSettings(),
        dataset=dataset,
        map=map,
    )
    return selection.law
