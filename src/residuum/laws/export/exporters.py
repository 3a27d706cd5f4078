"""The table of exporters: a new language is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from residuum.errors import unknown_name
from residuum.laws.export.c_code import to_c
from residuum.laws.export.julia_code import to_julia
from residuum.laws.export.latex_text import to_latex
from residuum.laws.export.python_code import to_python
from residuum.laws.export.sbml_text import to_sbml
from residuum.laws.export.system import System
from residuum.laws.export.torch_code import to_torch

EXPORTERS: Mapping[str, Callable[[System], str]] = {
    "python": to_python,
    "torch": to_torch,
    "c": to_c,
    "julia": to_julia,
    "latex": to_latex,
    "sbml": to_sbml,
}


def export(system: System, language: str) -> str:
    """Return the system in a language; raises UserError where there is no such exporter."""
    if language not in EXPORTERS:
        raise unknown_name(language, EXPORTERS, what="language", where="--to")
    return EXPORTERS[language](system)
