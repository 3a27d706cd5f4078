"""What may be believed: rivals the data cannot tell apart, anything missing, stability."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, norm

from residuum.expressions.calculus import terms
from residuum.expressions.constants import rounded
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.hidden.samples import HiddenSamples
from residuum.laws.choice import MARGIN, WIDER, Choice, Row, fitted, includes
from residuum.laws.combinations import Combination, Library, neighbours
from residuum.laws.evidence import weights
from residuum.laws.law import Verdict
from residuum.laws.shape import coefficients, skeleton

SIZE = 0.05
POWER = 0.8
# How far past the measured time, and how far outside the measured range, a law is tried.
HORIZON = 3.0
REACH = 10.0


@dataclass(frozen=True, slots=True)
class MissingTest:
    """Whether one more term improves the law more than chance would.

    `p_value` is corrected for the number of terms tried; a missing term that contributes at
    least `detectable` of its hidden term's rms would have been found with probability `POWER`.
    """

    found: bool
    p_value: float
    term: str | None
    tried: int
    detectable: float | None


def term_probabilities(
    choice: Choice, rows: Sequence[Row]
) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the posterior probability of each term, by its skeleton, over `rows`."""
    usable = [row for row in rows if row.fit.ok]
    total: dict[str, dict[tuple[str, ...], float]] = {
        term.name: {} for term in choice.problem.hidden_terms
    }
    for row, weight in zip(usable, weights([r.length for r in usable]), strict=True):
        for name, expression in row.fit.hidden.items():
            for part in {skeleton(part) for _, part in terms(expression)}:
                total[name][part] = total[name].get(part, 0.0) + weight
    return total


def rivals(rows: Sequence[Row]) -> list[Row]:
    """Return the laws within `MARGIN` of the first that lack one of its terms.

    A law that only adds terms is no rival: whether they are there is what `missing_test` asks.
    """
    near = [row for row in rows[1:] if row.fit.ok and row.length <= rows[0].length + MARGIN]
    return [row for row in near if row.kind != WIDER]


def identifiable(choice: Choice, rows: Sequence[Row]) -> dict[str, bool]:
    """Tell for each hidden term whether every rival has all the terms that the first law has."""
    found = {}
    for term in choice.problem.hidden_terms:
        best = rows[0].fit.hidden[term.name]
        found[term.name] = all(
            includes(choice, term.name, row.fit.hidden[term.name], best) for row in rivals(rows)
        )
    return found


def missing_test(
    best: Row,
    extended: Sequence[Row],
    samples: Mapping[str, HiddenSamples],
) -> MissingTest:
    """Test the law against every law with one term more, by likelihood ratio (Bonferroni)."""
    rows = [row for row in extended if row.fit.ok]
    if not rows:
        return MissingTest(False, 1.0, None, 0, None)
    gains = [max(best.fit.deviance - row.fit.deviance, 0.0) for row in rows]
    place = int(np.argmax(gains))
    p = min(1.0, len(rows) * float(chi2.sf(gains[place], 1)))
    shares = [_detectable(row, best, samples, len(rows)) for row in rows]
    known = [s for s in shares if s is not None]
    return MissingTest(
        found=p < SIZE,
        p_value=p,
        term=_added(best, rows[place]),
        tried=len(rows),
        detectable=float(np.median(known)) if known else None,
    )


def extensions(best: Row, library: Mapping[str, Library]) -> list[Combination]:
    """Return the laws that have one term more than the best in one hidden term."""
    law = fitted(best)
    count = sum(len(c.expression.constants) for c in law.values())
    near = neighbours(law, best.fit.hidden, library)
    return [n for n in near if sum(len(c.expression.constants) for c in n.values()) > count]


def _changed(best: Row, row: Row) -> tuple[str, float, Expression, int] | None:
    """Return (hidden term, coefficient, added term, place of its constant) of an extension."""
    place = len(row.fit.theta) - sum(len(e.constants) for e in row.fit.hidden.values())
    for name, expression in row.fit.hidden.items():
        had = {skeleton(part) for _, part in terms(best.fit.hidden[name])}
        places = coefficients(expression)
        for found, (coefficient, part) in zip(places, terms(expression), strict=True):
            if skeleton(part) not in had and found is not None:
                return name, coefficient, part, place + found[0]
        place += len(expression.constants)
    return None


