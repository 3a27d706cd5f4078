"""The report that every test takes a variation of."""

from __future__ import annotations

import pytest
from report_material import MakeReport, lynx_report


@pytest.fixture
def make_report() -> MakeReport:
    """Return a function that makes the report of lynx and hare, with some parts replaced."""
    return lynx_report
