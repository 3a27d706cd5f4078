"""What an iteration of Levenberg-Marquardt and a whole training cost, against the pairs.

Each number of bodies has a process of its own, and its training another, so that its peak of memory
is its own. The snapshots are random positions with exact accelerations: nothing is simulated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe
from benchmarks.particles.cases import observations_of, problem_of
from benchmarks.particles.network import judged, means_of
from benchmarks.particles.rows import timed
from benchmarks.particles.simulations import CASES, Snapshots, accelerations, pair_forces
from benchmarks.particles.surrogate import DEFAULT, train_graph
from benchmarks.records import write_result
from residuum.seeds import generator

BODIES = (4, 8, 16, 32, 50)
CASE, FRAMES, AXES, ITERATIONS = "spring", 100, 2, 5
TRAINED, UNSEEN = 20, 100  # snapshots of a whole training, and of its judging
HEAD = "mutual"
MIB = 1024.0  # kibibytes


def measure(
    *, result: Path, bodies: Sequence[int] = BODIES, frames: int = FRAMES, seed: int = 0
) -> None:
    """Write seconds and peak memory of an iteration and a training for each number of bodies."""
    rows = []
    for n in bodies:
        rows.append({**alone(one, n, frames, seed), "training": alone(whole, n, TRAINED, seed)})
        print(rows[-1], flush=True)
    write_result(
        result,
        {"machine": describe(), "frames": frames, "trained": TRAINED, "axes": AXES, "rows": rows},
    )


def alone(work: Callable[..., dict[str, Any]], *arguments: int) -> dict[str, Any]:
    """Return what work returns in a process of its own."""
    # Spawned: a forked process would begin with the memory of this one.
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def whole(bodies: int, frames: int, seed: int) -> dict[str, Any]:
    """Return what a whole training costs, and how its messages agree with unseen forces."""
    import torch

    torch.set_num_threads(1)
    problem = problem_of(CASE)
    observations = observations_of(random_snapshots(bodies, frames, seed))
    before = peak()
    surrogate, took = timed(lambda: train_graph(problem, observations, seed=seed))
    costs = {**took, "before": before, "peak": peak(), "pairs": frames * bodies * (bodies - 1)}
    unseen = random_snapshots(bodies, UNSEEN, seed + 1)
    return {**costs, **judged(problem, means_of(surrogate), unseen)}


def one(bodies: int, frames: int, seed: int) -> dict[str, Any]:
    """Return what one number of bodies costs: data first, then the start, then iterations."""
    import torch

    torch.set_num_threads(1)
    began = time.perf_counter()
    bench, start, precision = _prepared(random_snapshots(bodies, frames, seed), seed)
    prepared, before = time.perf_counter() - began, peak()
    with torch.inference_mode():
        _iterate(bench, start, precision, 1)
        began = time.perf_counter()
        done = _iterate(bench, start, precision, ITERATIONS)
    return {
        "bodies": bodies,
        "pairs": frames * bodies * (bodies - 1),
        "unknowns": start.shape[1],
        "restarts": len(start),
        "prepared": prepared,
        "seconds": (time.perf_counter() - began) / done,
        "before": before,
        "peak": peak(),
    }


def random_snapshots(bodies: int, frames: int, seed: int) -> Snapshots:
    """Return bodies spread over an area that grows with their number."""
    rng, case = generator(seed, "particles", "memory", bodies), CASES[CASE]
    x = np.sqrt(bodies) * rng.standard_normal((frames, bodies, AXES))
    v = rng.standard_normal(x.shape)
    m, q = np.exp(rng.standard_normal(x.shape[:2])), rng.choice([-1.0, 1.0], x.shape[:2])
    return Snapshots(x, v, m, q, accelerations(case, x, v, m, q), pair_forces(case, x, m, q))


def _prepared(found: Snapshots, seed: int) -> tuple[Any, Any, Any]:
    """Return the bench, starts of all unknowns and their priors."""
    import torch

    from residuum.surrogates.graph.bench import make_bench
    from residuum.surrogates.graph.frames import frames_of

    problem = problem_of(CASE)
    frames = frames_of(problem, observations_of(found).training)
    bench = make_bench(problem, frames, DEFAULT, lambda row: None)
    heads = {term: bench.head(term, HEAD) for term in bench.views}
    random = torch.Generator().manual_seed(seed)
    parts = [heads[term.name].initial(DEFAULT.ensemble, random) for term in problem.hidden_terms]
    start = torch.cat(parts, 1)
    return (bench, heads), start, torch.ones_like(start)


def _iterate(prepared: Any, start: Any, precision: Any, iterations: int) -> int:
    """Do some iterations from the start; return how many were done."""
    from residuum.surrogates.graph.errors import first_errors, sizes
    from residuum.surrogates.graph.model import GraphModel
    from residuum.surrogates.levenberg import minimise_by
    from residuum.surrogates.normal_equations import Unknowns

    bench, heads = prepared
    frames = bench.frames
    errors = {s: first_errors(sizes(y), len(start)) for s, y in frames.targets.items()}
    model = GraphModel(bench.system(heads), frames, errors)
    none = start.new_zeros(len(start), 1, 0)
    fit = minimise_by(
        model.residuals,
        model.equations,
        Unknowns(none, start),
        Unknowns(none[:, 0], precision),
        iterations=iterations,
        damping=1e-3,
        tolerance=0.0,
    )
    return int(fit.iterations)


def peak() -> float:
    """Return the most memory this process ever held, in MiB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / MIB
    return float("nan")
