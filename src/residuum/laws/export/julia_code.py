"""A system as a Julia function; outside a domain it is NaN, not an error."""

from __future__ import annotations

from residuum.laws.export.code import Dialect
from residuum.laws.export.system import System

_RESERVED = (
    "baremodule begin break catch const continue do else elseif end export false finally for "
    "function global if import let local macro module quote return struct true try using while "
    "law pi im abs sqrt exp log sin cos tan"
)
JULIA = Dialect(
    calls={"sqrt": "sqrt_", "log": "log_", "asin": "asin_", "acos": "acos_"},
    power=lambda base, exponent: f"power_({base}, {exponent})",
    reserved=frozenset(_RESERVED.split()),
)
HELPERS = """\
sqrt_(a) = a < 0 ? NaN : sqrt(a)
log_(a) = a < 0 ? NaN : log(a)
asin_(a) = abs(a) > 1 ? NaN : asin(a)
acos_(a) = abs(a) > 1 ? NaN : acos(a)
power_(a, b) = a < 0 && !isinteger(b) ? NaN : float(a)^b
"""


def to_julia(system: System) -> str:
    """Return the source: `law(arguments; parameters)` gives the results as a vector."""
    arguments = ", ".join(JULIA.name(name) for name in system.arguments)
    given = ", ".join(f"{JULIA.name(name)}={value!r}" for name, value in system.parameters.items())
    lines = [f"# {system.title}", f"# results: {', '.join(system.results)}", "", HELPERS]
    lines += [f"function law({arguments}{'; ' + given if given else ''})", "    return ["]
    lines += [f"        {JULIA.write(side)}," for side in system.results.values()]
    return "\n".join([*lines, "    ]", "end"]) + "\n"
