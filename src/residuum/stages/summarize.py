"""summarize: write the index of the campaign."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from residuum.files import read_json, write_json, write_text
from residuum.reports.index import SCHEMA, render_index, summary
from residuum.stages.paths import LAW, paths_of

if TYPE_CHECKING:
    from residuum.config import Campaign


def summarize(campaign: Campaign, results: Path) -> None:
    """Write `summary.json` and `index.html`."""
    laws = [
        {
            **read_json(paths_of(results, name).law, LAW),
            "title": dataset.title,
            "order": [equation.left for equation in dataset.problem.equations],
        }
        for name, dataset in campaign.datasets.items()
    ]
    write_json(results / "summary.json", summary(laws), SCHEMA)
    write_text(results / "index.html", render_index(laws))
