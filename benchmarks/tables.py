"""Numbers and tables as the page shows them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

MISSING = "Not run.\n"
Z95 = 1.959964
LONG_NUMBER = re.compile(r"\d+\.\d+(?:[eE][-+]?\d+)?")


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = [line(head), line(["---"] * len(head)), *(line(row) for row in rows)]
    return "\n".join(lines) + "\n"


def line(cells: Sequence[Any]) -> str:
    """Return one row of a Markdown table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    if count == 0:
        return 0.0, 1.0
    share, square = hits / count, Z95**2
    centre = (share + square / (2 * count)) / (1 + square / count)
    half = math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    half *= Z95 / (1 + square / count)
    return max(0.0, centre - half), min(1.0, centre + half)


def rate(hits: int, count: int) -> str:
    """Return a share with its interval, such as `97 % (92 to 99)`."""
    if count == 0:
        return "not run"
    low, high = wilson(hits, count)
    return f"{percent(hits / count)} ({100 * low:.0f} to {100 * high:.0f})"


def percent(share: float | None) -> str:
    """Return a share in percent, or a dash."""
    return "-" if share is None else f"{100 * share:.0f} %"


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with a few significant digits, or a dash."""
    return "-" if value is None else f"{value:.{digits}g}"


def middle(values: Iterable[float | None]) -> float | None:
    """Return the median of the values that are there."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def largest(values: Iterable[float | None]) -> float | None:
    """Return the largest of the values that are there."""
    return max((value for value in values if value is not None), default=None)


def formula(text: str) -> str:
    """Return a formula with its numbers at four significant digits, as code."""
    shown = LONG_NUMBER.sub(lambda found: f"{float(found.group()):.4g}", text)
    return f"`{shown.replace('+ -', '- ')}`"
