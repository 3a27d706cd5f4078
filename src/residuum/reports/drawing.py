"""How a figure becomes SVG: the same bytes every time, readable alone and inside a page.

Colours carry one meaning everywhere: ink is data, blue the law, vermilion the surrogate
(M. Okabe and K. Ito, Color Universal Design, 2008). Inside a page they are CSS variables, so
that the figure follows a light or a dark page.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET  # only ever reads what matplotlib wrote a line before
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

COLOURS = {
    "ink": "#1c1c1a",
    "soft": "#6e6e69",
    "faint": "#c4c4bd",
    "shade": "#f2efe7",
    "paper": "#fefefd",
    "law": "#0072b2",
    "surrogate": "#d55e00",
}
WIDTH = 7.4
_FONT = "DejaVu Sans"
_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}"

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "residuum",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.formatter.use_mathtext": False,
    "axes.formatter.useoffset": False,
    "axes.unicode_minus": True,
    "font.family": _FONT,
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "text.color": COLOURS["ink"],
    "axes.labelcolor": COLOURS["ink"],
    "axes.edgecolor": COLOURS["soft"],
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": COLOURS["paper"],
    "figure.facecolor": COLOURS["paper"],
    "xtick.color": COLOURS["soft"],
    "ytick.color": COLOURS["soft"],
    "xtick.labelcolor": COLOURS["ink"],
    "ytick.labelcolor": COLOURS["ink"],
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "lines.linewidth": 1.4,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure with its words: `svg` stands alone, `inline` goes into a page."""

    name: str
    title: str
    description: str
    svg: str
    inline: str


@contextmanager
def style() -> Iterator[None]:
    """Draw inside this context: fonts, colours and reproducible SVG, restored afterwards."""
    with mpl.rc_context(_STYLE):
        yield


def new_figure(height: float) -> Figure:
    """Return an empty figure of the page's width, `height` inches high."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure


def finish(figure: Figure, *, name: str, title: str, description: str) -> Drawing:
    """Return the figure as SVG with its title and description for readers who do not see it."""
    buffer = io.BytesIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(buffer, format="svg", metadata=nothing)
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 (our own output, not a user's file)
    _plain(root)
    _rename(root, name)
    _describe(root, name, title, description)
    alone = f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'
    for element in root.iter():
        if "style" in element.attrib:
            element.set("style", _themed(element.get("style", "")))
    del root.attrib["width"], root.attrib["height"]
    return Drawing(name, title, description, alone, ET.tostring(root, encoding="unicode"))


def _plain(root: ET.Element) -> None:
    """Drop namespaces, metadata and matplotlib's own font choice."""
    for metadata in root.findall(f"{_SVG}metadata"):
        root.remove(metadata)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        for key in [k for k in element.attrib if k.startswith(_XLINK)]:
            element.set(key.removeprefix(_XLINK), element.attrib.pop(key))
        if f"'{_FONT}'" in element.get("style", ""):
            fonts = "'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
            element.set("style", re.sub(rf"'{_FONT}'[^;]*", fonts, element.get("style", "")))
    root.set("xmlns", "http://www.w3.org/2000/svg")


def _rename(root: ET.Element, prefix: str) -> None:
    """Make ids unique across the figures of a page; drop those nothing refers to."""
    used = set()
    for element in root.iter():
        for key in ("href", "clip-path"):
            if key in element.attrib:
                used.add(element.attrib[key].removeprefix("url(").strip("#)"))
                element.set(key, element.attrib[key].replace("#", f"#{prefix}-", 1))
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name in used:
            element.set("id", f"{prefix}-{name}")


def _describe(root: ET.Element, name: str, title: str, description: str) -> None:
    for index, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(tag, {"id": f"{name}-{tag}"})
        element.text = text
        root.insert(index, element)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")


def _themed(style: str) -> str:
    for colour, value in COLOURS.items():
        style = style.replace(value, f"var(--{colour}, {value})")
    return style
