"""summarize: write the index of the campaign."""

from residuum.reports.index import render_index, summary