def _added(best: Row, row: Row) -> str | None:
    change = _changed(best, row)
    return f"{change[2].infix()} in {change[0]}" if change else None


def _detectable(
    row: Row, best: Row, samples: Mapping[str, HiddenSamples], tried: int
) -> float | None:
    change = _changed(best, row)
    if change is None:
        return None
    name, _, part, place = change
    hidden = samples[name]
    values = dict(zip(hidden.arguments, hidden.X.T, strict=True))
    size = float(np.sqrt(np.mean(evaluate(part, values) ** 2)))
    whole = float(np.sqrt(np.mean(hidden.values**2))) or math.nan
    se = float(row.fit.standard_errors[place])
    needed = norm.isf(SIZE / (2 * tried)) + norm.ppf(POWER)
    share = needed * se * size / whole
    return float(share) if math.isfinite(share) else None


def stable(path: np.ndarray, measured: np.ndarray) -> bool:
    """Tell whether a trajectory stays finite and within `REACH` times the measured range."""
    if not np.isfinite(path).all():
        return False
    low, high = measured.min(axis=0), measured.max(axis=0)
    room = REACH * np.maximum(high - low, 1e-300)
    return bool(np.all(path >= low - room) and np.all(path <= high + room))


def free_of_poles(expression: Expression, samples: HiddenSamples) -> bool:
    """Tell whether a formula is finite over the box of its arguments (a grid of about 4,000).

    A denominator that changes sign has a zero between the points of the grid.
    """
    count = max(2, int(4000 ** (1 / max(1, len(samples.arguments)))))
    axes = [np.linspace(low, high, count) for low, high in samples.support]
    grid = np.meshgrid(*axes, indexing="ij") if axes else []
    values = dict(zip(samples.arguments, grid, strict=True))
    if not np.isfinite(evaluate(expression, values)).all():
        return False
    below = [evaluate(part, values) for part in _denominators(expression)]
    return all(bool((v > 0).all() or (v < 0).all()) for v in below)


def _denominators(expression: Expression) -> list[Expression]:
    """Return what a formula divides by, powers with a negative exponent included."""
    found = []
    for part in expression.walk():
        if part.head == "/":
            found.append(part.operands[1])
        if part.head == "**" and not part.operands[1].variables:
            base, exponent = part.operands
            if float(evaluate(exponent, {})) < 0:
                found.append(base)
        if part.head == "tan":
            found.append(Expression.apply("cos", part.operands[0]))
    return found


def warnings_of(
    rows: Sequence[Row],
    identified: Mapping[str, bool],
    test: MissingTest,
    is_stable: bool | None,
    disagreement: float,
) -> tuple[str, ...]:
    """Return the verdict's findings in words, the most important first."""
    found = []
    near = rivals(rows)
    if near:
        names = [name for name, sure in identified.items() if not sure]
        what = f" on {', '.join(names)}" if names else ""
        forms = "; ".join(_formulas(row) for row in near[:5])
        found.append(
            f"These data cannot tell this law from {len(near)} other(s) within {MARGIN:g} units "
            f"of description length{what}: {forms}"
        )
    if test.found:
        found.append(
            f"Something may be missing: adding {test.term} improves the fit more than chance "
            f"(p = {test.p_value:.2g} after {test.tried} trials)"
        )
    if is_stable is False:
        found.append("The law does not stay finite and in range over three times the measured time")
    if rows[0].without_hidden_terms:
        found.append("The known equations alone describe these data best: no hidden term is needed")
    if not disagreement < 1e-4:
        found.append(f"Two integrators differ by {disagreement:.2g} of the states' size")
    return tuple(found)


def _formulas(row: Row) -> str:
    return ", ".join(f"{term} = {rounded(e, 3).infix()}" for term, e in row.fit.hidden.items())


def make_verdict(
    identified: Mapping[str, bool],
    test: MissingTest,
    is_stable: bool | None,
    notes: tuple[str, ...],
) -> Verdict:
    """Return the verdict with the figures it rests on."""
    return Verdict(
        identifiable=identified,
        missing=test.found if test.tried else None,
        stable=is_stable,
        warnings=notes,
        details={
            "margin": MARGIN,
            "missing_test": {
                "p_value": test.p_value,
                "term": test.term,
                "tried": test.tried,
                "size": SIZE,
                "power": POWER,
                "detectable_share": test.detectable,
            },
        },
    )
