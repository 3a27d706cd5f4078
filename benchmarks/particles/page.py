"""The sections of the page on particles: messages, laws, the peer, and time and memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.particles.rows import latest
from benchmarks.published import (
    CRANMER,
    LOSSES,
    MESSAGES,
    MESSAGES_ELSE,
    PARTICLE_LAWS,
    VARIANTS,
)
from benchmarks.records import read_lines, read_result
from benchmarks.tables import MISSING, formula, largest, middle, number, rate, table
from residuum.files import write_text

FILES = {part: f"{part}.jsonl" for part in ("messages", "laws", "positions", "masses")}
ALONE = {"peer": "peer.json", "memory": "memory.json"}
FIGURE = "particle_pairs"
ROW = ("case", "axes", "seed")
AGREEMENTS = ("robust", "full", "direct", "direct_full")
NINES = 1e-3  # below this distance from one, R2 is told by its distance
TOLD_APART = 1e-12
HEADINGS = {
    "messages": "## Particles: messages against true pair forces",
    "laws": "## Particles: laws",
    "positions": "## Particles: laws from noisy positions alone",
    "masses": "## Particles: laws with unknown masses",
    "peer": "## Particles: the graph surrogate against torch_geometric",
    "memory": "## Particles: an iteration against pairs",
}
DATA = (
    "Four bodies; 1,000 snapshots of 100 simulations with exact accelerations for training, 500 of "
    "others for judging. Given: that forces of pairs are summed and divided by the body's mass. "
    "Not given: the force, its direction, Newton's third law, which of distance, masses and "
    "charges it depends on; in `damped` the drag."
)
MESSAGE_HEAD = (
    *(
        "case",
        "seeds",
        "robust R2",
        "full R2",
        "direct",
        "direct, full",
        "published: bottleneck",
        "published: L1",
    ),
    *("rms error", "mean absolute", "median relative", "published losses", "third law", "s"),
)
LAW_HEAD = (
    *("case", "distiller", "laws", "right", "without softening", "on the shortlist", "constants"),
    *("law: median relative", "network's", "law: rms", "network's", "s"),
)
POSITION_HEAD = (
    *("case", "runs x frames", "lasting", "seed", "law", "right", "without softening"),
    *("on the shortlist", "constants", "median relative", "train s", "distill s", "select s"),
)
MASS_HEAD = (
    *("case", "seed", "unknown", "law", "right", "without softening", "constants"),
    *("masses", "network's masses", "s"),
)
Row = Mapping[str, Any]


def render_particles(folder: Path) -> list[str]:
    """Return the sections from the results in a folder; what was not run is said."""
    return [
        f"{heading}\n\n" + (_TEXTS[name](found) if (found := read(folder, name)) else MISSING)
        for name, heading in HEADINGS.items()
    ]


def read(folder: Path, name: str) -> Any:
    """Return the rows or the result of a part; empty when it was not run."""
    if name in FILES:
        return latest(read_lines(folder / FILES[name]), ROW)
    return read_result(folder / ALONE[name])


def machines(folder: Path) -> list[Mapping[str, Any]]:
    """Return the descriptions of the machines on which it was measured."""
    rows = [row for name in FILES for row in read(folder, name)]
    return [found["machine"] for found in [*rows, *(read(folder, n) for n in ALONE)] if found]


def messages(rows: Sequence[Row]) -> str:
    """Return how well messages agree with forces, beside the published R2 and losses."""
    losses = f"{' / '.join(VARIANTS)}"
    return (
        f"{DATA} Medians over seeds. Robust R2: of nine pairs in ten, those that the best linear "
        "map of the true forces leaves least of; full: of all pairs. Direct: as forces, without "
        "a map, robust over the nine in ten with the smallest forces. Errors are of "
        "accelerations; the median relative one alone is not decided by close encounters. Third "
        "law: whether messages were found to be equal and opposite. Published figures are of other "
        "simulations and of networks told nothing, their losses normalised in their own way, "
        f"{losses}: {CRANMER}. Also published: {MESSAGES_ELSE}.\n\n"
        + table(MESSAGE_HEAD, [_message_cells(*item) for item in _groups(rows, ("case", "axes"))])
    )


def _groups(rows: Iterable[Row], names: Sequence[str]) -> list[tuple[Any, list[Row]]]:
    """Return rows by the named values, in the order in which these are met."""
    found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in names)].append(row)
    return list(found.items())


def _message_cells(which: tuple[str, int], rows: Sequence[Row]) -> list[str]:
    published = MESSAGES.get(which, {})
    mutual = sum("mutual" in row["heads"] for row in rows)
    names = ("rms", "absolute", "relative")
    return [
        "-".join(map(str, which)),
        str(len(rows)),
        *(r2(middle(row[name] for row in rows)) for name in AGREEMENTS),
        *(f"{published[kind]:.3f}" if published else "-" for kind in ("bottleneck", "L1")),
        *(number(middle(row[name] for row in rows), 2) for name in names),
        " / ".join(f"{loss:g}" for loss in LOSSES[which]),
        f"{mutual} of {len(rows)}",
        number(middle(row["seconds"] for row in rows)),
    ]


def r2(value: float | None) -> str:
    """Return R2 with three decimals, next to one by its distance from it.

    >>> r2(0.98765), r2(1 - 2e-7)
    ('0.988', '1 - 2e-07')
    """
    if value is None:
        return "-"
    if value > 1.0 - NINES:
        return "1" if value >= 1.0 else f"1 - {1.0 - value:.0e}"
    return f"{value:.3f}"


def laws(rows: Sequence[Row]) -> str:
    """Return the laws found, whether they are right, and their errors beside the network's."""
    budgets = sorted({row["budget"] for row in rows})
    seconds = ", ".join(f"{budget:g}" for budget in budgets)
    names = list(dict.fromkeys(name for row in rows for name in row["laws"]))
    ours = [(name, row["laws"][name]) for row in rows for name in names if name in row["laws"]]
    return (
        f"{DATA} The whole pipeline: train, extract, distil ({seconds} s of genetic search a term, "
        f"{_jumping(rows)}or sparse regression with its defaults), refit to the "
        "accelerations and select. *Right*: the skeleton of every hidden term, refitted to the "
        "noise-free truth at unseen pairs, "
        "leaves at most 1e-12 of its variance, at most 1.2 times the truth's size. The simulations "
        "add 0.01 to every distance; *without softening* the truth is the law meant. *On the "
        "shortlist*: either stood among the laws refitted. Constants: largest relative error where "
        f"right. Errors are of unseen accelerations. {_totals(names, ours)} Published: "
        f"{PARTICLE_LAWS}.\n\n"
        + table(LAW_HEAD, [c for item in _groups(rows, ("case", "axes")) for c in _law_rows(*item)])
        + "\n"
        + "\n".join(_law_lines(rows))
        + "\n"
    )


