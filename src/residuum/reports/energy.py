"""The energy of bodies along the law's paths and in the measurements, in a figure and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from residuum.data.written_bodies import scalars_of
from residuum.laws.energy import Energy, NoEnergy, drift, energy_of
from residuum.laws.law import Law
from residuum.problem.body_expansion import Expansion
from residuum.reports.axes import labelled, legend, quiet, shortened, shown_experiments
from residuum.reports.content import DatasetReport
from residuum.reports.drawing import COLOURS, Drawing, finish, new_figure
from residuum.reports.numbers import significant

if TYPE_CHECKING:
    from residuum.data.observations import Experiment

# Distances between two bodies at which a potential is asked for.
MOST_DISTANCES = 40_000
FEWEST_FRAMES = 3
MEASURED = "data"
LABELS = {MEASURED: MEASURED, "fit": "law, fit", "forecast": "law, forecast"}


@dataclass(frozen=True, slots=True)
class Drifts:
    """Of one experiment: times and relative drift of each part of the law's path, and measured."""

    experiment: str
    parts: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


def drifts(report: DatasetReport) -> list[Drifts] | NoEnergy | None:
    """Return the drift of energy of a few experiments, or why the law conserves none.

    None for a law that is not one of bodies.
    """
    law = Law.from_json(report.law) if "bodies" in report.law else None
    if law is None or law.bodies is None:
        return None
    values = {name: row.value for name, row in law.parameters.items()}
    energy = energy_of(law.bodies, report.observations.experiments, values)
    if isinstance(energy, NoEnergy):
        return energy
    curves = report.candidates.get("curves") or {}
    moving = [e for e in report.observations.experiments if curves.get(e.name)]
    shown = shown_experiments(moving)
    found = [Drifts(e.name, dict(_parts(energy, e, curves[e.name]))) for e in shown]
    return [row for row in found if row.parts]


def _parts(
    energy: Energy, e: Experiment, curves: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    position, velocity = energy.law.components
    paths: list[tuple[str, np.ndarray, np.ndarray, np.ndarray]] = []
    if {position, velocity} <= set(e.states):
        paths.append((MEASURED, e.t, e.states[position], e.states[velocity]))
    for part in ("fit", "forecast"):
        curve = curves.get(part) or {}
        t = np.asarray(curve.get("t") or [], dtype=float)
        x, v = (_vectors(curve, e, name, len(t)) for name in (position, velocity))
        paths.append((part, t, x, v))
    for part, t, x, v in paths:
        whole = np.flatnonzero(np.isfinite(x).all(axis=(1, 2)) & np.isfinite(v).all(axis=(1, 2)))
        pairs = max(1, len(e.bodies) * (len(e.bodies) - 1) // 2)
        kept = whole[:: max(1, -(-len(whole) * pairs // MOST_DISTANCES))]
        if len(kept) >= FEWEST_FRAMES:
            kinetic, potential = energy.along(x[kept], v[kept], scalars_of(e, energy.values))
            found = drift(kinetic, potential) if kinetic.any() else np.zeros(0)
            if len(found) and np.isfinite(found).all():
                yield part, (t[kept], found)


def _vectors(curve: Mapping[str, Any], e: Experiment, name: str, count: int) -> np.ndarray:
    """Return a component of all bodies on a curve `[n, b, d]`, NaN where it is not given."""
    columns, names = curve.get("components") or {}, Expansion(len(e.bodies), e.axes)
    blank = np.full(count, np.nan)
    rows = [np.asarray(columns.get(n, blank), dtype=float) for n in names.components(name)]
    return np.stack(rows, axis=-1).reshape(count, len(e.bodies), e.axes)


def draw_energy(report: DatasetReport) -> Drawing | None:
    """Draw the relative drift of the total energy along the law's paths and as measured."""
    rows = drifts(report)
    if not isinstance(rows, list) or not rows:
        return None
    figure = new_figure(2.5)
    axes = figure.subplots(1, len(rows), squeeze=False, sharey=True)
    for panel, row in zip(axes.flat, rows, strict=True):
        _drift(panel, row)
        panel.set_title(shortened(row.experiment, 40), loc="left")
        panel.set_xlabel(labelled("t", report.observations.units, "time"))
    axes[0, 0].set_ylabel("relative energy drift")
    legend(figure, axes.flat)
    return finish(
        figure,
        name="energy",
        title="Energy",
        description=f"Total energy less its mean, over the mean kinetic energy, in {len(rows)} "
        "experiments: along the law's path as a line, of the measurements as circles.",
    )


def _drift(axes: Axes, row: Drifts) -> None:
    styles: dict[str, dict[str, Any]] = {
        "fit": {"color": COLOURS["law"]},
        "forecast": {"color": COLOURS["law"], "ls": (0, (3.5, 1.6))},
        MEASURED: {"ls": "none", "marker": "o", "ms": 2.6, "mfc": COLOURS["paper"],
                   "mec": COLOURS["ink"], "mew": 0.7},
    }  # fmt: skip
    axes.axhline(0.0, color=COLOURS["faint"], lw=0.8, zorder=0)
    for part, (t, values) in row.parts.items():
        axes.plot(t, values, label=LABELS[part], **styles[part])
    quiet(axes)


def energy_words(report: DatasetReport) -> str:
    """Return what is said of the energy; empty for a law that is not one of bodies."""
    rows = drifts(report)
    if rows is None:
        return ""
    if isinstance(rows, NoEnergy):
        return (
            "Under this law the energy of the bodies and their pairs is not conserved: "
            f"{rows.reason}."
        )
    said = (
        "Forces are equal and opposite, along the line between two bodies, and depend on its "
        "length and on scalars alone: the law conserves energy."
    )
    if not rows:
        return f"{said} No path was integrated along which it could be followed."
    # A forecast is made with constants that were fitted to fewer data.
    law, measured = _largest(rows, "fit"), _largest(rows, MEASURED)
    found = f"Total energy less its mean, over the mean kinetic energy. {said}"
    if law is not None:
        found += f" Along fitted paths it changes by at most {significant(law)}"
        found += f", in the measurements by {significant(measured)}." if measured else "."
    return found


def _largest(rows: Sequence[Drifts], part: str) -> float | None:
    found = [np.abs(row.parts[part][1]).max() for row in rows if part in row.parts]
    return float(max(found)) if found else None
