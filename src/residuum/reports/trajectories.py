"""How well the law follows the data: each state against time, with what was held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from residuum.reports.axes import (
    MOST_EXPERIMENTS,
    finite,
    labelled,
    legend,
    quiet,
    shortened,
    thinned,
)
from residuum.reports.content import DatasetReport
from residuum.reports.drawing import COLOURS, Drawing, finish, new_figure
from residuum.reports.numbers import listing

if TYPE_CHECKING:
    from residuum.data.observations import Experiment


def draw_trajectories(report: DatasetReport) -> Drawing | None:
    """Draw each measured component against time with the law; held-out spans are shaded."""
    experiments = shown_experiments(report.observations.experiments)
    names = observed_components(experiments, report.states)
    if not names:
        return None
    figure = new_figure(0.55 + 1.55 * len(names))
    axes = figure.subplots(len(names), len(experiments), squeeze=False, sharex="col", sharey="row")
    _fill(axes, report, experiments, names)
    legend(figure, axes.flat)
    return finish(
        figure,
        name="trajectories",
        title="Data, fit and held-out forecast" if report.forecast_is_unseen else "Data and law",
        description=f"{listing(names)} against time in {len(experiments)} of "
        f"{len(report.observations.experiments)} experiments: measurements as circles, the law "
        "as a line, held-out spans shaded.",
    )


def _fill(
    axes: np.ndarray,
    report: DatasetReport,
    experiments: Sequence[Experiment],
    names: Sequence[str],
) -> None:
    curves = report.candidates.get("curves") or {}
    labels = {"fit": "law", "forecast": "law, held-out span"}
    if report.forecast_is_unseen:
        labels = {"fit": "law, fit", "forecast": "law, forecast"}
    units = report.observations.units
    for j, experiment in enumerate(experiments):
        for i, name in enumerate(names):
            _panel(axes[i, j], experiment, name, curves.get(experiment.name) or {}, labels)
        axes[-1, j].set_xlabel(labelled("t", units, "time"))
        if len(experiments) > 1:
            axes[0, j].set_title(shortened(experiment.name, 40), loc="left")
    for i, name in enumerate(names):
        axes[i, 0].set_ylabel(labelled(name, units))


def shown_experiments(experiments: Sequence[Experiment]) -> tuple[Experiment, ...]:
    """Return the first few experiments, one with held-out samples among them if there is one."""
    first = tuple(experiments[:MOST_EXPERIMENTS])
    held_out = [e for e in experiments if e.held_out.any()]
    if not held_out or any(e.held_out.any() for e in first):
        return first
    return (*first[:-1], held_out[0])


def observed_components(experiments: Sequence[Experiment], order: Sequence[str] = ()) -> list[str]:
    """Return the states and components with at least one finite value, those in `order` first."""
    found = dict.fromkeys(n for experiment in experiments for n in experiment.states)
    names = dict.fromkeys([*(n for n in order if n in found), *found])
    return [
        name
        for name in names
        if any(np.isfinite(e.states[name]).any() for e in experiments if name in e.states)
    ]


def held_out_spans(t: np.ndarray, held_out: np.ndarray) -> list[tuple[float, float]]:
    """Return the spans of time that were held out, split halfway to the nearest other sample."""
    edges = np.concatenate([t[:1], (t[1:] + t[:-1]) / 2, t[-1:]])
    change = np.diff(np.concatenate([[0], np.asarray(held_out, dtype=int), [0]]))
    starts, stops = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    return [(float(edges[a]), float(edges[b])) for a, b in zip(starts, stops, strict=True)]


def _panel(
    axes: Axes,
    experiment: Experiment,
    name: str,
    curves: Mapping[str, Any],
    labels: Mapping[str, str],
) -> None:
    for start, stop in held_out_spans(experiment.t, experiment.held_out):
        axes.axvspan(start, stop, color=COLOURS["shade"], linewidth=0, label="held out")
    dashes = {"fit": "solid", "forecast": (0, (3.5, 1.6))}
    for part, label in labels.items():
        curve = curves.get(part) or {}
        if name in curve.get("components", {}):
            x, y = finite(curve["t"], curve["components"][name])
            axes.plot(x, y, color=COLOURS["law"], ls=dashes[part], label=label)
    if name in experiment.states:
        _circles(axes, *thinned(experiment.t, experiment.states[name]))
    quiet(axes)


def _circles(axes: Axes, t: np.ndarray, values: np.ndarray) -> None:
    axes.plot(
        t,
        values,
        linestyle="none",
        marker="o",
        markersize=3.4 if len(t) < 150 else 2.0,
        markerfacecolor=COLOURS["paper"],
        markeredgecolor=COLOURS["ink"],
        markeredgewidth=0.8,
        label="data",
    )
