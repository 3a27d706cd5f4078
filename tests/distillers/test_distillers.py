"""What every distiller promises; a new entry of `DISTILLERS` inherits these tests."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from math import isfinite

import numpy as np
import pytest
from distiller_truths import draw_samples

from residuum.distillers.distiller import DISTILLERS, distill
from residuum.distillers.front import Front
from residuum.distillers.settings import GeneticSettings
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.expressions.simplification import skeleton
from residuum.hidden.samples import HiddenSamples

# A smaller budget than the default's: the sample law is found by a tenth of it.
SETTINGS = {name: row.settings() for name, row in DISTILLERS.items()} | {
    "genetic": GeneticSettings(budget=8_000, islands=2)
}


@pytest.fixture(scope="module")
def samples() -> HiddenSamples:
    one = draw_samples(lambda X: -0.9 * X[:, 0] * X[:, 1])
    return replace(
        one,
        arguments=("x", "y", "z"),
        X=np.column_stack([one.X, np.linspace(0, 1, 80)]),
        alive=(True, True, False),
    )


@pytest.fixture(scope="module", params=sorted(DISTILLERS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def front(name: str, samples: HiddenSamples) -> Front:
    return distill(samples, SETTINGS[name], seed=7)


def test_candidates_are_whole(front: Front, samples: HiddenSamples) -> None:
    assert front.term == samples.term
    assert front.candidates
    values = {name: samples.X[:, k] for k, name in enumerate(samples.arguments)}
    for candidate in front.candidates:
        assert candidate.term == samples.term
        assert set(candidate.expression.variables) <= {"x", "y"}
        assert isfinite(candidate.loss)
        assert candidate.loss >= 0
        assert isfinite(candidate.structure_nats)
        assert np.isfinite(evaluate(candidate.expression, values)).all()


def test_no_hidden_term_is_a_candidate(front: Front) -> None:
    assert "0" in {candidate.expression.infix() for candidate in front.candidates}


def test_no_structure_twice(front: Front) -> None:
    structures = [candidate.expression.tokens for candidate in front.candidates]
    assert len(structures) == len(set(structures))


def test_order(front: Front) -> None:
    keys = [(candidate.complexity, candidate.loss) for candidate in front.candidates]
    assert keys == sorted(keys)
    assert front.nondominated


def test_truth_is_found(front: Front, samples: HiddenSamples) -> None:
    form = skeleton(parse("2.5*(x*y)"))
    explained = [c for c in front.candidates if skeleton(c.expression) == form]
    assert len(explained) == 1
    assert explained[0].expression.constants[0] == pytest.approx(-0.9, rel=0.03)
    assert explained[0] in front.nondominated


def test_json_round_trip(front: Front) -> None:
    text = json.dumps(front.to_json(), allow_nan=False)
    assert Front.from_json(front.term, json.loads(text)) == front


def test_same_seed_same_front(name: str, front: Front, samples: HiddenSamples) -> None:
    settings = SETTINGS[name]
    np.random.seed(99)  # noqa: NPY002 (a distiller must not read the global generator)
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    assert distill(samples, settings, seed=7) == front
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


@pytest.mark.slow
def test_in_another_process(name: str, front: Front, samples: HiddenSamples) -> None:
    work = partial(distill, settings=SETTINGS[name], seed=7)
    with ProcessPoolExecutor(1) as pool:
        assert list(pool.map(pickle.loads(pickle.dumps(work)), [samples])) == [front]  # noqa: S301


def test_settings_of_no_distiller(samples: HiddenSamples) -> None:
    with pytest.raises(TypeError, match="expected the settings of a distiller, found int"):
        distill(samples, 3, seed=0)
