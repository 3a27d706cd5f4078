"""Bodies as a Julia function of matrices `[n, d]`, with loops over pairs."""

from __future__ import annotations

from collections.abc import Callable

from residuum.laws.export.body_functions import Function, Functions
from residuum.laws.export.body_system import BodySystem
from residuum.laws.export.code import fresh
from residuum.laws.export.julia_code import HELPERS, JULIA
from residuum.problem.names import PAIR_SUM

_WORDS = "size zeros isinteger float NaN Inf sqrt_ log_ asin_ acos_ power_"


def bodies_to_julia(system: BodySystem) -> str:
    """Return the source: `law(arguments; parameters)` gives the rates as an array `[c, n, d]`."""
    reserved = JULIA.reserved | {*_WORDS.split()}
    names: dict[str, str] = {}
    for name in (*system.arguments, *system.parameters):
        names[name] = fresh(name, {*reserved, *names.values()})

    def element(name: str, body: str, vector: bool) -> str:
        return f"{names[name]}[{body}, {k}]" if vector else f"{names[name]}[{body}]"

    def call(name: str, indices: tuple[str, ...]) -> str:
        return f"{name}({', '.join(indices)})"

    taken = reserved | {*names.values()}
    functions = Functions(system, JULIA, names, element, call, taken)
    n, d, i, k, results = map(functions.own, ("n", "d", "i", "k", "results"))
    rates = [functions.text(side) for side in system.rates.values()]
    arguments = ", ".join(names[name] for name in system.arguments)
    given = ", ".join(f"{names[name]}={value!r}" for name, value in system.parameters.items())
    lines = [f"# {line}" for line in (system.title, *system.described(names))]
    lines += ["", HELPERS]
    lines += [f"function law({arguments}{'; ' + given if given else ''})"]
    lines += [f"    {n}, {d} = size({names[system.law.components[0]]})"]
    for function in functions.found.values():
        lines += [f"    {line}" for line in _function(function, functions.own)]
    lines += [f"    {results} = zeros({len(rates)}, {n}, {d})"]
    lines += [f"    for {i} in 1:{n}, {k} in 1:{d}"]
    for place, (text, before) in enumerate(rates):
        lines += [f"        {local} = {call}" for local, call in before.items()]
        lines += [f"        {results}[{place + 1}, {i}, {k}] = {text}"]
    return "\n".join([*lines, "    end", f"    return {results}", "end"]) + "\n"


def _function(function: Function, own: Callable[[str], str]) -> list[str]:
    n, d, i, j, k, total = map(own, ("n", "d", "i", "j", "k", "total"))
    calls = [f"        {local} = {call}" for local, call in function.before.items()]
    lines = [f"function {function.name}({', '.join(function.indices)})", f"    {total} = 0.0"]
    if function.kind == PAIR_SUM:
        lines += [f"    for {j} in 1:{n}", f"        {j} == {i} && continue", *calls]
        lines += [f"        {total} += {function.parts[0]}"]
    else:
        lines += [f"    for {k} in 1:{d}", *calls]
        lines += [f"        {total} += ({function.parts[0]})*({function.parts[-1]})"]
    result = f"sqrt({total})" if function.kind == "norm" else total
    return [*lines, "    end", f"    return {result}", "end"]