def _jumping(rows: Sequence[Row]) -> str:
    """Return in words where `sign` was among the operators of the search."""
    without = [f"{r['case']}-{r['axes']}" for r in rows if "sign" not in r.get("operators", ())]
    if not without:
        return "`sign` among its operators, "
    return f"`sign` among its operators except in {', '.join(dict.fromkeys(without))}, "


def _totals(names: Sequence[str], ours: Sequence[tuple[str, Row]]) -> str:
    parts = []
    for name in names:
        rows = [law for other, law in ours if other == name]
        hits = sum(bool(law.get("exact") or law.get("form")) for law in rows)
        parts.append(f"{name}: {hits} of {len(rows)} right, {rate(hits, len(rows))}")
    return f"With or without softening, {'; '.join(parts)}."


def _law_rows(which: tuple[str, int], rows: Sequence[Row]) -> list[list[str]]:
    names = dict.fromkeys(name for row in rows for name in row["laws"])
    return [_law_cells("-".join(map(str, which)), name, rows) for name in names]


def _law_cells(case: str, name: str, rows: Sequence[Row]) -> list[str]:
    found = [row["laws"][name] for row in rows]

    def count(key: str) -> str:
        return str(sum(bool(law.get(key)) for law in found))

    totals = [
        sum(row["seconds"].values()) + sum(law["seconds"].values())
        for row, law in zip(rows, found, strict=True)
    ]
    return [
        case,
        name,
        str(len(found)),
        *(count(key) for key in ("exact", "form", "listed")),
        _error(largest(law.get("constants") for law in found)),
        number(middle(law.get("relative") for law in found), 2),
        number(middle(row["network"]["relative"] for row in rows), 2),
        number(middle(law.get("rms") for law in found), 2),
        number(middle(row["network"]["rms"] for row in rows), 2),
        number(middle(totals)),
    ]


