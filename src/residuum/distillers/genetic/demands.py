"""What a finished formula must satisfy: the constraints of the search, asked of an expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from residuum.distillers.genetic.folding import fold, strip
from residuum.distillers.genetic.parts import Parts, contains, describe, new_chains
from residuum.distillers.genetic.probing import Probes, find_probes
from residuum.distillers.genetic.reading import instructions, read_parts, write_draft
from residuum.distillers.genetic.trees import DRAFT_NODES, new_draft
from residuum.distillers.regression import Table
from residuum.distillers.settings import GeneticSettings
from residuum.expressions.expression import CONSTANT, Expression, is_integer
from residuum.expressions.primitives import PRIMITIVES

Local = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Demands:
    """The constraints that simplification and rounding after a search might break."""

    settings: GeneticSettings
    variables: tuple[str, ...]
    probes: Probes
    forbidden: Parts
    required: Parts

    @classmethod
    def of(cls, table: Table, settings: GeneticSettings) -> Demands:
        """Return the demands of the settings on formulas of a table."""
        return cls(
            settings,
            table.variables,
            find_probes(table, settings),
            read_parts(settings.forbidden, table.variables, "forbidden"),
            read_parts(settings.required, table.variables, "required"),
        )

    @property
    def any(self) -> bool:
        """Whether anything is asked at all."""
        s = self.settings
        parts = s.forbidden or s.required or s.arguments or s.nesting
        return bool(parts or len(self.probes.kind))

    def met(self, formula: Expression, local: Local | None = None) -> bool:
        """Tell whether a formula meets them; `local` holds its constants of each experiment."""
        local = local or {}
        counts = {len(values) for values in local.values()}
        experiments = [
            {name: values[e] for name, values in local.items()}
            for e in range(max(counts, default=0))
        ]
        return (
            _limits_met(formula, self.settings)
            and self._parts_met(formula, tuple(local))
            and self.probes.hold(formula, self.variables, experiments)
        )

    def _parts_met(self, formula: Expression, local: Sequence[str]) -> bool:
        if not (self.settings.forbidden or self.settings.required):
            return True
        numbers = {name: Expression.number(1.5) for name in local}
        steps = instructions(formula.substitute(numbers), self.variables)
        if len(steps) > DRAFT_NODES - 8:
            return False
        draft, out, chains = new_draft(1), new_draft(1), new_chains()
        write_draft(steps, draft)
        fold(draft, out, np.zeros(DRAFT_NODES, np.int64))
        offset = bool(strip(out))
        n = int(out.size[0])
        describe(out.codes, out.args, n, chains)

        def inside(parts: Parts) -> list[bool]:
            return [
                bool(contains(out.codes, out.args, n, offset, parts, k, chains))
                for k in range(len(parts.family))
            ]

        return not any(inside(self.forbidden)) and all(inside(self.required))


def _limits_met(formula: Expression, settings: GeneticSettings) -> bool:
    if not (settings.arguments or settings.nesting):
        return True
    for part in formula.walk():
        limit = settings.arguments.get(part.head)
        if limit is not None and cost_of(part, settings) - cost(part.head, settings) > limit:
            return False
        for inner, most in settings.nesting.get(part.head, {}).items():
            if sum(token == inner for token in part.tokens[1:]) > most:
                return False
    return True


def cost(token: str, settings: GeneticSettings) -> int:
    """Return the complexity of one token: as the table or the user says, one for a leaf."""
    if token not in PRIMITIVES:
        return 1
    return settings.costs.get(token, PRIMITIVES[token].complexity)


def cost_of(formula: Expression, settings: GeneticSettings) -> int:
    """Return the complexity of a formula; a whole exponent is a part of its power."""
    total = sum(cost(token, settings) for token in formula.tokens)
    powers = [e for e in formula.walk() if e.head == "**" and is_integer(e.tokens[-1])]
    return total - len(powers)


def named_locals(
    formula: Expression, local: Local, variables: Sequence[str]
) -> tuple[Expression, dict[str, tuple[float, ...]]]:
    """Return the formula with its local constants called `c_1`, `c_2`, and their values by name.

    A number that multiplies the only place of a local constant is taken into its values.
    """
    used = [name for name in formula.variables if name in local]
    values = {name: np.array(local[name], dtype=float) for name in used}
    for name in used:
        if formula.tokens.count(name) == 1:
            formula, factor = _without_factor(formula, name)
            values[name] = values[name] * factor
    names: dict[str, str] = {}
    k = 0
    for name in used:
        k += 1
        while f"c_{k}" in variables:
            k += 1
        names[name] = f"c_{k}"
    return formula.rename(names), {
        names[name]: tuple(float(x) for x in values[name]) for name in used
    }


def _without_factor(formula: Expression, name: str) -> tuple[Expression, float]:
    """Return the formula without the number that stands in the same product as a variable."""
    if formula.head not in PRIMITIVES:
        return formula, 1.0
    operands = list(formula.operands)
    at = next(k for k, operand in enumerate(operands) if name in operand.tokens)
    if _above(formula, name):
        return _taken(formula)
    operands[at], factor = _without_factor(operands[at], name)
    return Expression.apply(formula.head, *operands), factor


def _above(formula: Expression, name: str) -> bool:
    """Tell whether a variable is a factor of a product, in no denominator."""
    while formula.head in ("*", "/"):
        left, right = formula.operands
        if name in left.tokens:
            formula = left
        elif formula.head == "*":
            formula = right
        else:
            return False
    return formula.head == name


def _taken(formula: Expression) -> tuple[Expression, float]:
    """Return a product without its first factor that is a number, and that number."""
    if formula.head == "*":
        left, right = formula.operands
        if left.head == CONSTANT:
            return right, left.constants[0]
        if right.head == CONSTANT:
            return left, right.constants[0]
        rest, factor = _taken(left)
        if factor != 1.0:
            return rest * right, factor
        rest, factor = _taken(right)
        return left * rest, factor
    if formula.head == "/":
        left, right = formula.operands
        rest, factor = _taken(left)
        return rest / right, factor
    return formula, 1.0
