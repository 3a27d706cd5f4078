"""What is drawn: the data with the law, the hidden terms, the fronts."""

from __future__ import annotations

from residuum.reports.bodies import draw_accelerations, draw_forces, draw_paths
from residuum.reports.content import DatasetReport
from residuum.reports.drawing import Drawing, style
from residuum.reports.energy import draw_energy
from residuum.reports.fronts import draw_fronts
from residuum.reports.hidden import draw_hidden
from residuum.reports.trajectories import draw_trajectories


def draw_all(report: DatasetReport) -> tuple[Drawing, ...]:
    """Return the report's figures; those without anything to show are left out."""
    of_bodies = (draw_paths, draw_energy, draw_accelerations, draw_forces, draw_fronts)
    of_states = (draw_trajectories, draw_hidden, draw_fronts)
    with style():
        drawn = [draw(report) for draw in (of_bodies if "bodies" in report.law else of_states)]
    return tuple(drawing for drawing in drawn if drawing is not None)
