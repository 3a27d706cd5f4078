"""A system as a C99 function of doubles."""

from __future__ import annotations

from residuum.laws.export.code import Dialect
from residuum.laws.export.system import System

_KEYWORDS = (
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while j0 j1 jn y0 y1 yn gamma law results main NAN INFINITY "
    "pow fabs least greatest sign_of"
)
C = Dialect(
    calls={"abs": "fabs", "min": "least", "max": "greatest", "sign": "sign_of"},
    power=lambda base, exponent: f"pow({base}, {exponent})",
    reserved=frozenset(_KEYWORDS.split()),
)
HELPERS = """\
/* As everywhere in residuum, NaN stays NaN: fmin and fmax would lose it. */
static double least(double a, double b) { return isnan(a) || a < b ? a : b; }
static double greatest(double a, double b) { return isnan(a) || a > b ? a : b; }
static double sign_of(double a) { return isnan(a) ? a : (double)((a > 0) - (a < 0)); }
"""


def to_c(system: System) -> str:
    """Return the source: `law(arguments, parameters, results)` fills the array of results."""
    names = [C.name(name) for name in (*system.arguments, *system.parameters)]
    declared = ", ".join(f"double {name}" for name in names)
    values = ", ".join(f"{name} = {value!r}" for name, value in system.parameters.items())
    lines = [f"/* {system.title}", f"   results: {', '.join(system.results)}"]
    lines += [f"   parameters: {values} */"] if values else ["*/"]
    lines += ["#include <math.h>", "", HELPERS, f"void law({declared}, double *results) {{"]
    lines += [f"    (void){name};" for name in names]
    lines += [
        f"    results[{k}] = {C.write(side)};" for k, side in enumerate(system.results.values())
    ]
    return "\n".join([*lines, "}"]) + "\n"
