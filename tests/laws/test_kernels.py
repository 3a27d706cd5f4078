"""The compiled system against formulas evaluated and differentiated one by one."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.expressions.calculus import differentiate
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.expressions.primitives import PRIMITIVES
from residuum.expressions.program import compile_program
from residuum.laws.kernels import (
    choose_steps,
    condense,
    expand,
    information_of,
    integrate,
    right_hand_side,
    solve_positive,
    values,
)
from residuum.laws.system import kernel_arrays

NAMES = ("x", "y", "a", "b", "t")
NOT_LOG = np.zeros(2, bool)


def compiled(*texts: str) -> tuple[np.ndarray, ...]:
    return kernel_arrays(compile_program([parse(text) for text in texts], NAMES))


def run(program: tuple[np.ndarray, ...], point: np.ndarray, log: np.ndarray = NOT_LOG):
    f, jacobian = np.empty(2), np.empty((2, len(NAMES)))
    right_hand_side(program, log, point.copy(), f, jacobian, np.empty((4, len(program[0]))))
    return f, jacobian


def texts_of_every_operator() -> list[str]:
    samples = []
    for row in PRIMITIVES.values():
        inner = "0.3*x + 0.2*y*a"
        if row.arity == 1:
            samples.append(f"-({inner})" if row.symbol == "neg" else f"{row.symbol}({inner})")
        elif row.symbol.isidentifier():
            samples.append(f"{row.symbol}({inner}, y - b)")
        else:
            samples.append(f"({inner}) {row.symbol} (y + b)")
    return [*samples, "(x - y)**3", "x**-2*y", "x*y*a + t**2", "x**2.5"]


@pytest.mark.parametrize("text", texts_of_every_operator())
def test_value_and_gradient_are_those_of_the_formula(text: str) -> None:
    point = np.array([0.7, 1.3, 0.4, 0.9, 0.2])
    named = dict(zip(NAMES, point, strict=True))
    f, jacobian = run(compiled(text, "x - y"), point)
    assert f[0] == pytest.approx(float(evaluate(parse(text), named)), rel=1e-13)
    expected = [float(evaluate(differentiate(parse(text), name), named)) for name in NAMES]
    np.testing.assert_allclose(jacobian[0], expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(jacobian[1], [1, -1, 0, 0, 0])


@pytest.mark.parametrize("text", ["log(x - 2)", "sqrt(x - 2)", "asin(x + 2)", "(x - 2)**0.5"])
def test_outside_its_domain_a_formula_is_nan(text: str) -> None:
    f, _ = run(compiled(text, "x"), np.array([0.7, 1.3, 0.4, 0.9, 0.2]))
    assert np.isnan(f[0])


def test_logarithmic_components_follow_the_chain_rule() -> None:
    program = compiled("a*x - b*x*y", "x*y - y*t")
    z = np.log([0.7, 1.3])
    point = np.array([*z, 0.4, 0.9, 0.2])
    f, jacobian = run(program, point, np.ones(2, bool))
    step = 1e-6
    for place in range(5):
        moved = [point.copy(), point.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        up, down = (run(program, m, np.ones(2, bool))[0] for m in moved)
        np.testing.assert_allclose(jacobian[:, place], (up - down) / (2 * step), atol=1e-8)
    assert f[0] == pytest.approx(0.4 - 0.9 * 1.3)


def advance(steps: int, *, wide: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Integrate x' = a*y, y' = -x + b*u(t) for one unit of time."""
    names = ("x", "y", "a", "b", "u", "t")
    sides = [parse("a*y"), parse("-x + b*u")]
    program = kernel_arrays(compile_program(sides, names))
    z, s = np.array([1.0, 0.5]), np.zeros((2, 4 if wide else 0))
    if wide:
        s[:, :2] = np.eye(2)
    theta = np.array([1.0, 0.3])
    inside = (np.array([0.0]), np.array([2.0]))
    assert integrate(program, NOT_LOG, z, s, theta, 0.0, 1.0, *inside, steps)
    return z, s


def exact() -> np.ndarray:
    """x'' = -x + 0.6 t with x(0) = 1, x'(0) = 0.5: x = cos t - 0.1 sin t + 0.6 t."""
    return np.array([np.cos(1) - 0.1 * np.sin(1) + 0.6, -np.sin(1) - 0.1 * np.cos(1) + 0.6])


def test_integration_is_of_fifth_order_and_follows_linear_inputs() -> None:
    errors = [np.abs(advance(steps)[0] - exact()).max() for steps in (4, 8, 16)]
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert np.all(orders > 4.7)
    assert errors[-1] < 1e-8


def test_sensitivities_are_the_derivatives_of_what_is_computed() -> None:
    _, s = advance(5)
    c, d = np.cos(1), np.sin(1)
    np.testing.assert_allclose(s[:, :2], [[c, d], [-d, c]], atol=1e-6)
    np.testing.assert_allclose(s[0, 3], 2 * (1 - d), atol=1e-6)
    np.testing.assert_array_equal(advance(5)[0], advance(5, wide=False)[0])


def test_a_solution_that_blows_up_is_reported() -> None:
    program = compiled("x*x", "y")
    z = np.array([1.0, 1.0])
    empty = np.empty(0)
    assert not integrate(
        program, NOT_LOG, z, np.empty((2, 0)), np.array([0.0, 0.0]), 0.0, 5.0, empty, empty, 50
    )


