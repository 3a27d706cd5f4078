"""How well the law's formulas follow what the surrogate learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.hidden.samples import HiddenSamples
from residuum.reports.axes import MOST_EXPERIMENTS, labelled, legend, quiet, shortened
from residuum.reports.content import DatasetReport
from residuum.reports.drawing import COLOURS, Drawing, finish, new_figure

BAND = 1.96  # half width of a 95 % band in standard deviations


def draw_hidden(report: DatasetReport) -> Drawing | None:
    """Draw each hidden term: the surrogate with its 95 % band against the law's formula."""
    rows = [
        (name, samples)
        for extraction in report.extractions.values()
        for name, samples in _ordered(extraction.samples, tuple(report.hidden))
    ]
    if not rows:
        return None
    names = [experiment.name for experiment in report.observations.experiments]
    shown = sorted({int(k) for _, samples in rows for k in samples.experiment})[:MOST_EXPERIMENTS]
    single = any(len(_matters(samples)) == 1 for _, samples in rows)
    figure = new_figure(0.6 + 1.75 * len(rows))
    axes = figure.subplots(len(rows), len(shown) + single, squeeze=False, sharey="row")
    for i, (term, samples) in enumerate(rows):
        values = _formula(report, term, samples)
        for j, k in enumerate(shown):
            _along(axes[i, j], samples, values, k)
            if len(shown) > 1:
                axes[0, j].set_title(shortened(names[k], 40), loc="left")
            axes[-1, j].set_xlabel(labelled("t", report.observations.units, "time"))
        if single:
            _against(axes[i, -1], samples, values, report.observations.units)
        axes[i, 0].set_ylabel(shortened(f"{term}({', '.join(samples.arguments)})", 34))
    legend(figure, axes.flat)
    return finish(
        figure,
        name="hidden",
        title="Hidden terms",
        description="Each hidden term along the trajectories: the surrogate with its 95 % band "
        "and the formula of the law at the same arguments.",
    )


def _ordered(
    samples: Mapping[str, HiddenSamples], order: Sequence[str]
) -> list[tuple[str, HiddenSamples]]:
    names = dict.fromkeys([*(n for n in order if n in samples), *samples])
    return [(name, samples[name]) for name in names]


def _matters(samples: HiddenSamples) -> list[int]:
    """Return the arguments a term depends on."""
    return [k for k, alive in enumerate(samples.alive) if alive]


def _formula(report: DatasetReport, term: str, samples: HiddenSamples) -> np.ndarray | None:
    """Return the law's formula at the samples, None where the law has none for the term."""
    entry = report.hidden.get(term)
    if entry is None:
        return None
    formula = parse(str(entry["numeric"]), where=f"law.hidden.{term}")
    arguments = dict(zip(samples.arguments, samples.X.T, strict=True))
    return np.broadcast_to(evaluate(formula, arguments), samples.values.shape)


def _along(axes: Axes, samples: HiddenSamples, formula: np.ndarray | None, experiment: int) -> None:
    chosen = np.flatnonzero(samples.experiment == experiment)
    chosen = chosen[np.argsort(samples.t[chosen], kind="stable")]
    _band(axes, samples.t[chosen], samples, formula, chosen)


def _against(
    axes: Axes, samples: HiddenSamples, formula: np.ndarray | None, units: Mapping[str, str]
) -> None:
    alive = _matters(samples)
    if len(alive) != 1:
        axes.set_axis_off()
        return
    order = np.argsort(samples.X[:, alive[0]], kind="stable")
    _band(axes, samples.X[order, alive[0]], samples, formula, order)
    axes.set_xlabel(labelled(samples.arguments[alive[0]], units))


def _band(
    axes: Axes,
    x: np.ndarray,
    samples: HiddenSamples,
    formula: np.ndarray | None,
    order: np.ndarray,
) -> None:
    mean, half = samples.values[order], BAND * samples.sd[order]
    colour = COLOURS["surrogate"]
    axes.fill_between(
        x, mean - half, mean + half, color=colour, alpha=0.2, linewidth=0, label="95 % band"
    )
    axes.plot(x, mean, color=colour, linewidth=1.1, label="surrogate")
    if formula is not None:
        axes.plot(x, formula[order], color=COLOURS["law"], ls=(0, (5, 1.5)), label="law's formula")
    quiet(axes)
