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
    """Return seconds of an iteration and most memory against ordered pairs."""
    rows = result["rows"]
    pairs = np.array([row["pairs"] for row in rows], dtype=float)
    with style():
        figure = new_figure(2.8)
        left, right = figure.subplots(1, 2)
        _draw(left, pairs, [row["seconds"] for row in rows], "seconds an iteration")
        _draw(right, pairs, [row["peak"] for row in rows], "most memory held, MiB")
        right.set_ylim(bottom=0.0)
        return finish(
            figure,
            name=FIGURE,
            title="An iteration of the graph surrogate against the pairs of bodies",
            description=(
                "Seconds and most memory of a process for "
                f"{', '.join(str(row['bodies']) for row in rows)} bodies, from left to right."
            ),
        )


def _draw(axes: Axes, pairs: np.ndarray, values: Sequence[float], label: str) -> None:
    axes.plot(pairs / 1000.0, values, "o-", color=COLOURS["surrogate"])
    axes.set_xlabel("ordered pairs in all snapshots, thousands")
    axes.set_ylabel(label)
