"""report: write the page of one dataset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from residuum.files import read_json, write_text
from residuum.io.extraction import read_extraction
from residuum.io.fronts import read_fronts
from residuum.io.observations import read_observations
from residuum.io.surrogate import read_description
from residuum.reports.page import DatasetReport, render_page
from residuum.stages.paths import CANDIDATES, LAW, DatasetPaths, paths_of

if TYPE_CHECKING:
    from residuum.config import Dataset


def report(dataset: Dataset, results: Path) -> None:
    """Write `figures/*.svg`, `law.tex` and `report.html`."""
    paths = paths_of(results, dataset.name)
    page = render_page(gather(dataset, paths))
    _write_figures(paths.figures, page.figures)
    write_text(paths.tex, page.tex)
    write_text(paths.page, page.html)


def gather(dataset: Dataset, paths: DatasetPaths) -> DatasetReport:
    """Return the results of every stage of a dataset."""
    folders = {name: paths.surrogate(name) for name in dataset.surrogates}
    files = [paths.front(s, d) for s in dataset.surrogates for d in dataset.distillers]
    return DatasetReport(
        law=read_json(paths.law, LAW),
        candidates=read_json(paths.candidates, CANDIDATES),
        observations=read_observations(paths.observations),
        extractions={
            name: read_extraction(folder / "hidden.nc", folder / "structure.json")
            for name, folder in folders.items()
        },
        fronts=[front for file in files for front in read_fronts(file).values()],
        surrogates={
            name: read_description(folder / "surrogate.json") for name, folder in folders.items()
        },
        given={equation.left: equation.text for equation in dataset.problem.equations},
    )


def _write_figures(folder: Path, figures: Mapping[str, str]) -> None:
    """Write the figures; those of an earlier report that this one lacks are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, svg in figures.items():
        write_text(folder / f"{name}.svg", svg)
    for old in folder.glob("*.svg"):
        if old.stem not in figures:
            old.unlink()
