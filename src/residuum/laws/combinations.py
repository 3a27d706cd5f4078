"""Which laws are tried: combinations of candidates, best first, and their neighbours."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from residuum.distillers.front import Candidate, Front, formula_nats, subset_nats
from residuum.expressions.calculus import ONE, terms
from residuum.expressions.expression import CONSTANT, Expression
from residuum.expressions.simplification import simplify_rules
from residuum.laws.evidence import Criterion, Forms
from residuum.laws.families import Points, without_redundancy
from residuum.laws.shape import coefficients, inside, is_linear, skeleton, tidy
from residuum.problem.problem import Problem

Combination = dict[str, Candidate]
Part = tuple[float, Expression, bool]
ZERO = Expression.integer(0)


@dataclass(frozen=True, slots=True)
class Library:
    """The terms that a hidden term may gain, of the `size` that sums were chosen from.

    What a search found is none of them, round constants or not: it costs what its structure costs.
    """

    size: int = 0
    terms: tuple[Expression, ...] = ()

    def holds(self, part: Expression) -> bool:
        """Tell whether a term is one of the library."""
        return part == ONE or skeleton(part) in {skeleton(term) for term in self.terms}


def libraries(fronts: Sequence[Mapping[str, Front]], names: Sequence[str]) -> dict[str, Library]:
    """Return the library of each hidden term: the single terms of the fronts that have one."""
    found = {}
    for name in names:
        rows = [front[name] for front in fronts if name in front and front[name].library_size]
        parts = _single_terms([c for front in rows for c in front.candidates if c.status == "ok"])
        size = max((front.library_size for front in rows), default=0)
        found[name] = Library(size, tuple(parts))
    return found


def pool(
    problem: Problem,
    fronts: Sequence[Mapping[str, Front]],
    forms: Forms,
    points: Mapping[str, Points] | None = None,
) -> dict[str, list[Candidate]]:
    """Return the candidates of each hidden term over all fronts, one of each form.

    Of candidates with the same form the one with the smallest loss stays, at the shortest code
    length that any distiller has for it; zero is always there. Constants that no data on the box
    of `points` could tell apart become one.
    """
    pooled: dict[str, list[Candidate]] = {}
    for term in problem.hidden_terms:
        best: dict[object, Candidate] = {}
        rows = [c for front in fronts if term.name in front for c in front[term.name].candidates]
        for candidate in [zero(term.name), *rows]:
            if candidate.status != "ok":
                continue
            candidate = replace(candidate, expression=tidy(candidate.expression))
            if points is not None and not is_linear(candidate.expression):
                expression = without_redundancy(candidate.expression, points[term.name])
                candidate = replace(candidate, expression=expression)
            form = forms.of(term.name, candidate.expression)
            best[form] = _better(best.get(form, candidate), candidate)
        pooled[term.name] = list(best.values())
    return pooled


def _better(had: Candidate, new: Candidate) -> Candidate:
    nats = min(had.structure_nats, new.structure_nats)
    return replace(new if new.loss < had.loss else had, structure_nats=nats)


def zero(term: str) -> Candidate:
    """Return the candidate that says a hidden term is not there."""
    return Candidate(term, ZERO, math.inf, 0.0, origin="zero")


def ranked(
    pooled: Mapping[str, Sequence[Candidate]],
    *,
    limit: int,
    criterion: Criterion,
    count: int,
) -> list[Combination]:
    """Return the `limit` combinations of smallest total score, best first.

    A candidate's score is its misfit to the hidden samples on `count` values plus the cost of its
    constants and structure. Combinations come from a heap over the lattice of ranks, so that
    the cost is that of the combinations returned, not of all there are.
    """
    names = list(pooled)
    if not names:
        return [{}]
    columns = [_scored(pooled[name], criterion, count / len(names)) for name in names]
    found: list[Combination] = []
    for places in _lattice([[score for score, _ in column] for column in columns]):
        chosen = {n: columns[i][places[i]][1] for i, n in enumerate(names)}
        found.append(chosen)
        if len(found) >= limit:
            break
    return found


def shared(pooled: Mapping[str, Sequence[Candidate]], forms: Forms) -> list[Combination]:
    """Return the combinations in which every hidden term has the same form, shortest first.

    The criterion favours them, so none may be missed for a poor score of one of its parts.
    """
    tables = [{forms.of(name, c.expression): c for c in column} for name, column in pooled.items()]
    if len(tables) < 2:
        return []
    common = set(tables[0]).intersection(*tables[1:])
    rows = [
        {name: table[form] for name, table in zip(pooled, tables, strict=True)} for form in common
    ]
    return sorted(rows, key=_size)


def _size(law: Combination) -> tuple[int, tuple[tuple[str, ...], ...]]:
    expressions = [candidate.expression for candidate in law.values()]
    return sum(e.complexity for e in expressions), tuple(e.tokens for e in expressions)


def _scored(
    candidates: Sequence[Candidate], criterion: Criterion, count: float
) -> list[tuple[float, Candidate]]:
    def score(candidate: Candidate) -> float:
        constants = len(candidate.expression.constants)
        cost = (
            constants * math.log(max(count, 2.0)) + 2 * criterion.gamma * candidate.structure_nats
        )
        return min(candidate.loss, 1e12) * count + cost

    rows = [(score(c), c) for c in candidates]
    return sorted(rows, key=lambda row: (row[0], row[1].expression.tokens))


def _lattice(columns: Sequence[Sequence[float]]) -> Iterator[tuple[int, ...]]:
    """Yield places, one in each sorted column, by increasing sum."""
    start = (0,) * len(columns)
    heap, seen = [(sum(c[0] for c in columns), start)], {start}
    while heap:
        total, places = heapq.heappop(heap)
        yield places
        for i, column in enumerate(columns):
            k = places[i] + 1
            following = (*places[:i], k, *places[i + 1 :])
            if k < len(column) and following not in seen:
                seen.add(following)
                heapq.heappush(heap, (total - column[k - 1] + column[k], following))


def neighbours(
    law: Mapping[str, Candidate],
    fitted: Mapping[str, Expression],
    library: Mapping[str, Library],
) -> Iterator[Combination]:
    """Yield the law with one term more in one hidden term, then with one term fewer.

    Constants start at their fitted values, a new term's at zero. New terms are those of a
    library: their coefficient is their only constant.
    """
    for name, candidate in law.items():
        current = _parts(fitted[name]) if candidate.expression != ZERO else []
        present = {skeleton(part) for _, part, _ in current}
        known = library.get(name, Library())
        if not known.size:
            continue
        for part in known.terms:
            if skeleton(part) not in present:
                yield {**law, name: _linear(candidate, [*current, (0.0, part, True)], known)}
        for k in range(len(current)):
            yield {**law, name: _linear(candidate, current[:k] + current[k + 1 :], known)}


def reductions(
    law: Mapping[str, Candidate], fitted: Mapping[str, Expression]
) -> Iterator[Combination]:
    """Yield the law with one constant that stands inside a term taken away, in one hidden term.

    What a search found from a surrogate's samples may hold a constant that only makes up for their
    faults: `a/(x*(x + c))` becomes `a/x**2`. The others start at their fitted values.
    """
    for name, candidate in law.items():
        formula = fitted[name]
        for place, term in enumerate(inside(formula)):
            if term is None:
                continue
            shorter = tidy(simplify_rules(_without(formula, place)))
            if len(shorter.constants) < len(formula.constants) and shorter.constants:
                nats = min(candidate.structure_nats, formula_nats(shorter))
                yield {
                    **law,
                    name: replace(
                        candidate, expression=shorter, structure_nats=nats, loss=math.inf
                    ),
                }


def _without(expression: Expression, place: int) -> Expression:
    """Return the formula with zero for one of its constants."""
    spot = [i for i, token in enumerate(expression.tokens) if token == CONSTANT][place]
    tokens = (*expression.tokens[:spot], "0", *expression.tokens[spot + 1 :])
    constants = (*expression.constants[:place], *expression.constants[place + 1 :])
    return Expression(tokens, constants)


def _parts(expression: Expression) -> list[Part]:
    """Return the terms of a formula with their coefficients and whether these are free."""
    places = coefficients(expression)
    rows = zip(terms(expression), places, strict=True)
    return [(value, part, place is not None) for (value, part), place in rows]


def _single_terms(candidates: Sequence[Candidate]) -> list[Expression]:
    """Return the terms that stand alone in a candidate, each once."""
    rows = [terms(tidy(c.expression)) for c in candidates if c.expression != ZERO]
    parts = [row[0][1] for row in rows if len(row) == 1 and not row[0][1].constants]
    return list({skeleton(part): part for part in reversed(parts)}.values())[::-1]


def _linear(candidate: Candidate, parts: Sequence[Part], library: Library) -> Candidate:
    """Return a candidate that is a weighted sum of terms."""
    expression = ZERO
    for coefficient, part, free in parts:
        number = Expression.number(coefficient)
        product = number if part == ONE else number * part
        if not free and part.constants and abs(coefficient) == 1.0:
            product = part if coefficient > 0 else -part
        expression = product if expression == ZERO else expression + product
    nats = _sum_nats(candidate, parts, library)
    return replace(candidate, expression=expression, structure_nats=nats, loss=math.inf)


def _sum_nats(candidate: Candidate, parts: Sequence[Part], library: Library) -> float:
    """Return the code length of a sum that comes of a candidate's.

    Library terms cost what their subset costs. Others keep what the candidate pays beyond its
    library terms.
    """
    had = terms(candidate.expression) if candidate.expression != ZERO else []
    before = sum(library.holds(part) for _, part in had)
    after = sum(library.holds(part) for _, part, _ in parts)
    if after == len(parts):
        return subset_nats(library.size, after)
    own = candidate.structure_nats - subset_nats(library.size, before)
    return max(own, 0.0) + subset_nats(library.size, after)
