"""`python -m benchmarks COMMAND`: run one case, or write the page from the results at hand."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

# One core: before numpy and torch are imported, since they read this once.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

ALONE = ("refit", "peer", "arguments", "units", "individuals", "islands")


def main() -> None:
    """Read the command line and do what it says."""
    chosen = _parser().parse_args()
    chosen.run(chosen)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _recovery(commands.add_parser("recovery", help="share of draws recovered (B1, B2, B3)"))
    for name in ALONE:
        _alone(commands.add_parser(name, help=f"the case `{name}`"), name)
    lynx = commands.add_parser("lynx_hare", help="the real counts (B19)")
    lynx.add_argument("--result", type=Path, required=True)
    lynx.set_defaults(run=_run_lynx_hare)
    _particles(commands.add_parser("particles", help="bodies with pair forces, twelve cases"))
    _symbolic(commands.add_parser("symbolic", help="symbolic regression suites"))
    _page(commands.add_parser("page", help="write docs/benchmarks.md from results"))
    return parser


def _recovery(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", choices=("B1", "B2", "B3"))
    parser.add_argument("--noise", type=float, required=True)
    parser.add_argument("--points", type=int, required=True)
    parser.add_argument("--draws", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0, help="first draw")
    parser.add_argument("--lines", type=Path, required=True, help="one JSON line a draw, kept")
    parser.add_argument("--result", type=Path, required=True)
    parser.set_defaults(run=_run_recovery)


def _alone(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("--draws", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0, help="first draw")
    parser.add_argument("--result", type=Path, required=True)
    if name == "refit":
        parser.add_argument("--repeats", type=int, default=20)
    if name == "peer":
        parser.add_argument("--seconds", type=float, default=120.0, help="the peer's, a draw")
    if name == "islands":
        parser.add_argument("--evaluations", type=int, default=160_000, help="of each search")
    parser.set_defaults(run=globals()[f"_run_{name}"])


def _symbolic(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", choices=("strogatz", "odebench", "fastsrb", "empirical"))
    parser.add_argument("--noise", type=float, default=0.0, help="share of rms(y), such as 0.1")
    parser.add_argument("--units", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each engine, a problem")
    parser.add_argument(
        "--engine",
        choices=("residuum", "pyoperon", "pyoperon+polish", "gplearn"),
        default="residuum",
    )
    parser.add_argument("--only", nargs="+", default=(), metavar="NAME")
    parser.add_argument("--data", type=Path, help="folder of the data, else ../shared/data")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/symbolic"))
    parser.set_defaults(run=_run_symbolic)


def _particles(parser: argparse.ArgumentParser) -> None:
    parts = parser.add_subparsers(required=True, metavar="PART")
    about = {
        "messages": "messages against true forces",
        "laws": "the whole pipeline",
        "positions": "the same from noisy positions alone",
        "masses": "the same with unknown masses",
    }
    for name, text in about.items():
        part = parts.add_parser(name, help=text)
        part.add_argument("--only", nargs="+", default=(), metavar="CASE", help="such as spring-2")
        part.add_argument("--seeds", type=int, default=1)
        part.add_argument("--lines", type=Path, required=True, help="one JSON line a row, kept")
        part.set_defaults(run=globals()[f"_run_{name}"])
        if name != "messages":
            part.add_argument("--seconds", type=float, default=60.0, help="genetic, a term")
    peer = parts.add_parser("peer", help="beside torch_geometric")
    peer.add_argument("--only", nargs="+", default=("spring-2", "r2-2"), metavar="CASE")
    peer.add_argument("--draws", type=int, default=1)
    peer.add_argument("--seed", type=int, default=0, help="first draw")
    peer.add_argument("--seconds", type=float, default=300.0, help="the peer's, a variant")
    peer.set_defaults(run=_run_particle_peer)
    memory = parts.add_parser("memory", help="an iteration against pairs")
    memory.add_argument("--bodies", type=int, nargs="+", default=(4, 8, 16, 32, 50))
    memory.set_defaults(run=_run_memory)
    for part in (peer, memory):
        part.add_argument("--result", type=Path, required=True)
    for part in parts.choices.values():
        if part is not memory:
            part.add_argument(
                "--data", type=Path, default=Path("benchmarks/results/particles/data")
            )


def _page(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--page", type=Path, default=Path("docs/benchmarks.md"))
    parser.set_defaults(run=_run_page)


def _run_recovery(a: argparse.Namespace) -> None:
    _one_thread()
    from benchmarks.recovery import run_draws

    run_draws(
        a.case,
        noise=a.noise,
        points=a.points,
        draws=a.draws,
        seed=a.seed,
        lines=a.lines,
        result=a.result,
    )


def _run_lynx_hare(a: argparse.Namespace) -> None:
    _one_thread()
    from benchmarks.lynx_hare import measure

    measure(result=a.result)


def _run_refit(a: argparse.Namespace) -> None:
    from benchmarks.refit import measure

    measure(draws=a.draws, repeats=a.repeats, seed=a.seed, result=a.result)


def _run_peer(a: argparse.Namespace) -> None:
    _one_thread()
    from benchmarks.peer import measure

    measure(draws=a.draws, seconds=a.seconds, seed=a.seed, result=a.result)


def _run_arguments(a: argparse.Namespace) -> None:
    _one_thread()
    from benchmarks.arguments import measure

    measure(draws=a.draws, seed=a.seed, result=a.result)


def _run_units(a: argparse.Namespace) -> None:
    _one_thread()
    from benchmarks.units import measure

    measure(draws=a.draws, seed=a.seed, result=a.result)


def _run_symbolic(a: argparse.Namespace) -> None:
    if a.data is not None:
        os.environ["RESIDUUM_BENCHMARK_DATA"] = str(a.data)
    from benchmarks.symbolic.run import run_suite

    run_suite(
        a.suite,
        noise=a.noise,
        units=a.units,
        seeds=a.seeds,
        seconds=a.seconds,
        engine=a.engine,
        only=a.only,
        lines=a.results / f"{a.suite}.jsonl",
    )


def _run_messages(a: argparse.Namespace) -> None:
    _one_thread()
    from benchmarks.particles.messages import measure

    measure(only=a.only, seeds=a.seeds, lines=a.lines, data=a.data)


def _run_laws(a: argparse.Namespace) -> None:
    _one_thread()
    from benchmarks.particles.laws import measure

    measure(only=a.only, seeds=a.seeds, seconds=a.seconds, lines=a.lines, data=a.data)


def _run_positions(a: argparse.Namespace) -> None:
    _one_thread()
    from benchmarks.particles.positions import measure

    measure(only=a.only, seeds=a.seeds, seconds=a.seconds, lines=a.lines, data=a.data)


def _run_masses(a: argparse.Namespace) -> None:
    _one_thread()
    from benchmarks.particles.masses import measure

    measure(only=a.only, seeds=a.seeds, seconds=a.seconds, lines=a.lines, data=a.data)


def _run_particle_peer(a: argparse.Namespace) -> None:
    _one_thread()
    from benchmarks.particles.peer import measure

    measure(
        draws=a.draws,
        seconds=a.seconds,
        seed=a.seed,
        result=a.result,
        only=a.only,
        data=a.data,
    )


def _run_memory(a: argparse.Namespace) -> None:
    from benchmarks.particles.memory import measure

    measure(result=a.result, bodies=a.bodies)


def _run_islands(a: argparse.Namespace) -> None:
    from benchmarks.islands import measure

    measure(draws=a.draws, evaluations=a.evaluations, seed=a.seed, result=a.result)


def _run_individuals(a: argparse.Namespace) -> None:
    from benchmarks.individuals import measure

    measure(draws=a.draws, seed=a.seed, result=a.result)


def _run_page(a: argparse.Namespace) -> None:
    from benchmarks.page import write_page

    write_page(a.results, a.page)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


if __name__ == "__main__":
    main()
