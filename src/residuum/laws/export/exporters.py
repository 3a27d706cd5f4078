"""The table of exporters: a new language is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from residuum.errors import unknown_name
from residuum.laws.export.body_c_code import bodies_to_c
from residuum.laws.export.body_julia_code import bodies_to_julia
from residuum.laws.export.body_python_code import bodies_to_python, bodies_to_torch
from residuum.laws.export.body_system import BodySystem
from residuum.laws.export.c_code import to_c
from residuum.laws.export.julia_code import to_julia
from residuum.laws.export.latex_text import bodies_to_latex, to_latex
from residuum.laws.export.python_code import to_python
from residuum.laws.export.sbml_text import bodies_to_sbml, to_sbml
from residuum.laws.export.system import System
from residuum.laws.export.torch_code import to_torch


@dataclass(frozen=True, slots=True)
class Exporter:
    """How one language writes a system of formulas, and one of bodies."""

    of_system: Callable[[System], str]
    of_bodies: Callable[[BodySystem], str]


EXPORTERS: Mapping[str, Exporter] = {
    "python": Exporter(to_python, bodies_to_python),
    "torch": Exporter(to_torch, bodies_to_torch),
    "c": Exporter(to_c, bodies_to_c),
    "julia": Exporter(to_julia, bodies_to_julia),
    "latex": Exporter(to_latex, bodies_to_latex),
    "sbml": Exporter(to_sbml, bodies_to_sbml),
}


def export(system: System | BodySystem, language: str) -> str:
    """Return the system in a language.

    Raises UserError where there is no such exporter, or the language cannot say it.
    """
    if language not in EXPORTERS:
        raise unknown_name(language, EXPORTERS, what="language", where="--to")
    exporter = EXPORTERS[language]
    if isinstance(system, BodySystem):
        return exporter.of_bodies(system)
    return exporter.of_system(system)
