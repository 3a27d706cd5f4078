"""Bodies for languages of loops: one small function for every sum, length and product.

A function of bodies takes the body i, one of pairs i and j, a sum also the axis k.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from residuum.expressions.expression import Expression
from residuum.laws.export.body_system import BodySystem
from residuum.laws.export.code import Dialect, fresh
from residuum.problem.body_problem import RECEIVER
from residuum.problem.names import PAIR_SUM


@dataclass(frozen=True, slots=True)
class Function:
    """What is added up: `parts`, one axis after another (two of `dot`), or one body of a sum.

    `before` are the values, by their local names, that the parts are written with: those that no
    axis changes, and those that one does.
    """

    name: str
    kind: str
    indices: tuple[str, ...]
    parts: tuple[str, ...]
    before: Mapping[str, str]


@dataclass(slots=True)
class Functions:
    """Writes formulas; what they call becomes functions, each after those that it calls.

    `element(base, body, vector)` is how the language takes what a body has, `call(name, indices)`
    how it calls a function, `names` what it calls what bodies share, `taken` the names that are
    not free for functions, values and indices.
    """

    system: BodySystem
    dialect: Dialect
    names: Mapping[str, str]
    element: Callable[[str, str, bool], str]
    call: Callable[[str, tuple[str, ...]], str]
    taken: frozenset[str]
    found: dict[str, Function] = field(default_factory=dict)

    def own(self, name: str) -> str:
        """Return a name of the exporter's own: no two of them differ in underscores at the end."""
        return fresh(name, self.taken)

    def text(self, formula: Expression) -> tuple[str, dict[str, str]]:
        """Return a formula along axis k, and the calls that its local names stand for."""
        before: dict[str, str] = {}
        names = {name: self._name(name, before) for name in formula.variables}
        return self.dialect.write(formula, names), before

    def _name(self, name: str, before: dict[str, str]) -> str:
        own = self.system.split(name)
        if own is not None:
            body = self.own(own[1][1:])
            return self.element(own[0], body, own[0] in self.system.law.components)
        if "@" not in name:
            return self.names[name]
        function = self._function(name)
        local = self.own(name.replace("@", "_"))
        before[local] = self.call(function.name, function.indices)
        return local

    def _function(self, placeholder: str) -> Function:
        if placeholder not in self.found:
            kind, _, number = placeholder.partition("@")
            formulas = self.system.law.opened[placeholder]
            written = [self.text(formula) for formula in formulas]
            pairs = kind != PAIR_SUM and any(map(self.system.of_pairs, formulas))
            indices = (RECEIVER[1:], *("j" if pairs else ""), *("k" if kind == PAIR_SUM else ""))
            self.found[placeholder] = Function(
                self.own(f"{kind}_of_{number}"),
                kind,
                tuple(map(self.own, indices)),
                tuple(text for text, _ in written),
                {local: call for _, before in written for local, call in before.items()},
            )
        return self.found[placeholder]