def _error(value: float | None) -> str:
    """Return an error; below what a refit tells apart, that."""
    return f"< {TOLD_APART:g}" if value is not None and value < TOLD_APART else number(value, 2)


def _law_lines(rows: Sequence[Row]) -> list[str]:
    """Return what was found in place of the truth, and what failed, a line each."""
    lines = []
    for row in rows:
        for name, law in row["laws"].items():
            where = f"- {row['case']}-{row['axes']}, seed {row['seed']}, {name}:"
            if law["status"] != "ok":
                lines.append(f"{where} failed: `{' '.join(law['status'].split())}`")
            elif not (law["exact"] or law["form"]):
                texts = (f"{t} = {formula(text)}" for t, text in law["hidden"].items())
                lines.append(f"{where} {', '.join(texts)}")
    return ["Laws that are not right:\n", *lines] if lines else []


def positions(rows: Sequence[Row]) -> str:
    """Return the laws found from films, and whether they are right."""
    hits = sum(bool(row.get("exact") or row.get("form")) for row in rows)
    return (
        "Four bodies in two dimensions, filmed: positions at equal times with Gaussian noise of "
        "1 % of their standard deviation, no velocities and no accelerations. The graph surrogate "
        "on smoothed paths, genetic search and sparse regression, refits through the dynamics. "
        "Judged as the laws above; errors are of accelerations in noise-free unseen snapshots. "
        f"Right, with or without softening: {hits} of {len(rows)}, {rate(hits, len(rows))}.\n\n"
        + table(POSITION_HEAD, [_position_cells(row) for row in rows])
    )


def _position_cells(row: Row) -> list[str]:
    return [
        f"{row['case']}-{row['axes']}",
        f"{row['runs']} x {row['frames']}",
        f"{row['duration']:g}",
        str(row["seed"]),
        *_law_found(row),
        str(row.get("listed") or "-"),
        _error(row.get("constants")),
        number(row.get("relative"), 2),
        *(number(row["seconds"].get(stage)) for stage in ("train", "distill", "select")),
    ]


def _law_found(row: Row) -> list[str]:
    """Return the law of a row and whether it is right, with and without softening."""
    if row["status"] != "ok":
        return [f"failed: `{' '.join(row['status'].split())}`", "no", "no"]
    texts = ", ".join(formula(text) for text in row["hidden"].values())
    return [texts, *("yes" if row[key] else "no" for key in ("exact", "form"))]


def masses(rows: Sequence[Row]) -> str:
    """Return laws and errors of masses that were not told."""
    return (
        "Eight bodies that keep mass and charge, four of them in each of 100 runs of ten snapshots "
        "with exact accelerations; the mass of the first is told and no other. Masses: largest "
        "relative error, of the law and of the network.\n\n"
        + table(MASS_HEAD, [_mass_cells(row) for row in rows])
    )


def _mass_cells(row: Row) -> list[str]:
    return [
        f"{row['case']}-{row['axes']}",
        str(row["seed"]),
        str(row.get("unknown", "-")),
        *_law_found(row),
        *(_error(row.get(key)) for key in ("constants", "masses", "network_masses")),
        number(sum(row["seconds"].values())),
    ]


def peer(result: Row) -> str:
    """Return the seconds to equal R2 of each kind of peer."""
    head = ["case", "draw", "peer", "our robust R2", "our s", "peer's best", "at its end"]
    rows = [
        _peer_cells(row, name, found, row.get("seconds", result["seconds"]))
        for row in result["rows"]
        for name, found in row["peers"].items()
    ]
    return (
        _peer_words({row.get("seconds", result["seconds"]) for row in result["rows"]})
        + table([*head, "its s to ours", "ratio"], rows)
        + "\nMedian seconds to a robust R2 (draws that reach it in brackets); ours by the quicker "
        "of whole trainings, among them one of two rounds that is told the direction of the force "
        "and Newton's third law:\n\n"
        + table(["case", "peer", "robust R2", "residuum", "torch_geometric"], _levels(result))
    )


