"""Where refits of bodies through their dynamics start, bodies that are absent included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from residuum.data.observations import Observations
from residuum.data.written_bodies import WrittenBodies, unknown_name, unknown_scalars
from residuum.hidden.samples import Extraction, Trajectory
from residuum.laws.starts import starting_trajectories
from residuum.problem.body_problem import BodyProblem

# Absent bodies rest beside all paths, in units of the largest coordinate: nothing depends on
# them, but formulas must have a value at their distances from the others.
BESIDE = 1.5


def body_starts(
    bodies: WrittenBodies,
    flat: Observations,
    observations: Observations,
    learned: Mapping[str, Trajectory],
) -> dict[str, Trajectory]:
    """Return a trajectory of every component for every experiment, `flat` those of all bodies.

    It is the surrogate's where it has one, else smoothed measurements.
    """
    if not bodies.ragged:
        return dict(learned)
    resting = {
        e.name: _resting(bodies, observations, len(e.bodies)) for e in observations.experiments
    }
    whole = {
        name: Trajectory(path.t, {**_still(resting[name], path.t), **path.components})
        for name, path in learned.items()
    }
    found = starting_trajectories(bodies.written, flat, whole)
    return {
        name: Trajectory(path.t, {**path.components, **_still(resting[name], path.t)})
        for name, path in found.items()
    }


def with_unknown(
    problem: BodyProblem, observations: Observations, extraction: Extraction
) -> Extraction:
    """Return the extraction with a start of every scalar that is not known.

    The surrogate has not met those of bodies in experiments that it was not trained on: they start
    at the mean of those that are known, or at one.
    """
    found: dict[str, tuple[float, float]] = {}
    for scalar, label in unknown_scalars(problem, observations.experiments):
        values = np.concatenate([e.scalars[scalar] for e in observations.experiments])
        known = values[np.isfinite(values)]
        found[unknown_name(scalar, label)] = (float(known.mean()) if known.any() else 1.0, np.inf)
    return replace(extraction, parameters=found | dict(extraction.parameters))


def _resting(bodies: WrittenBodies, observations: Observations, there: int) -> dict[str, float]:
    """Return the components of bodies that are absent from an experiment of so many."""
    found = {}
    for component in bodies.problem.components:
        given = [e.states[component] for e in observations.experiments if component in e.states]
        size = max((float(np.nanmax(np.abs(values))) for values in given), default=1.0)
        for place in range(there, bodies.expansion.bodies):
            beside = BESIDE * size * (1 + place - there)
            value = beside if component in bodies.problem.states else 0.0
            for axis in range(bodies.expansion.axes):
                found[bodies.expansion.component(component, place, axis)] = value
    return found


def _still(values: Mapping[str, float], t: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.full(len(t), value) for name, value in values.items()}
