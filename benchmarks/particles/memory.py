"""What one iteration of Levenberg-Marquardt costs in time and memory, against the pairs.

Each number of bodies has a process of its own, so that its peak is its own. The snapshots are
random positions with exact accelerations: nothing is simulated.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe
from benchmarks.particles.cases import observations_of, problem_of
from benchmarks.particles.simulations import CASES, Snapshots, accelerations, pair_forces
from benchmarks.particles.surrogate import DEFAULT
from benchmarks.records import write_result
from residuum.seeds import generator

BODIES = (4, 8, 16, 32, 50)
CASE, FRAMES, AXES, ITERATIONS = "spring", 100, 2, 5
HEAD = "mutual"
MIB = 1024.0  # kibibytes


def measure(
    *, result: Path, bodies: Sequence[int] = BODIES, frames: int = FRAMES, seed: int = 0
) -> None:
    """Write seconds an iteration and peak memory for each number of bodies."""
    rows = []
    for n in bodies:
        # Spawned: a forked process would begin with the memory of this one.
        with get_context("spawn").Pool(1) as pool:
            rows.append(pool.apply(one, (n, frames, seed)))
        print(rows[-1], flush=True)
    write_result(result, {"machine": describe(), "frames": frames, "axes": AXES, "rows": rows})


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
