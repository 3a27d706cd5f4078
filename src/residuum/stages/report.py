"""report: write the page of one dataset."""

from residuum.reports.page import render_page
