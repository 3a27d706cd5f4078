"""What each formula costs and gains: the fronts, with the law's choice marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from residuum.distillers.front import Candidate, Front
from residuum.expressions.calculus import terms
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.reports.axes import legend, shortened
from residuum.reports.content import DatasetReport
from residuum.reports.drawing import COLOURS, Drawing, finish, new_figure
from residuum.reports.numbers import power_of_ten


def draw_fronts(report: DatasetReport) -> Drawing | None:
    """Draw loss against complexity of each hidden term's candidates, the law's choice marked."""
    names = [name for name in report.hidden if any(f.term == name for f in report.fronts)]
    if not names:
        return None
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure = new_figure(0.5 + 2.2 * lines)
    axes = figure.subplots(lines, columns, squeeze=False)
    for panel in axes.flat[len(names) :]:
        panel.set_axis_off()
    for panel, term in zip(axes.flat, names, strict=False):
        _front(panel, [f for f in report.fronts if f.term == term], report.hidden[term])
        panel.set_title(shortened(term, 40), loc="left")
        panel.set_xlabel("complexity")
    for line in axes:
        line[0].set_ylabel("loss (squared spreads)")
    legend(figure, axes.flat[: len(names)])
    return finish(
        figure,
        name="front",
        title="Fronts",
        description=f"Loss against complexity of the candidates for {', '.join(names)}; the "
        "formula of the law is marked.",
    )


def _front(axes: Axes, fronts: Sequence[Front], entry: Mapping[str, Any]) -> None:
    merged = Front(fronts[0].term, tuple(c for front in fronts for c in front.candidates))
    usable = [c for c in merged.candidates if c.status == "ok" and 0 < c.loss < math.inf]
    best = [c for c in merged.nondominated if 0 < c.loss < math.inf]
    soft, faint = COLOURS["soft"], COLOURS["faint"]
    axes.plot(*_pairs(usable), ls="none", marker="o", ms=3.0, color=faint, label="candidates")
    axes.plot(*_pairs(best), color=soft, marker="o", ms=3.6, lw=1.0, label="front")
    axes.set_yscale("log")
    losses = [c.loss for c in usable]
    if losses and max(losses) < 100 * min(losses):
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    # matplotlib writes powers as mathematical text, which is switched off: names may hold a $.
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: power_of_ten(y)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    chosen = chosen_candidate(str(entry["numeric"]), usable)
    if chosen is not None:
        axes.plot(*_pairs([chosen]), ls="none", marker="o", ms=8, mfc="none", mew=1.6,
                  color=COLOURS["law"], label="in the law")  # fmt: skip
    elif isinstance(entry.get("complexity"), int | float):
        axes.axvline(entry["complexity"], color=COLOURS["law"], lw=1.2, ls=(0, (5, 1.5)),
                     label="complexity of the law's formula")  # fmt: skip


def chosen_candidate(numeric: str, candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the best candidate with the terms of the law's formula, coefficients aside."""
    wanted = _structure(parse(numeric))
    same = [c for c in candidates if _structure(c.expression) == wanted]
    return min(same, key=lambda c: c.loss, default=None)


def _structure(expression: Expression) -> frozenset[tuple[str, ...]]:
    return frozenset(part.tokens for _, part in terms(expression))


def _pairs(candidates: Sequence[Candidate]) -> tuple[list[int], list[float]]:
    return [c.complexity for c in candidates], [c.loss for c in candidates]
