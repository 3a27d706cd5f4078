"""docs/benchmarks.md from the results at hand, good or bad."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.earlier import KEPT, SEPARATORS, entries, kept, others, sections
from benchmarks.engine_page import individuals, islands
from benchmarks.machine import MEASURED_CODE
from benchmarks.particles.page import draw as draw_particles
from benchmarks.particles.page import machines as particle_machines
from benchmarks.particles.page import render_particles
from benchmarks.peer import OURS
from benchmarks.published import (
    GOAL_PEER_RATIO,
    GOAL_REFIT_DIFFERENCE,
    GOAL_REFIT_MS,
    LYNX_HARE,
    POSTERIORDB,
)
from benchmarks.records import read_result
from benchmarks.recovery_page import b1, b2, b3
from benchmarks.symbolic.page import HEADING as SYMBOLIC_HEADING
from benchmarks.symbolic.page import machines as measured_on
from benchmarks.symbolic.page import render_symbolic
from benchmarks.tables import MISSING, formula, largest, middle, number, table
from residuum.files import write_text
from residuum.provenance import code_digest

HEAD = """\
# Benchmarks

Written by `snakemake -s benchmarks/Snakefile --cores 2` from its own results; do not edit.

Everything here was measured by this project on the machine named below, each case on one core
(OMP_NUM_THREADS=1), except what is marked *published*: those figures are quoted from their
source, were not measured here, and come from other machines and other draws. What was not run
again for this page stands as on the page before and says so at its end.
"""
ALONE = ("lynx_hare", "refit", "peer", "arguments", "units", "individuals", "islands")
SHOWN = 12  # digits of a digest
Result = Mapping[str, Any]


def write_page(results: Path, page: Path) -> None:
    """Write the page; a case without results keeps what the page held, or was not run."""
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    page.parent.mkdir(parents=True, exist_ok=True)
    write_text(page, render(results, before))
    draw_particles(results / "particles", page.parent)


def render(results: Path, before: str = "") -> str:
    """Return the text of the page; `before` is the page that it replaces."""
    earlier = sections(before, "## ")
    recovery = {case: _recovery(results / case) for case in ("B1", "B2", "B3")}
    alone = {name: read_result(results / f"{name}.json") for name in ALONE}
    found = [r for rows in recovery.values() for r in rows] + [r for r in alone.values() if r]
    now = [
        b1(recovery["B1"]),
        b2(recovery["B2"]),
        b3(recovery["B3"]),
        _section("B19: real lynx and hare, 21 years", lynx_hare, alone["lynx_hare"]),
        _section("Surrogate against a plain PINN (DeepXDE)", peer, alone["peer"]),
        _section("Refit of one candidate against scipy", refit, alone["refit"]),
        _section("Six arguments of which two matter", arguments, alone["arguments"]),
        _section("Other units, the same law", units, alone["units"]),
        *render_particles(results / "particles"),
        render_symbolic(results / "symbolic", earlier.get(SYMBOLIC_HEADING, "")),
        _section("Individuals a second against pyoperon", individuals, alone["individuals"]),
        _section("Islands on two workers", islands, alone["islands"]),
    ]
    body = [*(kept(section, earlier) for section in now), *others(earlier, now)]
    head = earlier[""] if any(KEPT in section for section in body) else ""
    machines = [*(result["machine"] for result in found), *measured_on(results / "symbolic")]
    machines += particle_machines(results / "particles")
    return "\n".join([HEAD, machine(machines, head), *body])


def _recovery(folder: Path) -> list[Result]:
    rows = [read_result(path) for path in sorted(folder.glob("*.json"))]
    return sorted(rows, key=lambda row: (row["noise"], -row["points"]))


def _section(title: str, render_case: Any, result: Result) -> str:
    return f"## {title}\n\n" + (render_case(result) if result else MISSING)


def machine(machines: Sequence[Mapping[str, Any]], before: str = "") -> str:
    """Return when, where and with what the results were measured, every difference said.

    `before` is the head of an earlier page of which something was kept.
    """
    found = {
        "measured on": {m["date"] for m in machines},
        "processor": {f"{m['processor']}, {m['cores']} cores, {m['system']}" for m in machines},
        "versions": {f"{k} {v}" for m in machines for k, v in m["versions"].items()},
        "sources of the library": {m["code"][:SHOWN] for m in machines},
    }
    listed = {name: sorted(new | entries(before, name)) for name, new in found.items()}
    lines = [f"- {name}: {SEPARATORS[name].join(all_)}" for name, all_ in listed.items() if all_]
    current = code_digest(MEASURED_CODE)[:SHOWN]
    if lines and listed["sources of the library"] != [current]:
        lines.append(
            "- **some results were measured with other sources than those beside this page** "
            f"({current})"
        )
    return "\n".join(lines or ["No case was run."]) + "\n"


def lynx_hare(result: Result) -> str:
    """Return the first laws and the constants beside the published posterior means."""
    first, alone = result["lotka_volterra"], result["lotka_volterra_alone"]
    constants = first["constants"] if first else {}
    ends = result["intervals"]
    rows = [
        [
            name,
            number(constants.get(name), 4),
            _span(ends.get(name)),
            number(mean, 4),
            _within(ends.get(name), mean),
        ]
        for name, mean in LYNX_HARE.items()
    ]
    head = ["constant", "fitted", "95 % interval", "published mean", "mean inside"]
    return (
        f"hare' = alpha*hare - predation(hare, lynx), lynx' = growth(hare, lynx) - gamma*lynx, all "
        f"unknown. {_place(first, 'with')} {_place(alone, 'without')} "
        f"{result['total']:.1f} s in all. Published: {POSTERIORDB}.\n\n"
        + table(head, rows)
        + "\nThe first laws, by distance in description length (hold-out decides among ties):\n\n"
        + table(
            ["predation", "growth", "behind", "hold-out error"],
            [
                [
                    formula(row["hidden"]["predation"]),
                    formula(row["hidden"]["growth"]),
                    number(row["behind"]),
                    number(row["holdout_error"]),
                ]
                for row in result["rows"][:5]
            ],
        )
        + "".join(f"\n- said by the verdict: {text}" for text in result["warnings"])
        + "\n"
    )


def _place(standing: Mapping[str, Any] | None, word: str) -> str:
    if standing is None:
        return f"Lotka-Volterra is not on the shortlist {word} the saving for shared forms."
    return (
        f"Lotka-Volterra stands at rank {standing['rank']} {word} the saving for shared forms, "
        f"{standing['behind']:.1f} behind the shortest description."
    )


def _span(ends: Sequence[float | None] | None) -> str:
    return "-" if not ends else f"{number(ends[0])} to {number(ends[1])}"


def _within(ends: Sequence[float | None] | None, value: float) -> str:
    if not ends or ends[0] is None or ends[1] is None:
        return "-"
    return "yes" if ends[0] <= value <= ends[1] else "no"


def peer(result: Result) -> str:
    """Return the seconds to equal errors, by draw and by level."""
    tuning, rows = result["tuning"], result["rows"]
    by_draw = [
        [
            row["draw"],
            number(row["error"]),
            number(row["seconds"]),
            number(row["peer_best"]),
            number(row["peer_end"]),
            number(row["peer_seconds"]) if row["reached"] else f"not in {tuning['seconds']:g}",
            ("" if row["reached"] else "> ") + number(row["ratio"]),
        ]
        for row in rows
    ]
    head = ["draw", "our error", "our s", "peer's best", "at its end", "its s to ours", "ratio"]
    same = [
        [row["draw"], *(number(row["same"][k]) for k in ("error", "residuum", "peer", "ratio"))]
        for row in rows
    ]
    ratios = [middle(row["ratio"] for row in rows), middle(row["same"]["ratio"] for row in rows)]
    return (
        _peer_words(tuning)
        + f"\nMedian ratio {number(ratios[0])} for the default, {number(ratios[1])} at the same "
        f"error with the faster settings. Aim: at least {GOAL_PEER_RATIO:g}.\n"
        + "\nOur default training, and when the peer first reaches its error:\n\n"
        + table(head, by_draw)
        + "\nAn error that both reach (a tenth above the worse of the two bests):\n\n"
        + table(["draw", "error", "residuum s", "peer s", "ratio"], same)
        + "\nMedian seconds to an error (draws that reach it in brackets):\n\n"
        + table(["error", "residuum", "peer"], _levels(rows))
    )


def _peer_words(tuning: Mapping[str, Any]) -> str:
    return (
        "B1 at 1 % noise, both in one process on one core. Error: rms of the hidden terms' error "
        "along the true trajectory over their rms. The peer is a plain PINN (DeepXDE, torch, "
        "float32, Adam; states 3x32 of time, hidden terms 2x32 of the states, linear parts given, "
        f"scaled variables, {tuning['seconds']:g} s); its learning rate {tuning['rate']:g} and "
        f"physics weight {tuning['weight']:g} were the best of {len(tuning['tried'])} tried for "
        "a third of that time on a draw of its own. Its clock stops while its error is looked at, "
        "and it counts as there when it first touches an error, which only the truth can tell: its "
        "error falls and rises again as it learns the noise, and *at its end* is what it is left "
        "with. Ours are whole trainings in float64 (median of three): the default (all kinds of "
        "heads, two restarts each), and where both are compared at one error the fastest of "
        f"{len(OURS)} settings that reaches it.\n"
    )


def _levels(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    errors = sorted({level["error"] for row in rows for level in row["levels"]}, reverse=True)
    found = []
    for error in errors:
        at = [level for row in rows for level in row["levels"] if level["error"] == error]
        cells = [number(error)]
        for name in ("residuum", "peer"):
            seconds = [level[name] for level in at if level[name] is not None]
            cells.append(f"{number(middle(seconds))} ({len(seconds)} of {len(rows)})")
        found.append(cells)
    return found


def refit(result: Result) -> str:
    """Return milliseconds and the largest difference of the optima by candidate."""
    rows = []
    for candidate in dict.fromkeys(row["candidate"] for row in result["rows"]):
        at = [row for row in result["rows"] if row["candidate"] == candidate]
        names = ("residuum_ms", "LSODA_ms", "DOP853_ms", "ratio")
        cells = [number(middle(row[name] for row in at)) for name in names]
        rows.append(
            [
                candidate,
                len(at),
                *cells,
                number(largest(row["residuum_ms"] for row in at)),
                number(largest(row["difference"] for row in at), 2),
            ]
        )
    head = ["candidate", "draws", "ours ms", "LSODA ms", "DOP853 ms", "ratio", "our slowest"]
    return (
        "B1 at 1 % noise from constants 20 to 25 % off and a smoothing spline; medians. scipy's "
        "`least_squares` is given forward sensitivities with a compiled right-hand side "
        "(tolerances 1e-8 when timed; for the optimum the integrator has 1e-12). Ratio: the faster "
        f"of scipy's two over ours. Aim: at most {GOAL_REFIT_MS:g} ms and a relative difference "
        f"of the constants of at most {GOAL_REFIT_DIFFERENCE:g}.\n\n"
        + table([*head, "largest difference"], rows)
    )


def arguments(result: Result) -> str:
    """Return which of six arguments were reported alive."""
    rows = [
        [
            row["draw"],
            ", ".join(row["alive"]),
            "yes" if row["right"] else "no",
            formula(row["formula"]),
            number(row["total"]),
        ]
        for row in result["rows"]
    ]
    right = sum(row["right"] for row in result["rows"])
    return (
        "Prey and predator (100 samples, t to 10, 1 % noise) whose hidden predation is declared of "
        "prey, predator and four measured signals that do nothing. The two that matter were "
        f"reported alive and no other in {right} of {len(rows)} draws.\n\n"
        + table(["draw", "alive", "right", "formula", "s"], rows)
    )


def units(result: Result) -> str:
    """Return whether structure and constants survive a change of units."""
    rows = []
    for row in result["rows"]:
        for change, found in row["changes"].items():
            same = "yes" if found["same"] else f"no: {found['hidden']} for {row['hidden']}"
            rows.append([row["data"], change, same, number(found["difference"], 2)])
    return (
        "The same data with time in days for years and counts in ones for thousands: whether the "
        "law has the same terms, and the largest relative difference of a constant after "
        "conversion.\n\n" + table(["data", "change", "same terms", "largest difference"], rows)
    )
