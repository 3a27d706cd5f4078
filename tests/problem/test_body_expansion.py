"""Bodies written out as scalar equations: the same numbers as the vector equations by hand."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.errors import UserError
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_expansion import Expansion, expand

GRAVITY = "sum(force(position_j - position_i, mass_i, mass_j)) / mass_i"
BODIES, AXES = 4, 3


@pytest.fixture
def frame() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "position": rng.normal(size=(BODIES, AXES)),
        "position_t": rng.normal(size=(BODIES, AXES)),
        "mass": np.exp(rng.normal(size=BODIES)),
    }


def values_of(expansion: Expansion, frame: dict[str, np.ndarray]) -> dict[str, float]:
    found = {expansion.scalar("mass", b): frame["mass"][b] for b in range(expansion.bodies)}
    for name in ("position", "position_t"):
        flat = frame[name][: expansion.bodies].ravel()
        found |= dict(zip(expansion.components(name), flat, strict=True))
    return found


def rates(problem, expansion, frame, formulas) -> np.ndarray:
    sides = problem.complete({name: parse(text) for name, text in formulas.items()})
    values = values_of(expansion, frame)
    return np.array([float(evaluate(sides[state], values)) for state in problem.states])


def test_gravity(frame: dict[str, np.ndarray]) -> None:
    problem = read_body_problem({"position_tt": GRAVITY}, scalars=("mass",))
    expansion = Expansion(BODIES, AXES)
    written = expand(problem, expansion)
    x, m = frame["position"], frame["mass"]
    d = x[None, :] - x[:, None]
    r = np.linalg.norm(d, axis=-1) + np.eye(BODIES)
    truth = (m[None, :, None] * d / r[..., None] ** 3).sum(axis=1)
    found = rates(written, expansion, frame, {"force": "mass_i*mass_j/distance**2"})
    np.testing.assert_allclose(found, truth.ravel(), rtol=1e-12)
    assert written.hidden_terms[0].arguments == ("distance", "mass_i", "mass_j")
    assert len(written.calls) == BODIES * (BODIES - 1)
    assert written.components[:2] == ("position_x_1", "position_x_1_t")


def test_complete_equations_drag_and_products(frame: dict[str, np.ndarray]) -> None:
    pair = "position_j - position_i"
    problem = read_body_problem(
        {
            "position_tt": f"sum(dot({pair}, position_t_j)*({pair})/norm({pair}))/mass_i"
            " + drag(position_t_i) - 2*position_i"
        },
        scalars=("mass",),
    )
    expansion = Expansion(BODIES, AXES)
    x, v, m = frame["position"], frame["position_t"], frame["mass"]
    d = x[None, :] - x[:, None]
    r = np.linalg.norm(d, axis=-1) + np.eye(BODIES)
    along = np.einsum("ijk,jk->ij", d, v)
    truth = ((along / r)[..., None] * d).sum(axis=1) / m[:, None]
    speed = np.linalg.norm(v, axis=1, keepdims=True)
    truth += -0.5 * speed * v - 2 * x
    found = rates(expand(problem, expansion), expansion, frame, {"drag": "-0.5*speed**2"})
    np.testing.assert_allclose(found, truth.ravel(), rtol=1e-12)


def test_one_receiver_and_absent_bodies(frame: dict[str, np.ndarray]) -> None:
    problem = read_body_problem({"position_tt": GRAVITY}, scalars=("mass",))
    whole = Expansion(BODIES, AXES)
    one = expand(problem, whole, receivers=[0], ragged=True)
    assert one.states == ("position_x_1", "position_y_1", "position_z_1")
    assert {"mass_1", "position_z_4", "position_x_2_t", "present_4"} <= set(one.inputs)
    formulas = {"force": parse("mass_i*mass_j/distance**2")}
    values = values_of(whole, frame) | {whole.presence(b): float(b < 3) for b in range(BODIES)}
    found = [float(evaluate(side, values)) for side in one.complete(formulas).values()]
    fewer = Expansion(BODIES - 1, AXES)
    three = expand(problem, fewer, receivers=[0]).complete(formulas)
    truth = [float(evaluate(side, values_of(fewer, frame))) for side in three.values()]
    np.testing.assert_allclose(found, truth, rtol=1e-13)


def test_a_vector_of_two_vectors_has_no_one_direction() -> None:
    problem = read_body_problem(
        {"position_tt": "sum(f(position_j - position_i, position_t_j - position_t_i))"}
    )
    with pytest.raises(UserError, match="vector of 2 vectors"):
        expand(problem, Expansion(2, 2))
