"""Where each stage writes, under `results/DATASET/`, and the schemas of what it writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LAW = "residuum/law/1"
CANDIDATES = "residuum/candidates/1"


@dataclass(frozen=True, slots=True)
class DatasetPaths:
    """The files of one dataset."""

    root: Path

    @property
    def observations(self) -> Path:
        """What was measured."""
        return self.root / "observations.nc"

    @property
    def law(self) -> Path:
        """The chosen law."""
        return self.root / "law.json"

    @property
    def candidates(self) -> Path:
        """Every law that was refitted."""
        return self.root / "candidates.json"

    @property
    def page(self) -> Path:
        """The report."""
        return self.root / "report.html"

    @property
    def figures(self) -> Path:
        """The folder of the report's figures."""
        return self.root / "figures"

    @property
    def tex(self) -> Path:
        """The law in LaTeX."""
        return self.root / "law.tex"

    def surrogate(self, name: str) -> Path:
        """The folder of one surrogate."""
        return self.root / name

    def front(self, surrogate: str, distiller: str) -> Path:
        """The candidates of one distiller."""
        return self.root / surrogate / distiller / "front.json"

    def checkpoint(self, surrogate: str, distiller: str, term: str) -> Path:
        """Where a distiller keeps the state of its search for one term while it is at work."""
        return self.root / surrogate / distiller / f".{term}.checkpoint.npz"


def paths_of(results: Path, dataset: str) -> DatasetPaths:
    """Return the files of a dataset."""
    return DatasetPaths(results / dataset)
