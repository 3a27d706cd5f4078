"""Right-hand sides of bodies against plain loops, with hidden terms, missing bodies and chunks."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.problem import body_evaluation
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_evaluation import evaluate_bodies, pairs
from residuum.problem.problem import Parameter

PAIR = "position_j - position_i"
GRAVITY = f"sum(mass_j*({PAIR})/norm({PAIR})**3) - k*position_t_i*u"


def frames(count: int = 5, bodies: int = 4, axes: int = 2) -> tuple[dict, dict]:
    rng = np.random.default_rng(0)
    shape = (count, bodies, axes)
    states = {"position": rng.normal(size=shape), "position_t": rng.normal(size=shape)}
    return states, {"mass": rng.lognormal(size=(count, bodies))}


def gravity(states: dict, scalars: dict, u: np.ndarray, k: float) -> np.ndarray:
    x, m = states["position"], scalars["mass"]
    found = -k * states["position_t"] * u[:, None, None]
    for f, i, j in np.ndindex(*x.shape[:2], x.shape[1]):
        if i != j:
            r = x[f, j] - x[f, i]
            found[f, i] += m[f, j] * r / np.linalg.norm(r) ** 3
    return found


def problem(right: str, scalars: tuple[str, ...] = ("mass",), **given: object):
    return read_body_problem({"position_tt": right}, scalars=scalars, **given)  # type: ignore[arg-type]


def test_pairs_are_the_other_bodies_in_order() -> None:
    assert pairs(2).tolist() == [[1], [0]]
    assert pairs(4)[2].tolist() == [0, 1, 3]


@pytest.mark.parametrize("chunk", [1, 30, 1_000_000])
def test_a_sum_over_pairs_is_that_of_a_loop(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_evaluation, "CHUNK", chunk)
    states, scalars = frames()
    u = np.arange(5.0)
    given = problem(GRAVITY, inputs=("u",), parameters={"k": Parameter("k", 0.3)})
    found = evaluate_bodies(given, states, scalars, inputs={"u": u})
    np.testing.assert_allclose(found["position"], gravity(states, scalars, u, 0.3), rtol=1e-12)
    other = evaluate_bodies(given, states, scalars, inputs={"u": u}, parameters={"k": 2.0})
    np.testing.assert_allclose(other["position"], gravity(states, scalars, u, 2.0), rtol=1e-12)


@pytest.mark.parametrize(
    "right", [f"sum(force({PAIR}, mass_j))", f"sum(phi(norm({PAIR}))*({PAIR}))"]
)
def test_hidden_terms_are_a_function_or_arrays(right: str) -> None:
    states, scalars = frames()
    given, asked = problem(right), {}

    def hidden(call, arguments):
        asked[call.placeholder] = arguments
        length = np.linalg.norm(arguments[0], axis=-1, keepdims=True)
        if call.term == "phi":
            return 1 / arguments[0] ** 3
        return arguments[1] * arguments[0] / length**3

    found = evaluate_bodies(given, states, scalars, hidden=hidden)["position"]
    arrays = {
        name: np.broadcast_to(hidden(given.call(name), a), (5, 4, 3, a[0].shape[-1]))
        for name, a in asked.items()
    }
    again = evaluate_bodies(given, states, scalars, hidden=arrays)["position"]
    np.testing.assert_allclose(found, again, rtol=1e-14)
    masses = scalars if "mass" in right else {"mass": np.ones((5, 4))}
    np.testing.assert_allclose(found, gravity(states, masses, np.zeros(5), 0.0), rtol=1e-12)


def test_a_term_of_the_body_itself_is_one_array_inside_and_outside_a_sum() -> None:
    states, scalars = frames()
    given = problem("drag(position_t_i) + sum(drag(position_t_i))")
    arrays = {"drag@0": np.random.default_rng(1).normal(size=(5, 4, 2))}
    found = evaluate_bodies(given, states, scalars, hidden=arrays)["position"]
    np.testing.assert_allclose(found, 4 * arrays["drag@0"], rtol=1e-14)


def test_scalar_products_time_and_first_order() -> None:
    states, _ = frames()
    given = read_body_problem({"position_t": f"sum(dot(position_i, position_j)*({PAIR}))*t + 1"
                               "*position_i"})  # fmt: skip
    t = np.arange(5.0)
    found = evaluate_bodies(given, {"position": states["position"]}, {}, t=t)["position"]
    x = states["position"]
    expected = np.einsum("fid,fjd,fje->fie", x, x, x)
    expected -= np.einsum("fid,fjd,fie->fie", x, x, x)
    np.testing.assert_allclose(found, expected * t[:, None, None] + x, rtol=1e-11)


def test_a_missing_body_is_absent_for_the_others() -> None:
    states, scalars = frames()
    given, u = problem(GRAVITY.split(" - k")[0]), np.zeros(5)
    states["position"][2, 1] = np.nan
    states["position"][3, 0, 1] = np.nan
    states["position_t"][0, 0] = np.nan  # not asked of partners
    found = evaluate_bodies(given, states, scalars)["position"]
    missing = np.isnan(states["position"]).any(axis=-1)
    np.testing.assert_array_equal(np.isnan(found).any(axis=-1), missing)
    rest = {k: v[2:3][:, [0, 2, 3]] for k, v in states.items()}
    masses = {"mass": scalars["mass"][2:3][:, [0, 2, 3]]}
    np.testing.assert_allclose(found[2, [0, 2, 3]], gravity(rest, masses, u, 0.0)[0], rtol=1e-12)


def test_an_unknown_scalar_makes_what_needs_it_unknown() -> None:
    states, scalars = frames()
    scalars["mass"][:, 3] = np.nan
    found = evaluate_bodies(problem(GRAVITY.split(" - k")[0]), states, scalars)["position"]
    assert np.isnan(found[:, :3]).all()
    assert np.isfinite(found[:, 3]).all()


def test_a_hundred_bodies_stay_within_memory() -> None:
    states, scalars = frames(40, 100, 3)
    found = evaluate_bodies(problem(GRAVITY.split(" - k")[0]), states, scalars)["position"]
    m, total = scalars["mass"][..., None], np.zeros((40, 3))
    total += np.sum(m * found, axis=1)
    np.testing.assert_allclose(total, 0.0, atol=1e-6)
