"""What is drawn: the data with the law's fit and forecast, the hidden terms, the fronts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from residuum.distillers.front import Front
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.hidden.samples import HiddenSamples
from residuum.problem.names import split_suffix
from residuum.reports.content import DatasetReport, unit_of
from residuum.reports.drawing import COLOURS, Drawing, finish, new_figure, style
from residuum.reports.numbers import significant

if TYPE_CHECKING:
    from residuum.data.observations import Experiment

MOST_EXPERIMENTS = 3
MOST_MARKERS = 800
BAND = 1.96  # half width of a 95 % band in standard deviations


def draw_all(report: DatasetReport) -> tuple[Drawing, ...]:
    """Return the report's figures; those without anything to show are left out."""
    with style():
        drawn = [draw_trajectories(report), draw_hidden(report), draw_fronts(report)]
    return tuple(drawing for drawing in drawn if drawing is not None)


def draw_trajectories(report: DatasetReport) -> Drawing | None:
    """Draw each state against time: data, fit, forecast; held-out spans are shaded."""
    experiments = report.observations.experiments[:MOST_EXPERIMENTS]
    names = observed_components(experiments)
    if not names:
        return None
    figure = new_figure(0.55 + 1.55 * len(names))
    axes = figure.subplots(len(names), len(experiments), squeeze=False, sharex="col", sharey="row")
    curves = report.candidates.get("curves") or {}
    units = report.observations.units
    for j, experiment in enumerate(experiments):
        for i, name in enumerate(names):
            _panel(axes[i, j], experiment, name, curves.get(experiment.name) or {})
        axes[-1, j].set_xlabel(labelled("t", units, "time"))
        if len(experiments) > 1:
            axes[0, j].set_title(shortened(experiment.name, 40), loc="left")
    for i, name in enumerate(names):
        axes[i, 0].set_ylabel(labelled(name, units))
    _legend(figure, axes[0, 0], axes.flat)
    return finish(
        figure,
        name="trajectories",
        title="Data, fit and held-out forecast",
        description=f"Each of {', '.join(names)} against time in {len(experiments)} of "
        f"{len(report.observations.experiments)} experiments: measurements as circles, the law "
        "as a line, held-out spans shaded.",
    )


def observed_components(experiments: Sequence[Experiment]) -> list[str]:
    """Return the states and components with at least one finite value."""
    names = dict.fromkeys(n for experiment in experiments for n in experiment.states)
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


def _panel(axes: Axes, experiment: Experiment, name: str, curves: Mapping[str, Any]) -> None:
    t = np.asarray(experiment.t, dtype=float)
    held_out = np.asarray(experiment.held_out, dtype=bool)
    for start, stop in held_out_spans(t, held_out):
        axes.axvspan(start, stop, color=COLOURS["shade"], linewidth=0, label="held out")
    for part, dashes in (("fit", "solid"), ("forecast", (0, (3.5, 1.6)))):
        curve = curves.get(part) or {}
        if name in curve.get("components", {}):
            values = curve["components"][name]
            axes.plot(
                *_finite(curve["t"], values), color=COLOURS["law"], ls=dashes, label=f"law, {part}"
            )
    values = np.asarray(experiment.states.get(name, np.full(len(t), np.nan)), dtype=float)
    axes.plot(
        *_thinned(t, values),
        linestyle="none",
        marker="o",
        markersize=3.4 if len(t) < 150 else 2.0,
        markerfacecolor=COLOURS["paper"],
        markeredgecolor=COLOURS["ink"],
        markeredgewidth=0.8,
        label="data",
    )
    _quiet(axes)


