"""The sections of B1, B2 and B3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.published import (
    GOAL_RATES,
    GOAL_RATES_ALONE,
    GOAL_SECONDS_A_DRAW,
    MEGAJOSNI,
    RE_UPINN,
    UDE,
    UDE_RATES,
)
from benchmarks.tables import MISSING, formula, largest, middle, number, percent, rate, table

Result = Mapping[str, Any]
STAGES = ("prepare", "train", "extract", "distill", "select")
WRONG_SHOWN = 5


def b1(results: Sequence[Result]) -> str:
    """Return the section of B1 beside the published rates."""
    title = "## B1: Lotka-Volterra, both products hidden, 31 points\n\n"
    if not results:
        return title + MISSING
    head = ["noise", "draws", "recovered", "aim", "published", "without sharing", "aim"]
    head += ["inside 95 %", "surrogate error", "law error", "s a draw", "slowest", "CPU s"]
    return (
        title
        + "1.3, 0.9, 0.8, 1.8 from (0.44249296, 4.6280594), t in [0, 3]; the linear parts known; "
        "noise a share of each state's mean and its size not told; the whole pipeline with "
        "default settings on all points. Recovered: both hidden terms are a constant times "
        "prey*predator and nothing else; in brackets the 95 % interval of the share. *Without "
        "sharing*: a selection of its own from the same fronts in which a form already used in "
        "another hidden term saves nothing. Inside: true values in the 95 % intervals of recovered "
        "laws. Errors: rms along the true trajectory over the rms of the hidden terms, median. "
        f"Published: {UDE}. Aim: at most {GOAL_SECONDS_A_DRAW:g} s a draw; several draws may run "
        "at a time on other cores, so CPU s is what one took of its own.\n\n"
        + table(head, [_b1_row(result) for result in results])
        + short(results)
        + "\nMedian seconds by stage, after a first run that is not counted:\n\n"
        + table(["noise", *STAGES], [_stage_row(result) for result in results])
        + wrong(results)
    )


def _b1_row(result: Result) -> list[str]:
    rows, noise = result["draws"], result["noise"]
    count = len(rows)
    return [
        f"{noise:g}",
        str(count),
        rate(_sum(rows, "recovered"), count),
        percent(GOAL_RATES.get(noise)),
        percent(UDE_RATES.get(noise)),
        rate(_sum(rows, "recovered_alone"), count),
        percent(GOAL_RATES_ALONE.get(noise)),
        _inside(rows),
        number(middle(_of(rows, "error", "surrogate")), 2),
        number(middle(_of(rows, "error", "law")), 2),
        number(middle(row["total"] for row in rows)),
        number(largest(row["total"] for row in rows)),
        number(middle(row.get("cpu") for row in rows)),
    ]


def _stage_row(result: Result) -> list[str]:
    rows = result["draws"]
    return [f"{result['noise']:g}", *(number(middle(_of(rows, "seconds", s)), 2) for s in STAGES)]


def _of(rows: Sequence[Mapping[str, Any]], group: str, name: str) -> list[float | None]:
    return [row.get(group, {}).get(name) for row in rows]


def _sum(rows: Sequence[Mapping[str, Any]], name: str) -> int:
    return sum(bool(row[name]) for row in rows)


def _inside(rows: Sequence[Mapping[str, Any]]) -> str:
    held = [inside for row in rows for inside in row.get("inside", {}).values()]
    return f"{sum(held)} of {len(held)}"


def short(results: Sequence[Result]) -> str:
    """Say where fewer draws were run than asked for, and where draws ended in an error."""
    lines = []
    for result in results:
        rows, label = result["draws"], f"noise {result['noise']:g}, {result['points']} points"
        wanted = max(result["asked"], 100 if result["case"] == "B1" else 0)
        if len(rows) < wanted:
            lines.append(f"- **{label}: {len(rows)} draws of the {wanted} asked for**")
        faults = Counter(row["status"] for row in rows if row["status"] != "ok")
        lines += [f"- {label}: {count} ended with `{text}`" for text, count in faults.items()]
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def wrong(results: Sequence[Result]) -> str:
    """Return the laws that were found in place of the truth, the most frequent first."""
    rows = []
    for result in results:
        missed = [r for r in result["draws"] if not r["recovered"] and r["status"] == "ok"]
        behind = [row["truth_behind"] for row in missed]
        listed = sum(value is not None for value in behind)
        if missed:
            rows.append(
                [
                    f"{result['noise']:g}",
                    len(missed),
                    f"{listed}, {number(middle(behind), 2)} behind",
                    "; ".join(_text(row) for row in missed[:WRONG_SHOWN]),
                ]
            )
    if not rows:
        return ""
    head = ["noise", "not recovered", "truth on the shortlist", f"found (first {WRONG_SHOWN})"]
    return "\nWhat was found where the truth was not:\n\n" + table(head, rows)


def _text(row: Mapping[str, Any]) -> str:
    return f"{row['draw']}: " + ", ".join(map(formula, row["hidden"].values()))


def b2(results: Sequence[Result]) -> str:
    """Return the section of B2: rates by noise and number of points."""
    title = "## B2: the same with few points\n\n"
    if not results:
        return title + MISSING
    points = sorted({result["points"] for result in results}, reverse=True)
    cells = {(r["noise"], r["points"]): r for r in results}
    noises = sorted({result["noise"] for result in results})
    rows = [
        [f"{noise:g}", *(_share(cells.get((noise, count))) for count in points)] for noise in noises
    ]
    return (
        title
        + f"Share recovered, in brackets without sharing. Published: {RE_UPINN}.\n\n"
        + table(["noise", *(f"{count} points" for count in points)], rows)
        + f"\nDraws a cell: {_counts(results)}.\n"
        + short(results)
    )


def _share(result: Result | None) -> str:
    if result is None:
        return "-"
    rows = result["draws"]
    shares = [_sum(rows, name) / len(rows) for name in ("recovered", "recovered_alone")]
    return f"{percent(shares[0])} ({percent(shares[1])})"


def _counts(results: Sequence[Result]) -> str:
    return " to ".join(str(n) for n in sorted({len(result["draws"]) for result in results}))


def b3(results: Sequence[Result]) -> str:
    """Return the section of B3: constants from few clean points."""
    title = "## B3: Lotka-Volterra, 10 to 20 clean points\n\n"
    if not results:
        return title + MISSING
    rows = []
    for result in results:
        row = result["draws"][0]
        constants = row.get("constants", {})
        rows.append(
            [
                result["points"],
                "yes" if row["recovered"] else "no",
                *(number(constants.get(n, [None])[0], 6) for n in ("predation", "growth")),
                number(row["total"]),
            ]
        )
    return (
        title
        + "2/3, 4/3, 1, 1 from (1, 1), t in [0, 10], no noise; the truth is 1.33333 and 1. "
        + f"Published: {MEGAJOSNI} (the sign is their equation's).\n\n"
        + table(["points", "recovered", "predation", "growth", "s"], rows)
        + short(results)
    )
