"""What is drawn of bodies: forces against distance, accelerations, and paths in the plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from residuum.data.written_bodies import scalars_of
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.hidden.samples import Extraction, HiddenSamples
from residuum.laws.law import Law
from residuum.problem.body_evaluation import evaluate_bodies
from residuum.problem.body_expansion import AXIS_NAMES, Expansion
from residuum.reports.axes import (
    finite,
    labelled,
    legend,
    quiet,
    shortened,
    shown_experiments,
    with_unit,
)
from residuum.reports.content import DatasetReport
from residuum.reports.drawing import COLOURS, Drawing, finish, new_figure
from residuum.reports.hidden import BAND

if TYPE_CHECKING:
    from residuum.data.observations import Experiment

MOST_POINTS = 1500


def draw_forces(report: DatasetReport) -> Drawing | None:
    """Draw each hidden term against its first argument: the surrogate and the law's formula."""
    rows = [
        (name, scaled_to_law(report, extraction, name))
        for extraction in report.extractions.values()
        for name in report.hidden
        if name in extraction.samples
    ]
    if not rows:
        return None
    figure = new_figure(0.6 + 2.3 * -(-len(rows) // 2))
    axes = figure.subplots(-(-len(rows) // 2), min(2, len(rows)), squeeze=False)
    for panel in axes.flat[len(rows) :]:
        panel.set_axis_off()
    for panel, (name, samples) in zip(axes.flat, rows, strict=False):
        _force(panel, samples, str(report.hidden[name]["numeric"]))
        panel.set_title(shortened(f"{name}({', '.join(samples.arguments)})", 60), loc="left")
        units = samples.units or (None,) * len(samples.arguments)
        panel.set_xlabel(with_unit(samples.arguments[_first(samples)], units[_first(samples)]))
        panel.set_ylabel(with_unit(name, samples.unit))
    legend(figure, axes.flat[: len(rows)])
    return finish(
        figure,
        name="hidden",
        title="Hidden terms",
        description="Each hidden term at measured pairs or bodies against its first argument: the "
        "surrogate with its 95 % interval and the formula of the law at the same arguments.",
    )


def scaled_to_law(report: DatasetReport, extraction: Extraction, name: str) -> HiddenSamples:
    """Return the samples of a term in the law's gauge, which the refit may have moved.

    Messages are multiplied by the number that brings them closest to their formulas, and the sums
    that their update takes with them.
    """
    samples = extraction.samples[name]
    for update, told in extraction.structure.gauge.items():
        messages = told["messages"].split()
        if name != update and name not in messages:
            continue
        factor = _factor(report, extraction, messages)
        if name != update:
            covariance = factor**2 * samples.covariance
            return replace(samples, values=factor * samples.values, covariance=covariance)
        X = samples.X.copy()
        X[:, samples.arguments.index(told["length"])] *= abs(factor)
        return replace(samples, X=X, values=np.sign(factor) * samples.values)
    return samples


def _factor(report: DatasetReport, extraction: Extraction, messages: Sequence[str]) -> float:
    """Return the number that brings messages closest to the law's, one where it has none."""
    law_on_own, own_squared = 0.0, 0.0
    for name in messages:
        samples = extraction.samples[name]
        named = dict(zip(samples.arguments, samples.X.T, strict=True))
        law = evaluate(parse(str(report.hidden[name]["numeric"])), named)
        weights = 1.0 / np.maximum(samples.sd, 1e-300) ** 2
        law_on_own += float(np.sum(weights * law * samples.values))
        own_squared += float(np.sum(weights * samples.values**2))
    factor = law_on_own / own_squared if own_squared > 0 else 1.0
    return factor if factor and np.isfinite(factor) else 1.0


def _first(samples: HiddenSamples) -> int:
    """Return the first argument that the term depends on."""
    return samples.alive.index(True) if any(samples.alive) else 0


def _force(axes: Axes, samples: HiddenSamples, numeric: str) -> None:
    x = samples.X[:, _first(samples)]
    named = dict(zip(samples.arguments, samples.X.T, strict=True))
    law = np.broadcast_to(evaluate(parse(numeric), named), x.shape)
    half = BAND * samples.sd
    colour = COLOURS["surrogate"]
    axes.vlines(x, samples.values - half, samples.values + half, color=colour, alpha=0.3, lw=1)
    axes.plot(x, samples.values, ls="none", marker="o", ms=3, color=colour, label="surrogate")
    axes.plot(x, law, ls="none", marker="x", ms=3.4, color=COLOURS["law"], label="law's formula")
    _spread(axes, x, np.concatenate([samples.values, law]))
    quiet(axes)


def _spread(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Scale axes by logarithms where a few close encounters would hide all the rest."""
    size = np.abs(y[np.isfinite(y)])
    if len(size) and size.max() > 100 * max(np.median(size), 1e-300):
        axes.set_yscale("symlog", linthresh=float(np.median(size)))
        if (x > 0).all():
            axes.set_xscale("log")


def draw_accelerations(report: DatasetReport) -> Drawing | None:
    """Draw what the law says of every measured rate against the measurement."""
    problem = Law.from_json(report.law).bodies
    left = None if problem is None else problem.equations[0].left
    measured = [e for e in report.observations.experiments if left in e.states]
    if problem is None or not measured:
        return None
    pairs = {held: _pairs(report, measured, held) for held in (False, True)}
    figure = new_figure(3.0)
    axes = figure.subplots(1, 2)
    for panel, error in zip(axes, (False, True), strict=True):
        _parity(panel, pairs, error=error)
        panel.set_xlabel(labelled(str(left), report.observations.units) + ", measured")
    axes[0].set_ylabel("by the law")
    axes[1].set_ylabel("law minus measured")
    legend(figure, axes)
    return finish(
        figure,
        name="accelerations",
        title="Accelerations" if problem.equations[0].order > 1 else "Rates",
        description="Each measured component against the law's value at what was measured beside "
        "it, and the difference; held-out frames marked.",
    )


def _pairs(
    report: DatasetReport, experiments: Sequence[Experiment], held: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return measured and predicted rates of frames that are held out, or are not."""
    law = Law.from_json(report.law)
    assert law.bodies is not None  # noqa: S101 (asked before)
    values = {name: row.value for name, row in law.parameters.items()}
    found: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros(0), np.zeros(0))]
    for e in (e.held_out_part() if held else e.training() for e in experiments):
        if len(e):
            equation = law.bodies.equations[0]
            rates = evaluate_bodies(
                law.bodies,
                {name: e.states[name] for name in law.bodies.needed},
                scalars_of(e, values),
                parameters=values,
                inputs={name: e.input_at(name, e.t) for name in law.bodies.inputs},
                t=e.t,
            )[equation.state]
            found.append((e.states[equation.left].ravel(), rates.ravel()))
    measured, predicted = (np.concatenate(column) for column in zip(*found, strict=True))
    kept = np.flatnonzero(np.isfinite(measured) & np.isfinite(predicted))
    kept = kept[:: max(1, len(kept) // MOST_POINTS)]
    return measured[kept], predicted[kept]


def _parity(
    axes: Axes, pairs: Mapping[bool, tuple[np.ndarray, np.ndarray]], *, error: bool
) -> None:
    for held, (measured, predicted) in pairs.items():
        if len(measured):
            axes.plot(
                measured,
                predicted - measured if error else predicted,
                ls="none",
                marker="o",
                ms=2.6,
                color=COLOURS["law" if held else "soft"],
                alpha=0.7,
                label="held out" if held else "fitted",
            )
    whole = np.concatenate([measured for measured, _ in pairs.values()])
    if not error and len(whole):
        ends = [whole.min(), whole.max()]
        axes.plot(ends, ends, color=COLOURS["faint"], lw=0.8, zorder=0)
    if len(whole) and np.abs(whole).max() > 100 * max(np.median(np.abs(whole)), 1e-300):
        scale = float(np.median(np.abs(whole)))
        axes.set_xscale("symlog", linthresh=scale)
        if not error:
            axes.set_yscale("symlog", linthresh=scale)
    quiet(axes)


def draw_paths(report: DatasetReport) -> Drawing | None:
    """Draw the measured paths of bodies in the plane of the first two axes, and the law's."""
    moving = [e for e in report.observations.experiments if len(e) > 2 and e.axes > 1]
    if not moving or not report.states or report.states[0] not in moving[0].states:
        return None
    shown = shown_experiments(moving)
    figure = new_figure(2.9)
    axes = figure.subplots(1, len(shown), squeeze=False)
    curves = report.candidates.get("curves") or {}
    for panel, experiment in zip(axes.flat, shown, strict=True):
        _paths(panel, experiment, report.states[0], curves.get(experiment.name) or {})
        panel.set_title(shortened(experiment.name, 40), loc="left")
        panel.set_xlabel(AXIS_NAMES[0])
    axes[0, 0].set_ylabel(AXIS_NAMES[1])
    legend(figure, axes.flat)
    return finish(
        figure,
        name="paths",
        title="Paths",
        description=f"Paths of the bodies in {len(shown)} experiments: measurements as circles, "
        "the law as lines where it was integrated.",
    )


def _paths(axes: Axes, e: Experiment, state: str, curves: Mapping[str, Any]) -> None:
    names = Expansion(len(e.bodies), e.axes)
    dashes = {"fit": "solid", "forecast": (0, (3.5, 1.6))}
    for body in range(len(e.bodies)):
        x, y = e.states[state][:, body, 0], e.states[state][:, body, 1]
        axes.plot(x, y, ls="none", marker="o", ms=2.6, mfc=COLOURS["paper"], mec=COLOURS["ink"],
                  mew=0.7, label="data")  # fmt: skip
        for part, style in dashes.items():
            curve = (curves.get(part) or {}).get("components") or {}
            columns = [names.component(state, body, axis) for axis in (0, 1)]
            if all(name in curve for name in columns):
                points = [finite(curve[name], curve[name])[1] for name in columns]
                axes.plot(*points, color=COLOURS["law"], ls=style, label=f"law, {part}")
    axes.set_aspect("equal", adjustable="datalim")
    quiet(axes)
