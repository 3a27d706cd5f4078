"""What the figures share: axis labels, tick counts, legends, thinned markers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from residuum.problem.names import split_suffix
from residuum.reports.content import unit_of

if TYPE_CHECKING:
    from residuum.data.observations import Experiment

MOST_EXPERIMENTS = 3
MOST_MARKERS = 800


def labelled(name: str, units: Mapping[str, str], title: str = "") -> str:
    """Return an axis label with its unit: `hare (1000)`, `dtheta/dt (rad s-1)`."""
    derivative = split_suffix(name)
    if derivative is None:
        text = title or shortened(name, 24)
    else:
        power = "\u00b2" if len(derivative[1]) == 2 else ""
        text = f"d{power}{shortened(derivative[0], 24)}/dt{power}"
    unit = unit_of(name, units)
    return f"{text} ({shortened(unit, 24)})" if unit else text


def with_unit(name: str, unit: str | None) -> str:
    """Return an axis label of something that is no derivative, with its unit where it has one."""
    text = shortened(name, 24)
    return text if unit in (None, "", "1") else f"{text} ({shortened(str(unit), 24)})"


def shortened(text: str, length: int) -> str:
    """Return the text in one line, cut with an ellipsis after `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}\u2026"


def shown_experiments(experiments: Sequence[Experiment]) -> list[Experiment]:
    """Return the few experiments that are drawn: the first, and last one with data held out."""
    held = [e for e in experiments if e.held_out.any()][:1]
    return [*[e for e in experiments if e not in held][: MOST_EXPERIMENTS - len(held)], *held]


def finite(t: Sequence[float], values: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return a curve as arrays, gaps as NaN."""
    # JSON has no NaN: a curve that left the finite numbers holds null from there on.
    y = np.asarray([np.nan if v is None else v for v in values], dtype=float)
    return np.asarray(t, dtype=float), y


def thinned(t: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return at most `MOST_MARKERS` of the samples that are not missing."""
    kept = np.flatnonzero(np.isfinite(values))
    step = -(-len(kept) // MOST_MARKERS) or 1
    return t[kept[::step]], values[kept[::step]]


def quiet(axes: Axes) -> None:
    """Use few ticks and little room beside the curves."""
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.margins(x=0.02)


def legend(figure: Figure, panels: Iterable[Axes]) -> None:
    """Put one legend for all panels above them, each kind of mark named once."""
    marks: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            marks.setdefault(label, handle)
    figure.legend(
        list(marks.values()),
        list(marks),
        loc="outside upper right",
        ncols=len(marks),
        frameon=False,
        handlelength=1.8,
        columnspacing=1.4,
    )
