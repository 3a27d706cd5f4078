"""How templates are filled: what a user wrote is escaped, a name without a value is an error."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


@cache
def environment() -> Environment:
    """Return the template environment of the reports."""
    made = Environment(
        loader=PackageLoader("residuum.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["own"] = _own
    return made


def fill(template: str, values: dict[str, Any]) -> str:
    """Return a page of text from a template and its values."""
    return environment().get_template(template).render(values).lstrip()


def _own(svg: str) -> Markup:
    """Let through what `drawing.finish` made; the only way past the escaping besides MathML."""
    return Markup(svg)  # noqa: S704 (serialised from an element tree, text nodes escaped there)
