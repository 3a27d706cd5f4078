"""Sparse regression against known truths with known covariance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from distiller_truths import draw_samples, trajectory

from residuum.distillers.design import build_design
from residuum.distillers.front import Candidate, Front
from residuum.distillers.settings import SindySettings
from residuum.distillers.sindy import distill_sindy
from residuum.distillers.sparse_path import sparse_path
from residuum.expressions.calculus import terms
from residuum.expressions.evaluation import evaluate
from residuum.hidden.samples import HiddenSamples

SETTINGS = SindySettings()


def support(candidate: Candidate) -> frozenset[str]:
    if candidate.expression.infix() == "0":
        return frozenset()
    return frozenset(term.infix() for _, term in terms(candidate.expression))


def by_support(front: Front) -> dict[frozenset[str], Candidate]:
    found = {support(candidate): candidate for candidate in front.candidates}
    assert len(found) == len(front.candidates)
    return found


def coefficients(candidate: Candidate) -> dict[str, float]:
    return {term.infix(): value for value, term in terms(candidate.expression)}


def standard_errors(samples: HiddenSamples, columns: np.ndarray) -> np.ndarray:
    precision = columns.T @ np.linalg.solve(samples.covariance, columns)
    return np.sqrt(np.diag(np.linalg.inv(precision)))


@pytest.mark.parametrize("seed", range(5))
def test_one_true_term(seed: int) -> None:
    samples = draw_samples(lambda X: -0.9 * X[:, 0] * X[:, 1], seed=seed)
    front = distill_sindy(samples, SETTINGS, seed=0)
    found = by_support(front)
    truth = found[frozenset({"x*y"})]
    singles = [c for s, c in found.items() if len(s) == 1]
    assert min(singles, key=lambda c: c.loss) is truth
    assert max(front.candidates, key=lambda c: c.frequency or 0.0) is truth
    error = standard_errors(samples, (samples.X[:, 0] * samples.X[:, 1])[:, None])[0]
    # The floor makes the estimate slightly less precise than the exact covariance would.
    assert abs(truth.expression.constants[0] + 0.9) < 4 * error
    assert 0.3 < truth.loss < 1.5


def test_two_true_terms_within_standard_errors() -> None:
    samples = draw_samples(lambda X: 1.5 * X[:, 0] - 0.4 * X[:, 0] * X[:, 1] ** 2)
    found = by_support(distill_sindy(samples, SETTINGS, seed=0))
    truth = found[frozenset({"x", "x*y**2"})]
    assert min((c for s, c in found.items() if len(s) == 2), key=lambda c: c.loss) is truth
    x, y = samples.X.T
    errors = standard_errors(samples, np.stack([x, x * y**2], axis=1))
    values = coefficients(truth)
    assert np.all(np.abs([values["x"] - 1.5, values["x*y**2"] + 0.4]) < 4 * errors)


def test_sine_among_polynomials() -> None:
    samples = draw_samples(lambda X: -5.0 * np.sin(X[:, 0]), sd=0.02, nugget=0.01)
    settings = SindySettings(functions=("sin",))
    front = distill_sindy(samples, settings, seed=0)
    singles = [c for s, c in by_support(front).items() if len(s) == 1]
    best = min(singles, key=lambda c: c.loss)
    assert support(best) == {"sin(x)"}
    assert best.expression.constants[0] == pytest.approx(-5.0, rel=0.01)


def test_coefficients_are_the_closed_form() -> None:
    samples = draw_samples(lambda X: 1.0 + X[:, 0] - 0.4 * X[:, 0] * X[:, 1])
    design = build_design(samples, SETTINGS)
    found = by_support(distill_sindy(samples, SETTINGS, seed=0))
    floor = noise_floor(samples, design.matrix * design.norms)
    x, y = samples.X.T
    columns = {"1": x**0, "x": x, "y": y, "x*y": x * y, "x**2": x**2, "y**2": y**2}
    for chosen, candidate in found.items():
        if not chosen or not chosen <= set(columns):
            continue
        names = sorted(chosen)
        matrix = np.stack([columns[name] for name in names], axis=1)
        weight = np.linalg.inv(samples.covariance + floor * np.eye(len(x)))
        expected = np.linalg.solve(matrix.T @ weight @ matrix, matrix.T @ weight @ samples.values)
        values = coefficients(candidate)
        np.testing.assert_allclose([values[name] for name in names], expected, rtol=1e-6)


def noise_floor(samples: HiddenSamples, whitened: np.ndarray) -> float:
    """Return s^2 such that the whitened library is the library whitened by C + s^2 I."""
    constant = np.ones(len(samples.values))
    wanted = float(whitened[:, 0] @ whitened[:, 0])
    low, high = 0.0, 10.0 * float(np.trace(samples.covariance))
    for _ in range(200):
        middle = (low + high) / 2
        covariance = samples.covariance + middle * np.eye(len(constant))
        power = float(constant @ np.linalg.solve(covariance, constant))
        low, high = (middle, high) if power > wanted else (low, middle)
    return middle


@pytest.mark.parametrize(("argument", "value"), [(1e3, 1.0), (1.0, 1 / 365), (1e-3, 365.0)])
def test_units_do_not_matter(argument: float, value: float) -> None:
    samples = draw_samples(lambda X: 1.5 * X[:, 0] - 0.4 * X[:, 0] * X[:, 1])
    other = replace(
        samples,
        X=samples.X * argument,
        values=samples.values * value,
        covariance=samples.covariance * value**2,
    )
    before = by_support(distill_sindy(samples, SETTINGS, seed=3))
    after = by_support(distill_sindy(other, SETTINGS, seed=3))
    assert before.keys() == after.keys()
    for chosen, candidate in before.items():
        assert after[chosen].loss == pytest.approx(candidate.loss, rel=1e-6)
        assert after[chosen].frequency == candidate.frequency
        if chosen:
            compare_constants(candidate, after[chosen], argument, value)


def compare_constants(
    candidate: Candidate, other: Candidate, argument: float, value: float
) -> None:
    size = {"x": np.array([argument]), "y": np.array([argument])}
    for (a, term), (b, _) in zip(terms(candidate.expression), terms(other.expression), strict=True):
        factor = float(np.ravel(evaluate(term, size))[0])
        assert b * factor / value == pytest.approx(a, rel=1e-5)


def test_a_repeated_column_is_reported() -> None:
    samples = draw_samples(lambda X: -0.9 * X[:, 0])
    twins = replace(samples, X=np.stack([samples.X[:, 0], 3.0 * samples.X[:, 0]], axis=1))
    front = distill_sindy(twins, SindySettings(degree=1), seed=0)
    assert front.library_size == 2
    assert front.notes == ("y is a constant times x on these samples: left out",)
    assert set(by_support(front)) == {
        frozenset(),
        frozenset({"1"}),
        frozenset({"x"}),
        frozenset({"1", "x"}),
    }


def test_terms_outside_their_domain_are_reported() -> None:
    samples = draw_samples(lambda X: -0.9 * X[:, 0])
    shifted = replace(samples, X=samples.X - 1.9)
    front = distill_sindy(shifted, SindySettings(degree=1, functions=("log", "sin")), seed=0)
    assert front.notes[:2] == (
        "log(x) is not finite on these samples: left out",
        "log(y) is not finite on these samples: left out",
    )
    assert front.library_size == 5


def test_only_alive_arguments() -> None:
    samples = replace(draw_samples(lambda X: -0.9 * X[:, 0]), alive=(True, False))
    front = distill_sindy(samples, SETTINGS, seed=0)
    assert front.library_size == 4
    assert {name for c in front.candidates for name in c.expression.variables} == {"x"}


def test_no_argument_alive_leaves_the_constant() -> None:
    samples = replace(draw_samples(lambda X: 0.7 + 0 * X[:, 0]), alive=(False, False))
    front = distill_sindy(samples, SETTINGS, seed=0)
    assert set(by_support(front)) == {frozenset(), frozenset({"1"})}
    constant = by_support(front)[frozenset({"1"})]
    assert constant.expression.constants[0] == pytest.approx(0.7, abs=0.05)


def test_fewer_samples_than_terms() -> None:
    samples = draw_samples(lambda X: -0.9 * X[:, 0] * X[:, 1], n=6, sd=0.0, nugget=0.001)
    front = distill_sindy(samples, SETTINGS, seed=0)
    assert any("10 library terms but only 6 independent directions" in note for note in front.notes)
    assert all(len(support(c)) < 6 and np.isfinite(c.loss) for c in front.candidates)
    assert by_support(front)[frozenset({"x*y"})].expression.constants[0] == pytest.approx(
        -0.9, rel=0.01
    )


def test_a_zero_term_is_zero() -> None:
    samples = draw_samples(lambda X: 0 * X[:, 0])
    front = distill_sindy(samples, SETTINGS, seed=0)
    best = max(front.candidates, key=lambda c: c.frequency or 0.0)
    assert best.expression.infix() == "0"


def test_the_prior_is_divided_out() -> None:
    """A strong prior shrinks the posterior mean; the constants do not follow it."""
    t, X = trajectory(60)
    truth = -0.9 * X[:, 0] * X[:, 1]
    prior = 4.0 * np.exp(-0.5 * ((t[:, None] - t[None]) / 2.0) ** 2)
    rng = np.random.default_rng(5)
    posterior, values = prior, np.zeros(60)
    for _ in range(2):
        noise = 4.0 * np.eye(60)
        gain = posterior @ np.linalg.inv(posterior + noise)
        values = values + gain @ (truth + 2.0 * rng.standard_normal(60) - values)
        posterior = posterior - gain @ posterior
    base = replace(
        draw_samples(lambda X: X[:, 0], n=60),
        X=X,
        t=t,
        values=values,
        covariance=(posterior + posterior.T) / 2,
    )
    settings = SindySettings(resamples=0)
    kept, divided = (
        by_support(distill_sindy(samples, settings, seed=0))[frozenset({"x*y"})]
        for samples in (base, replace(base, prior=prior))
    )
    column = (X[:, 0] * X[:, 1])[:, None]
    error = float(np.sqrt(2.0 / (column.T @ column)[0, 0]))
    assert abs(divided.expression.constants[0] + 0.9) < 3 * error
    assert abs(kept.expression.constants[0] + 0.9) > 3 * error
    assert divided.frequency is None


def test_data_that_say_nothing_beyond_the_prior() -> None:
    samples = draw_samples(lambda X: -0.9 * X[:, 0] * X[:, 1])
    front = distill_sindy(replace(samples, prior=samples.covariance), SETTINGS, seed=0)
    assert front.notes == ("the data say nothing of f beyond the surrogate's prior",)
    assert by_support(front)[frozenset({"x*y"})].expression.constants[0] == pytest.approx(
        -0.9, rel=0.03
    )


def test_one_informed_direction_still_gives_every_single_term() -> None:
    samples = draw_samples(lambda X: -0.9 * X[:, 0] * X[:, 1], n=40)
    column = samples.X[:, 0] * samples.X[:, 1]
    prior = samples.covariance + np.outer(column, column)
    front = distill_sindy(replace(samples, prior=prior), SETTINGS, seed=0)
    assert {len(chosen) for chosen in by_support(front)} == {0, 1}
    assert len(front.candidates) == 11


def test_supports_of_pysindys_path_are_on_the_front() -> None:
    samples = draw_samples(lambda X: 1.5 * X[:, 0] - 0.4 * X[:, 0] * X[:, 1])
    design = build_design(samples, SETTINGS)
    path = sparse_path(design.matrix, design.target)
    assert set(path.values()) >= {"stlsq", "ssr"}
    found = by_support(distill_sindy(samples, SETTINGS, seed=0))
    for chosen in path:
        if len(chosen) <= SETTINGS.max_terms:
            assert frozenset(design.terms[j].infix() for j in chosen) in found
    assert {c.origin for c in found.values()} >= {"sindy/zero", "sindy/subset", "sindy/stlsq"}


@pytest.mark.parametrize("part", ["X", "values", "covariance"])
def test_samples_that_are_not_finite(part: str) -> None:
    samples = draw_samples(lambda X: X[:, 0])
    array = getattr(samples, part).copy()
    array.flat[3] = np.nan
    with pytest.raises(ValueError, match=rf"f: {part}\[.*3|f: {part}\[1, 1"):
        distill_sindy(replace(samples, **{part: array}), SETTINGS, seed=0)


def test_too_few_samples() -> None:
    samples = draw_samples(lambda X: X[:, 0], n=2)
    with pytest.raises(ValueError, match="at least 3 hidden samples, found 2"):
        distill_sindy(samples, SETTINGS, seed=0)
