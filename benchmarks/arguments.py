"""A hidden term declared with six arguments of which two matter: which are reported alive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import B1, STATES, is_product
from benchmarks.machine import describe
from benchmarks.pipeline import Settings, run
from benchmarks.records import write_result
from residuum.data.observations import Experiment, Observations
from residuum.data.settings import Noise
from residuum.data.simulate import simulate
from residuum.problem.equations import read_problem
from residuum.problem.problem import Parameter, Problem
from residuum.seeds import generator

POINTS, STOP, NOISE = 100, 10.0, 0.01
WEATHER = ("temperature", "rain", "light", "wind")


def measure(*, draws: int, seed: int, result: Path) -> None:
    """Run the whole pipeline on several draws and write what was reported alive."""
    rows = [one_draw(draw) for draw in range(seed, seed + draws)]
    write_result(result, {"machine": describe(), "rows": rows})


def problem_of() -> Problem:
    """Return prey that are eaten in an unknown way; four measured signals may play a part."""
    return read_problem(
        {
            "prey_t": f"alpha*prey - predation({', '.join((*STATES, *WEATHER))})",
            "predator_t": "gamma*prey*predator - delta*predator",
        },
        states=STATES,
        inputs=WEATHER,
        parameters={
            name: Parameter(name, getattr(B1, name)) for name in ("alpha", "gamma", "delta")
        },
    )


def observe(draw: int) -> Observations:
    """Return one experiment of 100 samples with 1 % noise beside four signals that do nothing."""
    case = type(B1)("B1", B1.alpha, B1.beta, B1.gamma, B1.delta, B1.initial, STOP)
    (states,) = simulate(case.simulation(POINTS, NOISE), seed=draw, dataset="arguments")
    rng = generator(draw, "arguments", "weather")
    inputs = {name: wave(states.t, rng) for name in WEATHER}
    experiment = Experiment(states.name, states.t, states.states, inputs)
    return Observations.of([experiment], noise=Noise("relative"), title="six arguments")


def wave(t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a smooth signal `[n]`: three sines of random size, period and phase."""
    size, phase = rng.uniform(0.3, 1.0, 3), rng.uniform(0.0, 2.0 * np.pi, 3)
    period = rng.uniform(1.5, 8.0, 3)
    return (size * np.sin(2.0 * np.pi * t[:, None] / period + phase)).sum(axis=1)


def one_draw(draw: int) -> dict[str, Any]:
    """Return which arguments are alive, how much each matters, and what the law uses."""
    _, outcome = run(problem_of(), lambda: observe(draw), seed=draw, settings=Settings())
    structure, formula = outcome.extraction.structure, outcome.hidden["predation"]
    alive = [name for name, lives in structure.alive["predation"].items() if lives]
    row = {
        "draw": draw,
        "alive": alive,
        "right": set(alive) == set(STATES),
        "sensitivity": structure.sensitivity["predation"],
        "formula": formula.infix(),
        "law_uses": sorted(set(formula.variables)),
        "recovered": is_product(formula),
        "seconds": dict(outcome.seconds),
        "total": sum(outcome.seconds.values()),
    }
    print(row, flush=True)
    return row