def draw_hidden(report: DatasetReport) -> Drawing | None:
    """Draw each hidden term: the surrogate with its 95 % band against the law's formula."""
    rows = [
        (name, samples)
        for extraction in report.extractions.values()
        for name, samples in extraction.samples.items()
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
            axes[i, j].set_xlabel(labelled("t", report.observations.units, "time"))
        if single:
            _against(axes[i, -1], samples, values, report.observations.units)
        axes[i, 0].set_ylabel(shortened(f"{term}({', '.join(samples.arguments)})", 34))
    _legend(figure, axes[0, 0], axes.flat)
    return finish(
        figure,
        name="hidden",
        title="Hidden terms",
        description="Each hidden term along the trajectories: the surrogate with its 95 % band "
        "and the formula of the law at the same arguments.",
    )


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
    _quiet(axes)


def draw_fronts(report: DatasetReport) -> Drawing | None:
    """Draw loss against complexity of each hidden term's candidates, the law's choice marked."""
    terms = [name for name in report.hidden if any(f.term == name for f in report.fronts)]
    if not terms:
        return None
    columns = min(3, len(terms))
    lines = -(-len(terms) // columns)
    figure = new_figure(0.5 + 2.2 * lines)
    axes = figure.subplots(lines, columns, squeeze=False)
    for panel in axes.flat[len(terms) :]:
        panel.set_axis_off()
    for panel, term in zip(axes.flat, terms, strict=False):
        _front(panel, [f for f in report.fronts if f.term == term], report.hidden[term])
        panel.set_title(shortened(term, 40), loc="left")
        panel.set_xlabel("complexity")
    for line in axes:
        line[0].set_ylabel("loss (squared spreads)")
    _legend(figure, axes[0, 0], axes.flat[: len(terms)])
    return finish(
        figure,
        name="front",
        title="Fronts",
        description=f"Loss against complexity of the candidates for {', '.join(terms)}; the "
        "formula of the law is marked.",
    )


def _front(axes: Axes, fronts: Sequence[Front], entry: Mapping[str, Any]) -> None:
    merged = Front(fronts[0].term, tuple(c for front in fronts for c in front.candidates))
    usable = [c for c in merged.candidates if c.status == "ok" and c.loss > 0]
    best = [c for c in merged.nondominated if c.loss > 0]
    soft, faint = COLOURS["soft"], COLOURS["faint"]
    axes.plot(*_pairs(usable), ls="none", marker="o", ms=3.0, color=faint, label="candidates")
    axes.plot(*_pairs(best), color=soft, marker="o", ms=3.6, lw=1.0, label="front")
    axes.set_yscale("log")
    # matplotlib writes powers as mathematical text, which is switched off: names may hold a $.
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: significant(y, 2)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    chosen = chosen_candidate(str(entry["numeric"]), usable)
    if chosen is not None:
        axes.plot(*_pairs([chosen]), ls="none", marker="o", ms=8, mfc="none", mew=1.6,
                  color=COLOURS["law"], label="in the law")  # fmt: skip
    elif isinstance(entry.get("complexity"), int | float):
        axes.axvline(entry["complexity"], color=COLOURS["law"], lw=1.2, ls=(0, (5, 1.5)),
                     label="complexity of the law's formula")  # fmt: skip


def chosen_candidate(numeric: str, candidates: Sequence[Any]) -> Any | None:
    """Return the best candidate with the structure of the law's formula, constants aside."""
    wanted = _structure(parse(numeric))
    same = [c for c in candidates if _structure(parse(c.expression.infix())) == wanted]
    return min(same, key=lambda c: c.loss, default=None)


def _structure(expression: Expression) -> tuple[str, ...]:
    return expression.tokens


def _pairs(candidates: Sequence[Any]) -> tuple[list[int], list[float]]:
    return [c.complexity for c in candidates], [c.loss for c in candidates]


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


def shortened(text: str, length: int) -> str:
    """Return the text in one line, cut with an ellipsis after `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}\u2026"


def _finite(t: Sequence[float], values: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    # JSON has no NaN: a curve that left the finite numbers holds null from there on.
    y = np.asarray([np.nan if v is None else v for v in values], dtype=float)
    return np.asarray(t, dtype=float), y


def _thinned(t: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kept = np.flatnonzero(np.isfinite(values))
    step = -(-len(kept) // MOST_MARKERS) or 1
    return t[kept[::step]], values[kept[::step]]


def _quiet(axes: Axes) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.margins(x=0.02)


def _legend(figure: Figure, first: Axes, panels: Any) -> None:
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