def _peer_words(limits: set[float]) -> str:
    seconds = " or ".join(f"{limit:g}" for limit in sorted(limits))
    return (
        "The network of Cranmer et al. in torch_geometric (message and node networks of three "
        "layers of 300, Adam, learning rate in one cycle to 1e-3, batches of 64 snapshots, "
        "float32; 100 messages with an L1 penalty, or as many as there are axes) on the same 1,000 "
        "snapshots in the same process on one core, ours and its trainings in turn. It has "
        f"{seconds} s, and a cycle of a quarter of that beside; whichever is there first counts, "
        "and its clock stands still while it is looked at. The two are told different things: ours "
        "the equations of motion up to the force, the peer only what each body carries. Ratio: the "
        "peer's seconds over ours to our robust R2, or its whole time where it is not reached.\n\n"
    )


def _peer_cells(row: Row, name: str, found: Row, limit: float) -> list[str]:
    reached = found["reached"]
    return [
        f"{row['case']}-{row['axes']}",
        str(row["draw"]),
        name,
        r2(found["level"]),
        number(found["seconds"]),
        *(r2(found[key]) for key in ("peer_best", "peer_end")),
        number(found["peer_seconds"]) if reached else f"not in {limit:g}",
        ("" if reached else "> ") + number(found["ratio"]),
    ]


def _levels(result: Row) -> list[list[str]]:
    every = [
        {"case": f"{row['case']}-{row['axes']}", "peer": name, **level}
        for row in result["rows"]
        for name, found in row["peers"].items()
        for level in found["levels"]
    ]
    cells, beyond = [], set[tuple[str, str]]()
    for (case, name, at), rows in _groups(every, ("case", "peer", "level")):
        both = [[row[k] for row in rows if row[k] is not None] for k in ("residuum", "peer_s")]
        # The first level that the peer does not reach stands for all above it.
        if any(both) and (case, name) not in beyond:
            if not both[1]:
                beyond.add((case, name))
            shown = (f"{number(middle(s))} ({len(s)} of {len(rows)})" for s in both)
            cells.append([case, name, f"{at:g}", *shown])
    return cells


def memory(result: Row) -> str:
    """Return seconds and memory of an iteration and of a training by the number of bodies."""
    first = result["rows"][0]
    return (
        f"`spring` in two dimensions, {result['frames']} snapshots of random positions, "
        f"{first['unknowns']} unknowns, {first['restarts']} restarts as one batch; each number of "
        "bodies in a process of its own. An iteration is one of Levenberg-Marquardt on all "
        "snapshots: residuals, Jacobian, normal equations, step. Memory: the process's largest, "
        "and how much of that the iterations added to what data and imports had taken.\n\n"
        f"![Seconds and memory against pairs]({FIGURE}.svg)\n\n"
        + table(
            ["bodies", "ordered pairs", "s", "us a pair", "added MiB", "largest MiB"],
            [_cost_cells(row, row) for row in result["rows"]],
        )
        + f"\nWhole trainings on {result['trained']} of such snapshots, messages judged on others "
        "as above:\n\n"
        + table(
            ["bodies", "ordered pairs", "s", "us a pair", "added MiB", "largest MiB", "direct R2"],
            [
                [*_cost_cells(row, row["training"]), r2(row["training"]["direct_full"])]
                for row in result["rows"]
            ],
        )
    )


def _cost_cells(row: Row, costs: Row) -> list[str]:
    return [
        str(row["bodies"]),
        f"{costs['pairs']:,}",
        number(costs["seconds"]),
        number(1e6 * costs["seconds"] / costs["pairs"]),
        f"{costs['peak'] - costs['before']:.0f}",
        f"{costs['peak']:.0f}",
    ]


def draw(folder: Path, place: Path) -> None:
    """Write the figures of the sections, where there are results, into the page's folder."""
    if found := read(folder, "memory"):
        from benchmarks.particles.figure import pairs_figure  # the page alone needs no matplotlib

        write_text(place / f"{FIGURE}.svg", pairs_figure(found).svg)


_TEXTS = {
    "messages": messages,
    "laws": laws,
    "positions": positions,
    "masses": masses,
    "peer": peer,
    "memory": memory,
}
