"""What is drawn: the data with the law, the hidden terms, the fronts."""

from __future__ import annotations

from residuum.reports.content import DatasetReport
from residuum.reports.drawing import Drawing, style
from residuum.reports.fronts import draw_fronts
from residuum.reports.hidden import draw_hidden
from residuum.reports.trajectories import draw_trajectories


def draw_all(report: DatasetReport) -> tuple[Drawing, ...]:
    """Return the report's figures; those without anything to show are left out."""
    with style():
        drawn = [draw_trajectories(report), draw_hidden(report), draw_fronts(report)]
    return tuple(drawing for drawing in drawn if drawing is not None)
