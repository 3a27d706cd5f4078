"""Campaigns of systems of bodies: what they are turned into, and mistakes in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from residuum.config import campaign_from_mapping, load_campaign
from residuum.errors import UserError
from residuum.problem.body_problem import BodyProblem
from residuum.stages.prepare import observe

ROOT = Path(__file__).parents[1]
PAIR = "position_j - position_i"


def campaign(**changes: object) -> dict[str, object]:
    simulate = {
        "equations": {"position_tt": f"sum(2*({PAIR}))/mass_i"},
        "bodies": {
            "count": 3,
            "experiments": 4,
            "position": {"normal": 1.0},
            "position_t": 0.0,
            "scalars": {"mass": {"lognormal": 0.5}},
        },
        "times": {"start": 0, "stop": 1, "points": 5},
        "observe": ["position", "position_t", "position_tt"],
    }
    dataset = {
        "data": {"simulate": simulate},
        "equations": {"position_tt": f"sum(force({PAIR}, mass_i, mass_j))/mass_i"},
    }
    return {"datasets": {"springs": {**dataset, **changes}}}


def test_a_simulated_system() -> None:
    dataset = campaign_from_mapping(campaign(), ROOT).datasets["springs"]
    assert isinstance(dataset.problem, BodyProblem)
    assert dataset.problem.scalars == ("mass",)
    assert list(dataset.surrogates) == ["graph"]
    observations = observe(dataset)
    assert observations.of_bodies
    assert set(observations.states) == {"position", "position_t", "position_tt"}
    assert dataset.section("train", "graph")["settings"]["width"]


def test_the_campaign_of_particles_is_checked_whole() -> None:
    loaded = load_campaign(ROOT / "config" / "particles.yaml")
    assert all(isinstance(d.problem, BodyProblem) for d in loaded.datasets.values())


def test_a_table_with_a_body_column(tmp_path: Path) -> None:
    rows = ["t,who,x,y,m"]
    rows += [f"{t},{b},{k + t},{k - t},{k + 1}" for t in range(4) for k, b in enumerate("ab")]
    (tmp_path / "tracks.csv").write_text("\n".join(rows))
    data = {
        "file": "tracks.csv",
        "body": "who",
        "states": {"position": ["x", "y"]},
        "scalars": {"mass": "m"},
    }
    dataset = campaign_from_mapping(campaign(data=data), tmp_path).datasets["springs"]
    experiments = observe(dataset).experiments
    assert experiments[0].bodies == ("a", "b")
    assert experiments[0].states["position"].shape == (4, 2, 2)


@pytest.mark.parametrize(
    ("equation", "message"),
    [
        (f"sum(force({PAIR}, mas_i))/mass_i", "did you mean 'mass_i'"),
        (f"force({PAIR})", "outside a sum"),
        ("sum(force(mass_j))", "no vector among its arguments"),
    ],
)
def test_a_mistake_in_an_equation_is_one_message(equation: str, message: str) -> None:
    with pytest.raises(UserError, match=r"datasets\.springs") as caught:
        campaign_from_mapping(campaign(equations={"position_tt": equation}), ROOT)
    assert message in str(caught.value)


def test_sums_need_bodies() -> None:
    data = {"file": "x.csv", "states": {"position": "x"}}
    with pytest.raises(UserError, match="name the column that tells bodies apart"):
        campaign_from_mapping(campaign(data=data), ROOT)


def test_messages_need_bodies() -> None:
    dataset = {"data": {"file": "x.csv"}, "equations": {"x_t": "f(x)"}}
    with pytest.raises(UserError, match="graph is for systems of bodies"):
        campaign_from_mapping({"datasets": {"d": {**dataset, "surrogates": {"graph": {}}}}}, ROOT)


def with_units(**units: str) -> dict[str, object]:
    whole = campaign(
        equations={"position_tt": f"(sum(force({PAIR})) - drag*position_t_i)/mass_i"},
        parameters={"drag": {"value": 2.0, "unit": "kg s-1"}},
    )
    whole["datasets"]["springs"]["data"]["units"] = units  # type: ignore[index]
    return whole


def test_parameters_are_converted_to_the_units_of_the_bodies() -> None:
    loaded = campaign_from_mapping(with_units(t="min", position="m", mass="kg"), ROOT)
    assert loaded.datasets["springs"].problem.known == {"drag": 120.0}


def test_units_that_do_not_fit_are_one_message() -> None:
    with pytest.raises(UserError, match=r"equations\.position_tt: units do not fit") as caught:
        campaign_from_mapping(with_units(t="s", position="m", mass="s"), ROOT)
    assert "\n" not in str(caught.value)


def test_an_unknown_update_asks_for_accelerations_and_the_graph_surrogate() -> None:
    unknown = {"position_tt": f"update(sum(message({PAIR}, mass_i, mass_j)), mass_i)"}
    dataset = campaign_from_mapping(campaign(equations=unknown), ROOT).datasets["springs"]
    assert isinstance(dataset.problem, BodyProblem)
    assert dataset.problem.nested == {"update": ("message",)}
    with pytest.raises(UserError, match=r"surrogates\.pinn: hidden term 'update'"):
        campaign_from_mapping(campaign(equations=unknown, surrogates={"pinn": {}}), ROOT)
    paths = campaign(equations=unknown)
    paths["datasets"]["springs"]["data"]["simulate"]["observe"] = ["position"]
    with pytest.raises(UserError, match=r"equations: hidden term 'update'.*give accelerations"):
        campaign_from_mapping(paths, ROOT)


def test_the_divergence_of_latents_is_refused_where_there_are_none() -> None:
    sparse = {"pinn": {"bottleneck": {"sparsity": "kl"}}}
    with pytest.raises(UserError, match="kl is for messages between bodies"):
        campaign_from_mapping(campaign(surrogates=sparse), ROOT)
