"""A system as a Python module that needs numpy alone."""

from __future__ import annotations

from residuum.laws.export.code import Dialect
from residuum.laws.export.system import System

NUMPY = Dialect(
    calls={
        **{name: f"np.{name}" for name in ("abs", "sqrt", "exp", "log", "sin", "cos", "tan")},
        **{name: f"np.{name}" for name in ("tanh", "sinh", "cosh", "sign")},
        **{"asin": "np.arcsin", "acos": "np.arccos", "atan": "np.arctan"},
        **{"min": "np.minimum", "max": "np.maximum"},
    },
    # numpy gives NaN where Python's own power of a negative number turns complex
    power=lambda base, exponent: f"np.power({base}, {exponent})",
    reserved=frozenset({"np", "law"}),
)


def to_python(system: System) -> str:
    """Return the module: `law(arguments, parameters)` gives the results as an array."""
    return module(system, NUMPY, "import numpy as np", "np.stack(np.broadcast_arrays(*{}))")


def module(
    system: System, dialect: Dialect, imports: str, stacked: str, converted: str = "{}"
) -> str:
    """Return a Python module with one function, `law`; `converted` is done to parameters."""
    names = [dialect.name(name) for name in system.arguments]
    names += [f"{dialect.name(name)}={value!r}" for name, value in system.parameters.items()]
    lines = [f'"""{system.title.capitalize()}."""', "", imports, "", ""]
    lines += [f"def law({', '.join(names)}):"]
    lines += [f'    """Return {", ".join(system.results)}."""']
    own = [dialect.name(name) for name in system.parameters if converted != "{}"]
    lines += [f"    {name} = {converted.format(name)}" for name in own]
    results = [f"        {dialect.write(side)}," for side in system.results.values()]
    lines += ["    results = (", *results, "    )"]
    return "\n".join([*lines, f"    return {stacked.format('results')}"]) + "\n"