def test_steps_are_chosen_for_the_error_that_is_asked() -> None:
    program = compiled("a*y", "-9*x")
    t = np.array([0.0, 0.5, 2.0])
    steps = np.ones(3, dtype=np.int64)
    data = (t, np.array([0, 3]), np.zeros((3, 0)), steps, np.zeros((3, 2)), np.ones((3, 2)))
    nodes, theta = np.array([[1.0, 0.0]] * 3), np.array([1.0, 0.0])
    for _ in range(2):
        choose_steps(program, NOT_LOG, data, theta, nodes, np.full(2, 1e-8), 500, steps)
    z = nodes[1].copy()
    empty = np.empty(0)
    integrate(program, NOT_LOG, z, np.empty((2, 0)), theta, 0.5, 2.0, empty, empty, steps[1])
    assert abs(z[0] - np.cos(4.5)) < 3e-8
    assert 1 < steps[0] < steps[1] < 200


def test_cholesky_solves_and_refuses_what_is_not_positive() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 6))
    matrix, rhs, out = root @ root.T, rng.normal(size=6), np.empty(6)
    assert solve_positive(matrix.copy(), rhs, out)
    np.testing.assert_allclose(matrix @ out, rhs, atol=1e-9)
    assert not solve_positive(np.diag([1.0, -1.0]), np.ones(2), np.empty(2))


def test_what_formulas_share_is_worked_out_once() -> None:
    one = compiled("sqrt((x - y)**2 + a**2)*b")
    both = compiled("sqrt((x - y)**2 + a**2)*b", "sqrt((y - x)**2 + a**2)*b + t")
    # The other order of a difference under an even power is the same; the sum is new.
    fresh = len(both[0]) - len(one[0])
    assert fresh == 3
    point = np.array([0.7, 1.3, 0.4, 0.9, 0.2])
    f, jacobian = run(both, point)
    r = np.hypot(0.6, 0.4)
    np.testing.assert_allclose(f, [0.9 * r, 0.9 * r + 0.2])
    expected = [-0.6 * 0.9 / r, 0.6 * 0.9 / r, 0.4 * 0.9 / r, r, 0.0]
    np.testing.assert_allclose(jacobian, [expected, [*expected[:4], 1.0]])


def test_operands_that_do_not_commute_stay_in_their_order() -> None:
    point = np.array([0.7, 1.3, 0.4, 0.9, 0.2])
    f, _ = run(compiled("(x - y)**3 + (y - x)**2", "y - x + x/y - y/x"), point)
    np.testing.assert_allclose(f, [-0.216 + 0.36, 0.6 + 0.7 / 1.3 - 1.3 / 0.7])


def test_values_alone_are_those_with_slopes() -> None:
    program, point = compiled("a*x - b*x*y", "x*y - y*t"), np.array([0.1, -0.2, 0.4, 0.9, 0.2])
    for log in (NOT_LOG, np.ones(2, bool)):
        alone = np.empty(2)
        values(program, log, point.copy(), alone, np.empty((4, len(program[0]))))
        np.testing.assert_array_equal(alone, run(program, point, log)[0])


def bordered(rng: np.random.Generator, experiments: int, p: int, n: int):
    """Return normal equations by experiment, and as one dense system."""
    size = p + n * experiments
    matrix, rhs = np.empty((experiments, p + n, p + n)), rng.normal(size=(experiments, p + n))
    dense, right = np.zeros((size, size)), np.zeros(size)
    for e in range(experiments):
        J = rng.normal(size=(3 * (p + n), p + n))
        matrix[e] = J.T @ J
        place = np.r_[:p, p + e * n : p + (e + 1) * n]
        dense[np.ix_(place, place)] += matrix[e]
        right[place] += rhs[e]
    return matrix, rhs, dense, right


def test_eliminated_states_give_the_steps_of_the_whole_system() -> None:
    experiments, p, n = 4, 3, 2
    matrix, rhs, dense, right = bordered(np.random.default_rng(0), experiments, p, n)
    shared, own_right = np.empty((p, p)), np.empty(p)
    blocks, borders = np.empty((experiments, n, n)), np.empty((experiments, n, p))
    own, theta, states = np.empty((experiments, n)), np.empty(p), np.empty((experiments, n))
    assert condense(matrix, rhs, p, 0.1, shared, own_right, blocks, borders, own)
    assert solve_positive(shared.copy(), own_right, theta)
    expand(blocks, borders, own, theta, states)
    expected = np.linalg.solve(dense + 0.1 * np.diag(np.diag(dense)), right)
    np.testing.assert_allclose([*theta, *states.ravel()], expected)
    marginal = np.linalg.inv(np.linalg.inv(dense)[:p, :p])
    np.testing.assert_allclose(information_of(matrix, rhs, p), marginal)


def test_what_an_initial_state_explains_is_no_information() -> None:
    J = np.array([[1.0, 2.0, 1.0], [1.0, 2.0, 0.0], [1.0, 2.0, 3.0]])  # theta_0, state, theta_1
    order = [0, 2, 1]
    matrix = (J.T @ J)[np.ix_(order, order)][None]
    found = information_of(matrix, np.zeros((1, 3)), 2)
    assert found[0, 0] == 0.0
    assert found[1, 1] > 0.1
