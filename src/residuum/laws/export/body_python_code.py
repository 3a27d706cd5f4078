"""Bodies as a Python module of numpy or torch: all bodies and all pairs of them at once.

Vectors of bodies are `[n, d]`, of pairs `[n, n - 1, d]`: for each body the others, so that no
body ever stands beside itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from residuum.expressions.expression import Expression
from residuum.laws.export.body_system import BodySystem
from residuum.laws.export.code import Dialect, fresh
from residuum.laws.export.python_code import NUMPY
from residuum.laws.export.torch_code import TORCH
from residuum.problem.body_problem import RECEIVER
from residuum.problem.names import PAIR_SUM


def bodies_to_python(system: BodySystem) -> str:
    """Return the module: `law(arguments, parameters)` gives the rates as an array `[c, n, d]`."""
    array = "np.asarray({}, dtype=float)"
    return _module(system, NUMPY, "np", "import numpy as np", array, array)


def bodies_to_torch(system: BodySystem) -> str:
    """Return the module: `law(arguments, parameters)` gives the rates as a tensor `[c, n, d]`."""
    # A plain float has no place in torch's functions, and would be of single precision.
    shared = "torch.as_tensor({}, dtype=torch.float64, device={}.device)"
    return _module(system, TORCH, "torch", "import torch", "", shared, ", device={}.device")


def _module(
    system: BodySystem,
    dialect: Dialect,
    library: str,
    imports: str,
    vectors: str,
    shared: str,
    device: str = "",
) -> str:
    """Return the module; `vectors` and `shared` convert an argument, `device` is that of arrays."""
    code = _Code(system, dialect, library)
    names, n, j = code.names, code.count, code.other
    first = names[system.law.components[0]]
    rates = [code.of(side, pairs=False) for side in system.rates.values()]
    given = [names[name] for name in system.arguments]
    given += [f"{names[name]}={value!r}" for name, value in system.parameters.items()]
    of_bodies = [names[name] for name in (*system.law.components, *system.law.scalars)]
    of_all = [names[name] for name in system.shared]
    body = [
        '"""Return the rates of any number n of bodies.',
        "",
        *system.described(names),
        '"""',
        *(f"{name} = {vectors.format(name)}" for name in of_bodies if vectors),
        *(f"{name} = {shared.format(name, first)}" for name in of_all),
        f"{n} = {first}.shape[0]",
        "# for each body the n - 1 others",
        f"{j} = {library}.arange({n} - 1{device.format(first)})[None, :]",
        f"{j} = {j} + ({j} >= {library}.arange({n}{device.format(first)})[:, None])",
        *code.lines,
        f"return {library}.stack((",
        *(f"    {rate}," for rate in rates),
        "))",
    ]
    title = system.title[:1].upper() + system.title[1:]
    lines = [f'"""{title}."""', "", imports, "", "", f"def law({', '.join(given)}):"]
    return "\n".join([*lines, *(f"    {line}" if line else "" for line in body)]) + "\n"


@dataclass(slots=True)
class _Code:
    """Writes formulas; what they call is worked out once, in the lines before them."""

    system: BodySystem
    dialect: Dialect
    library: str
    names: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    known: dict[tuple[str, bool], str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    count: str = ""
    other: str = ""

    def __post_init__(self) -> None:
        self.taken |= self.dialect.reserved
        for name in (*self.system.arguments, *self.system.parameters):
            self.names[name] = self._fresh(name)
        self.count, self.other = self._fresh("n"), self._fresh("j")

    def of(self, formula: Expression, *, pairs: bool) -> str:
        """Return a formula of bodies, or of pairs of them."""
        text = self._write(formula, pairs=pairs)
        if formula.variables:
            return text
        # A number alone has no bodies and no axes.
        return f"{text} + 0.0*{self._own(self.system.law.components[0], pairs=pairs)}"

    def _write(self, formula: Expression, *, pairs: bool) -> str:
        return self.dialect.write(formula, {n: self._name(n, pairs) for n in formula.variables})

    def _fresh(self, name: str) -> str:
        found = fresh(name, self.taken)
        self.taken.add(found)
        return found

    def _name(self, name: str, pairs: bool) -> str:
        found = self.system.split(name)
        if "@" not in name and found is None:
            return self.names[name]
        if found is not None and found[1] == RECEIVER:
            return self._own(found[0], pairs=pairs)
        if (name, pairs) not in self.known:
            text = self._called(name, pairs) if found is None else self._sent(found[0])
            local = self._fresh(name.replace("@", "_"))
            self.lines.append(f"{local} = {text}")
            self.known[name, pairs] = local
        return self.known[name, pairs]

    def _own(self, name: str, *, pairs: bool) -> str:
        scalar = name in self.system.law.scalars
        places = [":", *(["None"] if pairs else []), *(["None"] if scalar else [])]
        return f"{self.names[name]}[{', '.join(places)}]" if len(places) > 1 else self.names[name]

    def _sent(self, name: str) -> str:
        end = ", None" if name in self.system.law.scalars else ""
        return f"{self.names[name]}[{self.other}{end}]"

    def _called(self, name: str, pairs: bool) -> str:
        kind, formulas = name.partition("@")[0], self.system.law.opened[name]
        if kind == PAIR_SUM:
            inside = self.of(formulas[0], pairs=True)
            if not self.system.of_pairs(formulas[0]):
                inside += f" + 0.0*{self.other}[..., None]"
            return f"{self.library}.sum({inside}, 1)"
        return self._product([self.of(f, pairs=pairs) for f in formulas], kind)

    def _product(self, vectors: Sequence[str], kind: str) -> str:
        product = f"({vectors[0]})**2" if kind == "norm" else f"({vectors[0]})*({vectors[1]})"
        total = f"{self.library}.sum({product}, -1)[..., None]"
        return f"{self.library}.sqrt({total})" if kind == "norm" else total
