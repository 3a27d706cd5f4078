"""Unknown updates of sums of messages: Jacobian, truth in the slots, what may be free."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from graph_systems import NESTED, PAIRS, Truth, pair_data, random_experiment

from residuum.expressions.torch_evaluation import evaluate
from residuum.problem.body_equations import read_body_problem
from residuum.problem.problem import Parameter
from residuum.surrogates.graph.bench import make_bench
from residuum.surrogates.graph.frames import frames_of
from residuum.surrogates.graph.heads import CentralHead
from residuum.surrogates.graph.jacobian import jacobian
from residuum.surrogates.graph.model import differences
from residuum.surrogates.graph.values import GraphSystem
from residuum.surrogates.settings import GraphSettings

PAIR = "position_j - position_i"
SMALL = GraphSettings(width=4, layers=2)
NONE = torch.zeros(0, dtype=torch.float64)
CASES = {
    "update": (f"update(sum(message({PAIR}, mass_i, mass_j)), mass_i)", ("mutual", "central")),
    "inside": (f"mass_i*update(mass_i, a*sum(message({PAIR})) + position_t_i)/a", ("mutual",)),
    "scalar": (f"update(position_t_i, s=sum(message(r=norm({PAIR}), m=mass_j)))", ("central",)),
    "two": (
        f"update(sum(message({PAIR})), mass_i) + sum(message({PAIR}))/mass_i"
        f" + norm(sum(message({PAIR})))*position_i",
        ("mutual",),
    ),
    "second": (f"force(position_i, v=sum(message({PAIR}))) + position_i*0", ("mutual",)),
    "lengths": (f"norm(a*position_i - position_t_i)*sum(message({PAIR}))/mass_i", ("central",)),
    "product": (f"sum(message(r=dot({PAIR}, a*position_j), m=mass_j)*({PAIR}))", ("central",)),
    "vector": ("sum(message(position_j - a*position_i, mass_i))", ("central", "free")),
    "turned": (f"sum(message(a*({PAIR}), mass_i, mass_j))/mass_i", ("mutual", "free mutual")),
}


def case(name, kind, axes=2):
    rng = np.random.default_rng(0)
    first = random_experiment(rng, times=3, bodies=4, axes=axes, name="first")
    second = random_experiment(rng, times=2, bodies=3, axes=axes, name="second")
    second.scalars["mass"][1] = np.nan
    text = CASES[name][0]
    problem = read_body_problem(
        {"position_tt": text},
        states=("position", "position_t", "position_tt"),
        scalars=("mass",),
        parameters={"a": Parameter("a")} if "a*" in text else {},
    )
    frames = frames_of(problem, [first, second])
    bench = make_bench(problem, frames, SMALL, lambda row: None)
    kinds = {term: kind if term == "message" else "central" for term in bench.views}
    system = bench.system({term: bench.head(term, each) for term, each in kinds.items()})
    g = torch.Generator().manual_seed(0)
    theta = 0.3 * torch.randn(2, system.size, generator=g, dtype=torch.float64)
    return system, frames, theta


@pytest.mark.parametrize(
    ("name", "kind"), [(n, k) for n, (_, kinds) in CASES.items() for k in kinds]
)
@pytest.mark.parametrize("axes", [1, 3])
def test_jacobian_matches_finite_differences(name, kind, axes):
    system, frames, theta = case(name, kind, axes)
    (equation,) = system.problem.equations

    def value(at):
        return evaluate(equation.rhs, system.values(frames, at))

    J = jacobian(system.values(frames, theta))["position"]
    eye = 1e-6 * torch.eye(system.size, dtype=torch.float64)
    expected = torch.stack([value(theta + e) - value(theta - e) for e in eye], -1) / 2e-6
    torch.testing.assert_close(J, expected, rtol=1e-5, atol=1e-7 * float(J.abs().max()))


@pytest.mark.parametrize("factor", [1.0, -2.5])
def test_the_true_terms_in_the_slots_leave_nothing_whatever_the_gauge(factor):
    rng = np.random.default_rng(0)
    experiment = pair_data(rng, lambda r, m_i, m_j: m_i * m_j * (r - 1), times=5, bodies=4)
    problem = read_body_problem(
        {"position_tt": NESTED}, states=("position", "position_tt"), scalars=("mass",)
    )
    heads = {
        "message": Truth(lambda r, m_i, m_j: factor * m_i * m_j * (r - 1), True),
        "update": Truth(lambda s, m: s / factor / m),
    }
    system = GraphSystem(problem, heads, NONE, {})
    frames = frames_of(problem, [experiment])
    rest = differences(system.values(frames, torch.zeros(1, 0, dtype=torch.float64)))
    size = np.abs(experiment.states["position_tt"]).max()
    assert float(rest["position"].abs().max()) < 1e-12 * size


def test_free_messages_are_for_given_updates():
    rng = np.random.default_rng(0)
    experiment = random_experiment(rng, times=3, bodies=4)
    forms = ("mutual", "central")
    for text, kinds in ((NESTED, (*forms, "latent")), (PAIRS, (*forms, "free mutual", "free"))):
        problem = read_body_problem(
            {"position_tt": text}, states=("position", "position_tt"), scalars=("mass",)
        )
        bench = make_bench(problem, frames_of(problem, [experiment]), SMALL, lambda row: None)
        term = problem.hidden_terms[0].name
        assert bench.views[term].kinds == kinds
    assert bench.views["force"].learned == (False, False, False)


def test_an_update_starts_as_a_positive_multiple_of_the_sum():
    system, _, _ = case("update", "mutual")
    head = system.heads["update"]
    assert isinstance(head, CentralHead)
    assert head.length == 0
    theta = head.initial(3, torch.Generator().manual_seed(0))
    assert bool((theta[:, : head.trunk.start] == 0).all())
    assert bool((theta[:, -1] == 1).all())
