"""A system as an SBML model, Level 3 Version 2 Core (doi:10.1515/jib-2017-0081).

Components of a law are parameters with rate rules, formulas assignment rules; what is not known
(where a trajectory begins, values of inputs) is left without a value, to be set by the simulator.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from xml.etree import ElementTree as xml

from residuum.errors import UserError
from residuum.expressions.expression import CONSTANT, is_variable
from residuum.laws.export.body_system import BodySystem
from residuum.laws.export.system import System

SBML = "http://www.sbml.org/sbml/level3/version2/core"
MATHML = "http://www.w3.org/1998/Math/MathML"
TIME = "http://www.sbml.org/sbml/symbols/time"
_MATH = {
    **{"+": "plus", "-": "minus", "*": "times", "/": "divide", "**": "power", "neg": "minus"},
    **{"sqrt": "root", "log": "ln", "asin": "arcsin", "acos": "arccos", "atan": "arctan"},
}


def to_sbml(system: System) -> str:
    """Return the model; the values of a law's parameters stand in it."""
    root = xml.Element("sbml", xmlns=SBML, level="3", version="2")
    model = xml.SubElement(root, "model", id="law", name=system.title)
    clock = "t" if system.rates else None
    ruled = [*system.rates] if system.rates else [*system.results]
    parameters = xml.SubElement(model, "listOfParameters")
    for name in dict.fromkeys([*ruled, *(a for a in system.arguments if a != clock)]):
        xml.SubElement(parameters, "parameter", id=name, constant="false")
    for name, value in system.parameters.items():
        xml.SubElement(parameters, "parameter", id=name, value=repr(value), constant="true")
    rules = xml.SubElement(model, "listOfRules")
    kind = "rateRule" if system.rates else "assignmentRule"
    for name, side in zip(ruled, system.results.values(), strict=True):
        rule = xml.SubElement(rules, kind, variable=name)
        math_of = xml.SubElement(rule, "math", xmlns=MATHML)
        math_of.append(side.fold(_leaf(clock), _node))
    xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, "unicode") + "\n"


def bodies_to_sbml(system: BodySystem) -> str:
    """Raise UserError: the core of SBML has neither vectors nor sums over what is not named."""
    raise UserError(
        "SBML cannot say a law of any number of bodies",
        where=system.title,
        expected="a fixed list of scalar variables, and no sums over pairs",
        hint="export it to python, torch, c, julia or latex",
    )


def _leaf(clock: str | None) -> Callable[[str, float | None], xml.Element]:
    def leaf(token: str, constant: float | None) -> xml.Element:
        if token == clock:
            found = xml.Element("csymbol", encoding="text", definitionURL=TIME)
            found.text = token
        elif is_variable(token):
            found = xml.Element("ci")
            found.text = token
        else:
            found = _number(
                constant if token == CONSTANT and constant is not None else float(token)
            )
        return found

    return leaf


def _number(value: float) -> xml.Element:
    if not math.isfinite(value):
        return xml.Element("notanumber" if math.isnan(value) else "infinity")
    found = xml.Element("cn")
    mantissa, mark, exponent = repr(value).partition("e")
    found.text = mantissa
    if mark:
        found.set("type", "e-notation")
        xml.SubElement(found, "sep").tail = str(int(exponent))
    return found


def _node(operator: str, *parts: xml.Element) -> xml.Element:
    if operator == "sign":
        return _sign(parts[0])
    found = xml.Element("apply")
    found.append(xml.Element(_MATH.get(operator, operator)))
    found.extend(parts)
    return found


def _sign(part: xml.Element) -> xml.Element:
    found = xml.Element("piecewise")
    for value, comparison in ((-1.0, "lt"), (1.0, "gt")):
        piece = xml.SubElement(found, "piece")
        piece.append(_number(value))
        condition = xml.SubElement(piece, "apply")
        condition.extend([xml.Element(comparison), part, _number(0.0)])
    xml.SubElement(found, "otherwise").append(_number(0.0))
    return found
