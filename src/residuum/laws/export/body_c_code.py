"""Bodies as a C99 function of arrays of doubles, with loops over pairs."""

from __future__ import annotations

from collections.abc import Mapping

from residuum.laws.export.body_functions import Function, Functions
from residuum.laws.export.body_system import BodySystem
from residuum.laws.export.c_code import HELPERS, C
from residuum.laws.export.code import fresh
from residuum.problem.names import PAIR_SUM

_OWN = frozenset({"n", "d", "s", "i", "j", "k", "a", "b", "total", "bodies", "of_all"})


def bodies_to_c(system: BodySystem) -> str:
    """Return the source: `law(n, d, arguments, parameters, results)` fills an array `[c, n, d]`."""
    fields: dict[str, str] = {}
    for name in (*system.arguments, *system.parameters):
        fields[name] = fresh(name, {*C.reserved, *_OWN, *fields.values()})

    def element(name: str, body: str, vector: bool) -> str:
        return f"s->{fields[name]}[{body}*s->d + k]" if vector else f"s->{fields[name]}[{body}]"

    def call(name: str, indices: tuple[str, ...]) -> str:
        return f"{name}({', '.join(('s', *indices))})"

    shared = {name: f"s->{fields[name]}" for name in system.shared}
    functions = Functions(system, C, shared, element, call, C.reserved | {*fields.values()})
    rates = [functions.text(side) for side in system.rates.values()]
    lines = [*_comment(system, fields), "#include <math.h>", "", HELPERS, *_struct(system, fields)]
    for function in functions.found.values():
        lines += ["", *_function(function)]
    arrays = [*system.law.components, *system.law.scalars]
    given = [f"{'const double *' if n in arrays else 'double '}{f}" for n, f in fields.items()]
    lines += ["", f"void law(int n, int d, {', '.join(given)}, double *results) {{"]
    lines += [f"    const bodies of_all = {{{', '.join(('n', 'd', *fields.values()))}}};"]
    lines += ["    const bodies *s = &of_all;"]
    lines += ["    for (int i = 0; i < n; i++) {", "        for (int k = 0; k < d; k++) {"]
    for place, (text, before) in enumerate(rates):
        lines += ["            {", *(f"                {line}" for line in _before(before))]
        lines += [f"                results[({place}*n + i)*d + k] = {text};", "            }"]
    return "\n".join([*lines, "        }", "    }", "}"]) + "\n"


def _comment(system: BodySystem, fields: Mapping[str, str]) -> list[str]:
    values = [f"{fields[name]} = {value!r}" for name, value in system.parameters.items()]
    lines = [system.title, *system.described(fields)]
    lines += [f"parameters: {', '.join(values)}"] if values else []
    return ["/* " + "\n   ".join(lines) + " */"]


def _struct(system: BodySystem, fields: Mapping[str, str]) -> list[str]:
    arrays = [*system.law.components, *system.law.scalars]
    members = [f"{'const double *' if n in arrays else 'double '}{f};" for n, f in fields.items()]
    return ["typedef struct {", "    int n, d;", *(f"    {m}" for m in members), "} bodies;"]


def _before(calls: Mapping[str, str]) -> list[str]:
    return [f"const double {local} = {call};" for local, call in calls.items()]


def _function(function: Function) -> list[str]:
    indices = ", ".join(f"int {index}" for index in function.indices)
    lines = [f"static double {function.name}(const bodies *s, {indices}) {{"]
    lines += [*(f"    (void){index};" for index in function.indices), "    double total = 0.0;"]
    calls = [f"        {line}" for line in _before(function.before)]
    if function.kind == PAIR_SUM:
        lines += ["    for (int j = 0; j < s->n; j++) {", "        if (j == i) continue;", *calls]
        lines += [f"        total += {function.parts[0]};"]
    else:
        lines += ["    for (int k = 0; k < s->d; k++) {", *calls]
        letters = "ab"[: len(function.parts)]
        rows = zip(letters, function.parts, strict=True)
        lines += [f"        const double {letter} = {part};" for letter, part in rows]
        lines += [f"        total += {letters[0]}*{letters[-1]};"]
    result = "sqrt(total)" if function.kind == "norm" else "total"
    return [*lines, "    }", f"    return {result};", "}"]
