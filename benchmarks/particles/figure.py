"""Seconds and memory of the graph surrogate against the pairs of bodies, as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from benchmarks.particles.page import FIGURE
from residuum.reports.drawing import COLOURS, Drawing, finish, new_figure, style

Row = Mapping[str, Any]


def pairs_figure(result: Row) -> Drawing:
    """Return seconds of an iteration and added memory against ordered pairs, both logarithmic."""
    rows = result["rows"]
    pairs = np.array([row["pairs"] for row in rows], dtype=float)
    with style():
        figure = new_figure(2.8)
        left, right = figure.subplots(1, 2)
        _draw(left, pairs, [row["seconds"] for row in rows], rows, "seconds an iteration")
        _draw(right, pairs, [row["peak"] for row in rows], rows, "most memory held, MiB")
        return finish(
            figure,
            name=FIGURE,
            title="An iteration of the graph surrogate against the pairs of bodies",
            description=(
                f"Seconds and most memory of a process for {len(rows)} numbers of bodies; dotted: "
                "proportional to the pairs through the last."
            ),
        )


def _draw(
    axes: Axes, pairs: np.ndarray, values: Sequence[float], rows: Sequence[Row], label: str
) -> None:
    axes.loglog(pairs, values, "o-", color=COLOURS["surrogate"])
    axes.loglog(pairs, values[-1] * pairs / pairs[-1], ":", color=COLOURS["soft"])
    for row, x, y in zip(rows, pairs, values, strict=True):
        words = f"{row['bodies']} bodies"
        axes.annotate(words, (x, y), (4, -9), textcoords="offset points", color=COLOURS["soft"])
    axes.set_xlim(pairs[0] / 1.5, pairs[-1] * 4.0)
    axes.set_xlabel("ordered pairs in all snapshots")
    axes.set_ylabel(label)
